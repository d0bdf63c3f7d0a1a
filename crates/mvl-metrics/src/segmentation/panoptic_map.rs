//! A class and an instance for every pixel: panoptic segmentation.

use mvl_core::{ClassMap, MaskSizeError};

/// Class and instance of every pixel, `[height, width]`, row-major. Pixels with the same two are one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanopticMap {
    classes: ClassMap,
    instances: Vec<u32>,
}

impl PanopticMap {
    /// A map of both; the instances of what cannot be counted (sky, grass) may be anything.
    ///
    /// # Errors
    /// [`MaskSizeError`] when there are not as many instances as pixels.
    pub fn new(classes: ClassMap, instances: Vec<u32>) -> Result<Self, MaskSizeError> {
        let (expected, got) = (classes.classes().len() as u64, instances.len() as u64);
        if expected != got {
            let (width, height) = (classes.width(), classes.height());
            return Err(MaskSizeError::Count { width, height, expected, got });
        }
        Ok(Self { classes, instances })
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// The instances, `[height, width]`.
    #[must_use]
    pub fn instances(&self) -> &[u32] {
        &self.instances
    }
}
