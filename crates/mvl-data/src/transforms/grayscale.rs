//! Colours taken away, always.

use mvl_core::{Channels, DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform};
use crate::ops::grayscale;

/// Leaves the luminance, as torchvision's tensor kernel computes it; see [`grayscale`] for how that differs from what
/// preprocessing does for a grey network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grayscale {
    /// Whether it is one channel that comes out (`gray`, unless said otherwise), or three equal ones (`rgb`).
    pub channels: Channels,
}

impl Default for Grayscale {
    fn default() -> Self {
        Self { channels: Channels::Gray }
    }
}

impl Transform for Grayscale {
    fn apply(&self, mut sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        sample.image = grayscale(sample.image).into_channels(self.channels);
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::Image;

    #[test]
    fn one_channel_or_three() {
        let image = Image::new(1, 1, Channels::Rgb, vec![255, 0, 0]).expect("three bytes");
        assert_eq!(apply_at(&Grayscale::default(), image.clone(), 0).pixels(), [76]);
        assert_eq!(apply_at(&Grayscale { channels: Channels::Rgb }, image, 0).pixels(), [76; 3]);
    }
}
