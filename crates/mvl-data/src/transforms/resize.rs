//! [`mvl_core::Resize`] as a step of a chain.

use mvl_core::{Image, Resize, ResizeTo, SampleRng};

use super::Transform;
use crate::ops::{resize, short_side_size};

impl Transform for Resize {
    fn apply(&self, image: Image, _rng: &mut SampleRng) -> Image {
        let before = [image.height(), image.width()];
        let size = match self.to {
            ResizeTo::ShortSide(side) => short_side_size(before, side),
            ResizeTo::Exact(size) => size,
            _ => before,
        };
        if size == before { image } else { resize(&image, size, self.filter) }
    }

    fn output_size(&self, input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        match self.to {
            ResizeTo::Exact(size) => Some(size),
            ResizeTo::ShortSide(side) => input.map(|size| short_side_size(size, side)),
            _ => None,
        }
    }
}
