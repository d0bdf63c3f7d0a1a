//! A sample with what was predicted for it, for people to look at.

use crate::Image;

/// One sample of a validation set with what a model said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedSample {
    /// What the model saw, without its normalisation.
    pub image: Image,
    /// What is true of it; `None` when nothing is known.
    pub truth: Option<String>,
    /// What was predicted.
    pub prediction: String,
    /// Whether that is right; `None` where right and wrong are no question.
    pub right: Option<bool>,
}
