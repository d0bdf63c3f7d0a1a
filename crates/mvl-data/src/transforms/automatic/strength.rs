//! How strong each operation is at each step of a scale, and which operations each policy draws from.
//!
//! # Source
//! `_AUGMENTATION_SPACE` of the classes in `torchvision/transforms/v2/_auto_augment.py`, <https://github.com/pytorch/vision>. Numbers
//! are 32-bit floats there, so they are here.

use mvl_core::SampleRng;

use super::AugmentOp::{
    self, AutoContrast, Brightness, Color, Contrast, Equalize, Identity, Invert, Posterize, Rotate, Sharpness, ShearX,
    ShearY, Solarize, TranslateX, TranslateY,
};

/// The scale of an operation's magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Strength {
    /// It has none.
    None,
    /// From 0 to this; the sign is drawn.
    Signed(f64),
    /// From 0 to this share of the image's width; the sign is drawn.
    OfWidth(f64),
    /// From 0 to this share of the image's height; the sign is drawn.
    OfHeight(f64),
    /// From 1 to 0.
    Falling,
    /// From the first number of bits to the second.
    Bits(f32, f32),
}

/// The operations to draw from.
pub(super) type Space = [(AugmentOp, Strength)];

/// The largest shift of AutoAugment and RandAugment: 150 pixels of their 331.
const SHIFT: f64 = 150.0 / 331.0;

/// Of AutoAugment, whose policies name the operations.
pub(super) const AUTO_AUGMENT: &Space = &[
    (ShearX, Strength::Signed(0.3)),
    (ShearY, Strength::Signed(0.3)),
    (TranslateX, Strength::OfWidth(SHIFT)),
    (TranslateY, Strength::OfHeight(SHIFT)),
    (Rotate, Strength::Signed(30.0)),
    (Brightness, Strength::Signed(0.9)),
    (Color, Strength::Signed(0.9)),
    (Contrast, Strength::Signed(0.9)),
    (Sharpness, Strength::Signed(0.9)),
    (Posterize, Strength::Bits(8.0, 4.0)),
    (Solarize, Strength::Falling),
    (AutoContrast, Strength::None),
    (Equalize, Strength::None),
    (Invert, Strength::None),
];

/// Of RandAugment.
pub(super) const RAND_AUGMENT: &Space = &[
    (Identity, Strength::None),
    (ShearX, Strength::Signed(0.3)),
    (ShearY, Strength::Signed(0.3)),
    (TranslateX, Strength::OfWidth(SHIFT)),
    (TranslateY, Strength::OfHeight(SHIFT)),
    (Rotate, Strength::Signed(30.0)),
    (Brightness, Strength::Signed(0.9)),
    (Color, Strength::Signed(0.9)),
    (Contrast, Strength::Signed(0.9)),
    (Sharpness, Strength::Signed(0.9)),
    (Posterize, Strength::Bits(8.0, 4.0)),
    (Solarize, Strength::Falling),
    (AutoContrast, Strength::None),
    (Equalize, Strength::None),
];

/// Of TrivialAugment, wide.
pub(super) const TRIVIAL_AUGMENT_WIDE: &Space = &[
    (Identity, Strength::None),
    (ShearX, Strength::Signed(0.99)),
    (ShearY, Strength::Signed(0.99)),
    (TranslateX, Strength::Signed(32.0)),
    (TranslateY, Strength::Signed(32.0)),
    (Rotate, Strength::Signed(135.0)),
    (Brightness, Strength::Signed(0.99)),
    (Color, Strength::Signed(0.99)),
    (Contrast, Strength::Signed(0.99)),
    (Sharpness, Strength::Signed(0.99)),
    (Posterize, Strength::Bits(8.0, 2.0)),
    (Solarize, Strength::Falling),
    (AutoContrast, Strength::None),
    (Equalize, Strength::None),
];

/// How many of [`AUG_MIX`] there are without those that its benchmarks' corruptions resemble.
pub(super) const AUG_MIX_PARTIAL: usize = 9;

