//! [`mvl_core::Resize`] as a step of a chain.

use mvl_core::{DataError, Resize, ResizeTo, Sample};

use super::{Draw, Transform, sides};
use crate::geometry::{Rescale, move_sample};
use crate::ops::short_side_size;

impl Transform for Resize {
    fn apply(&self, sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let before = sample.image.size();
        match self.output_size(Some(before)) {
            Some(size) if size != before => move_sample(sample, &Rescale::new(before, size, self.filter)),
            _ => Ok(sample),
        }
    }

    fn output_size(&self, input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        match self.to {
            ResizeTo::Exact(size) => Some(size),
            ResizeTo::ShortSide(side) => input.map(|size| short_side_size(size, side)),
            _ => None,
        }
    }

    fn problems(&self) -> Vec<String> {
        let size = match self.to {
            ResizeTo::ShortSide(side) => [side; 2],
            ResizeTo::Exact(size) => size,
            _ => return Vec::new(),
        };
        sides::problem(size).into_iter().collect()
    }
}
