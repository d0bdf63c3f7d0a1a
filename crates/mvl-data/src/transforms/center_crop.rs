//! The centre of an image, for chains that need it before other steps; evaluation has it in its `Preprocess`.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, sides};
use crate::ops::center_crop;

/// Keeps the centre; zeros are put around a smaller image first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// `[height, width]` in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
}

impl Transform for CenterCrop {
    fn apply(&self, mut sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        sample.image = center_crop(sample.image, self.size);
        Ok(sample)
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        Some(self.size)
    }

    fn problems(&self) -> Vec<String> {
        sides::problem(self.size).into_iter().collect()
    }
}
