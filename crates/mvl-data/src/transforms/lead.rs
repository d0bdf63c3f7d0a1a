//! What a chain begins with, as far as it can be told from an image's size alone: so much can be done while it is decoded.

use mvl_core::{Annotations, Filter, MaskSizeError, SampleKey};

use super::{Chain, Draw};
use crate::geometry::{Flip, ResizedCrop, move_annotations};
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
    /// `[height, width]` of the image.
    image: [u32; 2],
    /// How many steps it stands for.
    pub(crate) steps: usize,
}

impl DrawnLead {
    /// Moves what is known about the image as the steps would.
    pub(crate) fn move_annotations(&self, known: &mut Annotations) -> Result<(), MaskSizeError> {
        let Cut { area, size, filter, mirrored, .. } = self.cut;
        move_annotations(known, &ResizedCrop::new(self.image, area, size, filter))?;
        if mirrored { move_annotations(known, &Flip::horizontal(size)) } else { Ok(()) }
    }
}

impl Chain {
    /// Draws the first steps for an image of this `[height, width]`, when they are a cut, and perhaps a mirror image after it.
    pub(crate) fn lead(&self, key: SampleKey, image: [u32; 2]) -> Option<DrawnLead> {
        let lead = |place: usize, size| self.steps().get(place)?.lead(size, &mut Draw::alone(key.rng(place as u64)));
        let Some(Lead::Cut { area, size, filter }) = lead(0, image) else { return None };
        let (mirrored, steps) = match lead(1, size) {
            Some(Lead::Mirror) => (true, 2),
            Some(Lead::Keep) => (false, 2),
            _ => (false, 1),
        };
        Some(DrawnLead { cut: Cut { mirrored, ..Cut::new(area, size, filter) }, image, steps })
    }
}
