//! [`EnsembleConfig`]: what a config says of an ensemble.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a config says of an ensemble. Types and shapes of its tensors follow from its steps.
///
/// ```
/// # use mvl_serve::ensemble::EnsembleConfig;
/// let config: EnsembleConfig = serde_json::from_str(r#"{
///     "inputs": ["picture"],
///     "outputs": ["labels", "scores"],
///     "steps": [
///         { "kind": "prepare", "model": "shoes", "inputs": { "pictures": "picture" }, "outputs": { "images": "prepared" } },
///         { "model": "shoes", "inputs": { "images": "prepared" }, "outputs": { "probabilities": "p" } },
///         { "kind": "label", "model": "shoes", "top": 3, "inputs": { "probabilities": "p" },
///           "outputs": { "labels": "labels", "scores": "scores" } }
///     ]
/// }"#).unwrap();
/// assert_eq!(config.steps.len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsembleConfig {
    /// The names of what it takes.
    pub inputs: Vec<String>,
    /// The names of what it gives.
    pub outputs: Vec<String>,
    /// What is done; the order follows from who needs what.
    pub steps: Vec<StepConfig>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Asks a model of the service.
    #[default]
    Model,
    /// Decodes pictures and prepares them as a model's `preprocess` says: `pictures` (`BYTES` `[N]`) to `images` (`FP32` `[N, C, H, W]`).
    Prepare,
    /// Names the likeliest classes of a model: `probabilities` (`FP32` `[N, K]`) to `labels` (`BYTES`), `scores` (`FP32`) and `indices`
    /// (`INT64`), each `[N, top]`.
    Label,
    /// Makes probabilities of logits: `logits` to `probabilities`, `FP32` `[N, K]`.
    Softmax,
}

/// One step of an ensemble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepConfig {
    /// What it does.
    #[serde(default)]
    pub kind: StepKind,
    /// The model that is asked, or whose preprocessing or labels are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its version; without it the one that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How many classes to name; five by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<usize>,
    /// Which of the ensemble's tensors each of the step's inputs is.
    pub inputs: BTreeMap<String, String>,
    /// Which of the ensemble's tensors each of the step's outputs becomes; others are dropped.
    pub outputs: BTreeMap<String, String>,
}

impl StepConfig {
    /// How problems name it.
    pub(super) fn name(&self, place: usize) -> String {
        let kind = match self.kind {
            StepKind::Model => "model",
            StepKind::Prepare => "prepare",
            StepKind::Label => "label",
            StepKind::Softmax => "softmax",
        };
        match &self.model {
            Some(model) => format!("step {place} ({kind} {model:?})"),
            None => format!("step {place} ({kind})"),
        }
    }
}
