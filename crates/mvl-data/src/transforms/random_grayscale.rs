//! Colours taken away now and then.
//!
//! # Source
//! `RandomGrayscale` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem};
use crate::ops::grayscale;

/// With probability `p`, makes all channels the luminance; there are as many as before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomGrayscale {
    /// Probability, 0 to 1; 0.1 unless said otherwise.
    pub p: f64,
}

impl Default for RandomGrayscale {
    fn default() -> Self {
        Self { p: 0.1 }
    }
}

impl Transform for RandomGrayscale {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            let channels = sample.image.channels();
            sample.image = grayscale(sample.image).into_channels(channels);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        probability_problem(self.p).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn a_tenth_of_the_images_turns_grey() {
        let image = Image::new(1, 1, Channels::Rgb, vec![255, 0, 0]).expect("three bytes");
        let grey = |&index: &usize| apply_at(&RandomGrayscale::default(), image.clone(), index).pixels() == [76; 3];
        let grey = (0..2000).filter(grey).count();
        assert!((150..250).contains(&grey), "{grey} of 2000");
    }
}
