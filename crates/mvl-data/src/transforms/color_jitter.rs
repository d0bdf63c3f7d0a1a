//! Brightness, contrast, saturation and hue changed a little, in random order.
//!
//! # Source
//! `ColorJitter` of torchvision; Howard 2013, <https://arxiv.org/abs/1312.5402>.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, factor_range};
use crate::ops::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation};

/// Draws a factor for each of the four from its range. In a file a range is `[least, largest]`, or one number x that stands for
/// `[1 - x, 1 + x]`, for the hue `[-x, x]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColorJitter {
    /// Of the factor for the brightness.
    #[serde(deserialize_with = "factor_range::around_one")]
    pub brightness: [f64; 2],
    /// Of the factor for the contrast.
    #[serde(deserialize_with = "factor_range::around_one")]
    pub contrast: [f64; 2],
    /// Of the factor for the saturation.
    #[serde(deserialize_with = "factor_range::around_one")]
    pub saturation: [f64; 2],
    /// Of the turn of the colour wheel, -0.5 to 0.5.
    #[serde(deserialize_with = "factor_range::around_zero")]
    pub hue: [f64; 2],
}

impl Default for ColorJitter {
    /// No change.
    fn default() -> Self {
        Self { brightness: [1.0; 2], contrast: [1.0; 2], saturation: [1.0; 2], hue: [0.0; 2] }
    }
}

impl Transform for ColorJitter {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rng = draw.rng();
        let order = rng.permutation(4);
        let ranges = [(self.brightness, 1.0), (self.contrast, 1.0), (self.saturation, 1.0), (self.hue, 0.0)];
        let factors = ranges.map(|(range, still)| (range != [still; 2]).then(|| rng.between(range[0], range[1])));
        for step in order {
            let image = sample.image;
            sample.image = match (step, factors[step]) {
                (_, None) => image,
                (0, Some(factor)) => adjust_brightness(image, factor),
                (1, Some(factor)) => adjust_contrast(image, factor),
                (2, Some(factor)) => adjust_saturation(image, factor),
                (_, Some(turns)) => adjust_hue(image, turns),
            };
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let factors = [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)];
        let factors = factors.into_iter().filter_map(|(field, range)| factor_range::factor_problem(field, range));
        factors.chain(factor_range::hue_problem(self.hue)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn a_number_is_a_range_around_no_change() {
        let jitter: ColorJitter = serde_json::from_str(r#"{"brightness":1.5,"contrast":[0.5,0.75],"hue":0.25}"#)
            .expect("a number or a range");
        assert_eq!((jitter.brightness, jitter.contrast), ([0.0, 2.5], [0.5, 0.75]));
        assert_eq!((jitter.saturation, jitter.hue), ([1.0; 2], [-0.25, 0.25]));
    }

    #[test]
    fn factors_come_from_the_whole_range_and_nothing_else_changes() {
        let image = Image::new(1, 1, Channels::Rgb, vec![100, 100, 100]).expect("three bytes");
        let jitter = ColorJitter { brightness: [0.5, 1.5], ..ColorJitter::default() };
        let levels: Vec<u8> = (0..500).map(|index| apply_at(&jitter, image.clone(), index).pixels()[0]).collect();
        let (least, most) = (levels.iter().min(), levels.iter().max());
        assert!(least < Some(&55) && most > Some(&145) && levels.iter().all(|level| (50..=150).contains(level)));
        assert_eq!(apply_at(&ColorJitter::default(), image.clone(), 0), image);
    }

    #[test]
    fn the_order_changes() {
        let image = Image::new(2, 1, Channels::Gray, vec![100, 200]).expect("two bytes");
        let jitter = ColorJitter { brightness: [2.0; 2], contrast: [0.5; 2], ..ColorJitter::default() };
        let seen: std::collections::BTreeSet<Vec<u8>> =
            (0..20).map(|index| apply_at(&jitter, image.clone(), index).into_pixels()).collect();
        // brighter first: 200 and 255, whose mean is 227.5; contrast first: 125 and 175
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [vec![213, 241], vec![250, 255]]);
    }

    #[test]
    fn every_problem_is_named() {
        let jitter: ColorJitter =
            serde_json::from_str(r#"{"brightness":-0.5,"saturation":[2.0,1.0],"hue":0.6}"#).expect("numbers");
        assert_eq!(
            jitter.problems(),
            [
                "brightness: expected 0 <= least <= largest, got [1.5, 0.5]",
                "saturation: expected 0 <= least <= largest, got [2.0, 1.0]",
                "hue: expected -0.5 <= least <= largest <= 0.5, got [-0.6, 0.6]"
            ]
        );
    }
}
