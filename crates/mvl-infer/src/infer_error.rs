//! Why there is no answer.

use std::path::PathBuf;

use mvl_core::{BackendError, DataError, ModelError};

use crate::export::ExportError;
use crate::{EngineError, EngineKind};

/// What can go wrong between a model and an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The backend has no such device.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The model cannot be created or its weights not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The image cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Neither a run, nor a saved model, nor a name in the zoo.
    #[error(
        "no model here: expected a run's folder, a saved model's folder (with model.json), timm's layout (config.json and \
         model.safetensors; hf://owner/name), or a weights name such as \"mobilenet_v2.imagenet1k_v1\"; {model:?}"
    )]
    NoModel {
        /// What was given.
        model: String,
    },
    /// A model's name where trained weights are needed.
    #[error("{model:?} is a model without weights; weights for it: {known} (`mvl models list --weights` shows all)")]
    Untrained {
        /// What was given.
        model: String,
        /// Names of weights for it.
        known: String,
    },
    /// A weights file for a model that has its weights with it.
    #[error(
        "a saved model has its own weights, a weights file goes with a weights name only; leave out {}, or {}",
        weights.display(), folder.display()
    )]
    UnusedWeights {
        /// The weights file.
        weights: PathBuf,
        /// The saved model.
        folder: PathBuf,
    },
    /// The engine is not there, or cannot compute the model.
    #[error("the engine {kind} cannot be used: {what}")]
    Engine {
        /// The engine.
        kind: EngineKind,
        /// Why.
        what: String,
    },
    /// The model cannot be exported to the engine.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The file of a graph cannot be read.
    #[error("cannot read {}: {what}", path.display())]
    OnnxFile {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// The engine gave no answer.
    #[error(transparent)]
    Run(#[from] EngineError),
    /// A tensor of another shape than the model takes.
    #[error("expected an image of shape [{expected}], got {got:?}")]
    Shape {
        /// Channels, height and width.
        expected: String,
        /// What was given.
        got: [usize; 3],
    },
}