/// Of AugMix.
pub(super) const AUG_MIX: &Space = &[
    (ShearX, Strength::Signed(0.3)),
    (ShearY, Strength::Signed(0.3)),
    (TranslateX, Strength::OfWidth(1.0 / 3.0)),
    (TranslateY, Strength::OfHeight(1.0 / 3.0)),
    (Rotate, Strength::Signed(30.0)),
    (Posterize, Strength::Bits(4.0, 0.0)),
    (Solarize, Strength::Falling),
    (AutoContrast, Strength::None),
    (Equalize, Strength::None),
    (Brightness, Strength::Signed(0.9)),
    (Color, Strength::Signed(0.9)),
    (Contrast, Strength::Signed(0.9)),
    (Sharpness, Strength::Signed(0.9)),
];

impl Strength {
    /// The magnitude at one of `steps` steps for an image of `[height, width]`, before its sign is drawn; 0 where it has none.
    fn magnitude(self, step: usize, steps: usize, [height, width]: [u32; 2]) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Signed(most) => between(0.0, most as f32, step, steps),
            Self::OfWidth(share) => between(0.0, (share * f64::from(width)) as f32, step, steps),
            Self::OfHeight(share) => between(0.0, (share * f64::from(height)) as f32, step, steps),
            Self::Falling => between(1.0, 0.0, step, steps),
            Self::Bits(first, last) => {
                let steps_a_bit = (steps - 1) as f32 / (first - last);
                f64::from((first - step as f32 / steps_a_bit).round_ties_even())
            }
        }
    }

    /// The magnitude at a step, with its sign.
    pub(super) fn draw(self, step: usize, steps: usize, size: [u32; 2], rng: &mut SampleRng) -> f64 {
        let magnitude = self.magnitude(step, steps, size);
        let signed = matches!(self, Self::Signed(_) | Self::OfWidth(_) | Self::OfHeight(_));
        if signed && rng.chance(0.5) { -magnitude } else { magnitude }
    }
}

/// `torch.linspace(first, last, steps)[step]`, which counts from both ends to the middle.
fn between(first: f32, last: f32, step: usize, steps: usize) -> f64 {
    let stride = (last - first) / (steps - 1) as f32;
    let from_first = step < steps / 2;
    let value = if from_first { first + stride * step as f32 } else { last - stride * (steps - 1 - step) as f32 };
    f64::from(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    /// torch's `linspace` adds up in another order in its vectors.
    const TOLERANCE: f64 = 1e-6;

    #[derive(Deserialize)]
    struct Tables {
        height: u32,
        width: u32,
        spaces: BTreeMap<String, BTreeMap<String, Row>>,
    }

    #[derive(Deserialize)]
    struct Row {
        signed: bool,
        magnitudes: Option<Vec<f64>>,
    }

    #[test]
    fn magnitudes_are_torchvisions() {
        let tables: Tables = serde_json::from_str(include_str!("../../../tests/fixtures/pixel/tables.json"))
            .expect("what scripts/make_pixel_goldens.py wrote");
        let size = [tables.height, tables.width];
        let spaces = [
            ("auto_augment", AUTO_AUGMENT),
            ("rand_augment", RAND_AUGMENT),
            ("trivial_augment_wide", TRIVIAL_AUGMENT_WIDE),
            ("aug_mix", AUG_MIX),
        ];
        for (name, space) in spaces {
            assert_eq!(tables.spaces[name].len(), space.len(), "{name}");
            for (op, strength) in space {
                let row = &tables.spaces[name][&format!("{op:?}")];
                let negative = |seed| strength.draw(1, 10, size, &mut SampleRng::new([seed; 4])) < 0.0;
                assert_eq!(row.signed, (0..20).any(negative), "{name}: {op:?}");
                assert_eq!(row.magnitudes.is_none(), *strength == Strength::None, "{name}: {op:?}");
                for (step, expected) in row.magnitudes.iter().flatten().enumerate() {
                    let steps = row.magnitudes.as_ref().map_or(0, Vec::len);
                    let got = strength.magnitude(step, steps, size);
                    let near = (got - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
                    assert!(near, "{name}: {op:?} at {step} of {steps}: expected {expected}, got {got}");
                }
            }
        }
    }
}
