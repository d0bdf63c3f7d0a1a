//! One object that a model claims to see.

use mvl_core::{BoxXyxy, Mask};

/// A box of a class with a score, and the mask and keypoints where the model tells them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Detection {
    /// Class index.
    pub class: usize,
    /// How sure the model is; more is surer, and only the order counts.
    pub score: f64,
    /// Where it is, in pixels.
    pub bbox: BoxXyxy,
    /// Which pixels are its own.
    pub mask: Option<Mask>,
    /// Its points as (x, y) in pixels, in the data set's order.
    pub keypoints: Vec<[f64; 2]>,
}

impl Detection {
    /// A box of a class.
    #[must_use]
    pub fn new(class: usize, score: f64, bbox: BoxXyxy) -> Self {
        Self { class, score, bbox, mask: None, keypoints: Vec::new() }
    }

    /// Sets the mask.
    #[must_use]
    pub fn with_mask(mut self, mask: Mask) -> Self {
        self.mask = Some(mask);
        self
    }

    /// Sets the keypoints.
    #[must_use]
    pub fn with_keypoints(mut self, keypoints: Vec<[f64; 2]>) -> Self {
        self.keypoints = keypoints;
        self
    }

    /// Whether score, box and keypoints are finite numbers.
    pub(super) fn is_sound(&self) -> bool {
        let BoxXyxy { x1, y1, x2, y2 } = self.bbox;
        !self.score.is_nan()
            && [x1, y1, x2, y2].iter().all(|edge| edge.is_finite())
            && self.keypoints.iter().flatten().all(|coordinate| coordinate.is_finite())
    }
}
