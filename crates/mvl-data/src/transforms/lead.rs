//! What a chain begins with, as far as it can be told from an image's size alone: so much can be done while it is decoded.

use mvl_core::{Filter, SampleKey};

use super::{Chain, Draw};
use crate::ops::{CropBox, Cut};

/// What a step does to an image, and to what is known about it, when it is no more than that.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Lead {
    /// A part is cut out and resized.
    Cut {
        /// The part, which lies inside the image.
        area: CropBox,
        /// `[height, width]` that comes out.
        size: [u32; 2],
        /// The resampling filter.
        filter: Filter,
    },
    /// Left and right are swapped.
    Mirror,
    /// Nothing is changed.
    Keep,
}

/// The first steps of a chain, drawn for one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DrawnLead {
    /// What they come to.
    pub(crate) cut: Cut,
    /// How many steps it stands for.
    pub(crate) steps: usize,
}

impl Chain {
    /// Draws the first steps for an image of this `[height, width]`, when they are a cut, and perhaps a mirror image after it.
    pub(crate) fn lead(&self, key: SampleKey, size: [u32; 2]) -> Option<DrawnLead> {
        let lead = |place: usize, size| self.steps().get(place)?.lead(size, &mut Draw::alone(key.rng(place as u64)));
        let Some(Lead::Cut { area, size, filter }) = lead(0, size) else { return None };
        let cut = Cut::new(area, size, filter);
        Some(match lead(1, size) {
            Some(Lead::Mirror) => DrawnLead { cut: Cut { mirrored: true, ..cut }, steps: 2 },
            Some(Lead::Keep) => DrawnLead { cut, steps: 2 },
            _ => DrawnLead { cut, steps: 1 },
        })
    }
}
