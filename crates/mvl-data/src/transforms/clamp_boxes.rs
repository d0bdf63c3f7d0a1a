//! Boxes cut off at the image's edges.
//!
//! # Source
//! `ClampBoundingBoxes` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform};

/// Cuts off what boxes have outside of the image. Some may be left without area; [`SanitizeBoxes`](super::SanitizeBoxes)
/// removes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClampBoxes {}

impl Transform for ClampBoxes {
    fn apply(&self, mut sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let [height, width] = sample.image.size();
        for object in &mut sample.annotations.objects {
            object.bbox = object.bbox.clamped(width, height);
        }
        Ok(sample)
    }
}
