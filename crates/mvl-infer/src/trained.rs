//! [`TrainedClassifier`]: a classifier as it was saved, not yet made for answering.

use burn::tensor::Device;
use mvl_core::{BoxedTask, Classifier, ClassifierSpec};

/// A classifier as it was saved: nothing is folded, its parameters have the names of its weights file. To judge it, to export it, to
/// save it in another format. For answers there is a [`Predictor`](crate::Predictor).
pub struct TrainedClassifier {
    /// The net.
    pub model: Classifier,
    /// What it is for; it says what its answers mean.
    pub task: BoxedTask,
    /// Everything known of it beside its weights.
    pub spec: ClassifierSpec,
    /// Where it lies.
    pub device: Device,
}

impl std::fmt::Debug for TrainedClassifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainedClassifier").field("spec", &self.spec).finish_non_exhaustive()
    }
}
