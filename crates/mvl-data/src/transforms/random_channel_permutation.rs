//! Red, green and blue in random order.
//!
//! # Source
//! `RandomChannelPermutation` of torchvision.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform};
use crate::ops::permute_channels;

/// Puts the channels into one of their six orders; a grey image stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomChannelPermutation {}

/// One of the six orders.
pub(super) fn permutation(rng: &mut SampleRng) -> [usize; 3] {
    let order = rng.permutation(3);
    [order[0], order[1], order[2]]
}

impl Transform for RandomChannelPermutation {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let order = permutation(draw.rng());
        sample.image = permute_channels(sample.image, order);
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn all_six_orders_occur() {
        let image = Image::new(1, 1, Channels::Rgb, vec![1, 2, 3]).expect("three bytes");
        let seen: std::collections::BTreeSet<Vec<u8>> =
            (0..100).map(|index| apply_at(&RandomChannelPermutation {}, image.clone(), index).into_pixels()).collect();
        assert_eq!(seen.len(), 6);
    }
}
