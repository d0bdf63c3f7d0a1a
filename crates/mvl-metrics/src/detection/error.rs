//! Why an image cannot be evaluated.

use mvl_core::MaskSizeError;

/// What is wrong with the detections or the truth of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CocoError {
    /// Masks are compared, and there is none.
    #[error("expected a mask, got none, in {what} {index} of image {image}")]
    NoMask {
        /// `detection` or `object`.
        what: &'static str,
        /// Its place in the list.
        index: usize,
        /// The image's number.
        image: u64,
    },
    /// A mask is none of the image.
    #[error("{what} {index} of image {image} has a mask that does not fit")]
    Mask {
        /// `detection` or `object`.
        what: &'static str,
        /// Its place in the list.
        index: usize,
        /// The image's number.
        image: u64,
        /// How it does not fit.
        #[source]
        source: MaskSizeError,
    },
    /// Keypoints are compared, and there are too few or too many.
    #[error("expected {expected} keypoints, got {got}, in {what} {index} of image {image}")]
    Keypoints {
        /// `detection` or `object`.
        what: &'static str,
        /// Its place in the list.
        index: usize,
        /// The image's number.
        image: u64,
        /// As many as there are sigmas.
        expected: usize,
        /// How many there are.
        got: usize,
    },
}
