//! What is known of a classifier beside its weights.

use serde::{Deserialize, Serialize};

use crate::{Labels, ModelConfig, Options, Preprocess};

/// The version of [`ClassifierSpec`] that this build writes, and the newest it reads.
pub const CLASSIFIER_VERSION: u32 = 1;
/// The burn release this is built on; records of others may differ.
pub const BURN_VERSION: &str = "0.22.1";

/// The task of classifiers that name one class.
const CLASSIFICATION: &str = "classification";

/// Everything beside the weights that is needed to rebuild a classifier and predict with it. What
/// [`MODEL_FILE`](crate::MODEL_FILE) holds.
///
/// # Example
/// ```
/// use mvl_core::{ClassifierSpec, Labels, ModelConfig, Preprocess};
///
/// let spec = ClassifierSpec::new(ModelConfig::new("resnet18", 3), Labels::new(["a", "b"]), Preprocess::imagenet(256, 224));
/// assert_eq!(spec.problems(), ["labels: expected 3 names or none, got 2"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierSpec {
    /// [`CLASSIFIER_VERSION`] of the writer.
    pub version: u32,
    /// The task's name: `classification`, `multi_label` where an image may have any number of classes, or one of your own.
    pub task: String,
    /// Options of the task.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub task_options: Options,
    /// The model, weights apart.
    pub model: ModelConfig,
    /// Class names in index order; none when they are not known.
    pub labels: Labels,
    /// How an image becomes the model's input.
    pub preprocess: Preprocess,
    /// Version of this crate that wrote it.
    pub mvl: String,
    /// Version of burn that wrote the weights.
    pub burn: String,
}

impl ClassifierSpec {
    /// A spec of this build's version, for `classification`.
    #[must_use]
    pub fn new(model: ModelConfig, labels: Labels, preprocess: Preprocess) -> Self {
        Self {
            version: CLASSIFIER_VERSION,
            task: CLASSIFICATION.to_owned(),
            task_options: Options::default(),
            model,
            labels,
            preprocess,
            mvl: env!("CARGO_PKG_VERSION").to_owned(),
            burn: BURN_VERSION.to_owned(),
        }
    }

    /// Sets the task and its options; without, it is `classification` with none.
    #[must_use]
    pub fn with_task(self, name: impl Into<String>, options: Options) -> Self {
        Self { task: name.into(), task_options: options, ..self }
    }

    /// Every contradiction, as `field: what is wrong`; empty when a classifier can be built and fed.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version == 0 || self.version > CLASSIFIER_VERSION {
            problems.push(format!("version: expected 1 to {CLASSIFIER_VERSION}, got {}", self.version));
        }
        if self.model.num_classes == 0 {
            problems.push("model.num_classes: expected at least 1, got 0".to_owned());
        }
        if !self.labels.is_empty() && self.labels.len() != self.model.num_classes {
            let (expected, got) = (self.model.num_classes, self.labels.len());
            problems.push(format!("labels: expected {expected} names or none, got {got}"));
        }
        if self.task.is_empty() {
            problems.push("task: expected a name, got nothing".to_owned());
        }
        let channels = self.preprocess.channels.count();
        if channels != self.model.in_channels {
            problems.push(format!("preprocess.channels: expected {}, got {channels}", self.model.in_channels));
        }
        problems.extend(self.preprocess.problems().into_iter().map(|problem| format!("preprocess.{problem}")));
        problems
    }
}
