//! One thing in an image, with all that is known about it, so that what removes a box removes its mask too.

use super::{BoxXyxy, Keypoint, Mask};

/// A box with its class, and the mask and keypoints where they are known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Object {
    /// Index into the data set's [`Labels`](crate::Labels).
    pub class: usize,
    /// Where it is, in pixels.
    pub bbox: BoxXyxy,
    /// Which pixels are its own.
    pub mask: Option<Mask>,
    /// Its points, in the data set's order; empty where there are none.
    pub keypoints: Vec<Keypoint>,
    /// COCO's `iscrowd`: a group that is one object for want of better; scoring passes it over.
    pub crowd: bool,
    /// VOC's `difficult`: scoring passes it over.
    pub difficult: bool,
    /// VOC's `truncated`: part of it is outside the image.
    pub truncated: bool,
    /// The area that its data set gives, in square pixels; COCO's scores sort by it.
    pub area: Option<f64>,
}

impl Object {
    /// A box of a class.
    #[must_use]
    pub fn new(class: usize, bbox: BoxXyxy) -> Self {
        Self {
            class,
            bbox,
            mask: None,
            keypoints: Vec::new(),
            crowd: false,
            difficult: false,
            truncated: false,
            area: None,
        }
    }

    /// Sets the mask.
    #[must_use]
    pub fn with_mask(mut self, mask: Mask) -> Self {
        self.mask = Some(mask);
        self
    }

    /// Sets the keypoints.
    #[must_use]
    pub fn with_keypoints(mut self, keypoints: Vec<Keypoint>) -> Self {
        self.keypoints = keypoints;
        self
    }
}
