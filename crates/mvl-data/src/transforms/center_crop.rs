//! The centre of an image, for chains that need it before other steps; evaluation has it in its `Preprocess`.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, sides};
use crate::geometry::{Window, move_sample};

/// Keeps the centre; zeros are put around a smaller image first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// `[height, width]` in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
}

impl Transform for CenterCrop {
    fn apply(&self, sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let window = Window::centred(sample.image.size(), self.size);
        move_sample(sample, &window)
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        Some(self.size)
    }

    fn problems(&self) -> Vec<String> {
        sides::problem(self.size).into_iter().collect()
    }
}
