//! A border of fixed width.
//!
//! # Source
//! `Pad` of torchvision.

use mvl_core::{DataError, MAX_SIDE_PX, Sample};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Draw, Transform};
use crate::geometry::{Border, BorderMode, Fill, Geometry, move_sample};

/// Puts pixels around the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// Pixels on the left, top, right and bottom. In a file also one number for all, or two: left and right, top and bottom.
    #[serde(deserialize_with = "deserialize_padding")]
    pub padding: [u32; 4],
    /// What the pixels are.
    #[serde(default)]
    pub mode: BorderMode,
    /// The colour of constant ones.
    #[serde(default)]
    pub fill: Fill,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected pixels, [horizontal, vertical], or [left, top, right, bottom]")]
enum Padding {
    All(u32),
    Two([u32; 2]),
    Four([u32; 4]),
}

fn deserialize_padding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u32; 4], D::Error> {
    Ok(match Padding::deserialize(deserializer)? {
        Padding::All(all) => [all; 4],
        Padding::Two([horizontal, vertical]) => [horizontal, vertical, horizontal, vertical],
        Padding::Four(sides) => sides,
    })
}

impl Transform for Pad {
    fn apply(&self, sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let border = Border::new(sample.image.size(), self.padding, self.mode, self.fill);
        move_sample(sample, &border)
    }

    fn output_size(&self, input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        input.map(|image| Border::new(image, self.padding, self.mode, self.fill).output_size())
    }

    fn problems(&self) -> Vec<String> {
        let too_much = self.padding.iter().any(|&side| side > MAX_SIDE_PX);
        let problem = || format!("padding: expected at most {MAX_SIDE_PX} pixels on a side, got {:?}", self.padding);
        too_much.then(problem).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_two_or_four_numbers() {
        for (json, padding) in [("1", [1; 4]), ("[1, 2]", [1, 2, 1, 2]), ("[1, 2, 3, 4]", [1, 2, 3, 4])] {
            let pad: Pad = serde_json::from_str(&format!(r#"{{"padding": {json}}}"#)).expect(json);
            assert_eq!(pad, Pad { padding, mode: BorderMode::Constant, fill: Fill::default() });
        }
        assert!(serde_json::from_str::<Pad>(r#"{"padding": [1, 2, 3]}"#).is_err());
    }
}
