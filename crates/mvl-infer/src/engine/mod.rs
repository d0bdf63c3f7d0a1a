//! [`Engine`]: what computes a model's answers. burn is one, an exported graph in another runtime is one, your own function is one.

mod classifier;
mod classifier_tensors;
mod composed;
mod exported;
mod identity;
mod kind;
mod onnx_file;
mod onnx_graph;
#[cfg(feature = "ort")]
mod onnx_runtime;
mod precision;
#[cfg(feature = "rten")]
mod rten;

#[cfg(feature = "rten")]
pub use self::rten::RtenEngine;
pub use classifier::ClassifierEngine;
pub use composed::{Composed, Composing};
pub(crate) use exported::ExportedClassifier;
pub use identity::IdentityEngine;
pub use kind::{EngineKind, EngineOptions, MAX_THREADS};
pub use onnx_file::{OnnxFile, load_onnx};
#[cfg(feature = "ort")]
pub use onnx_runtime::OnnxRuntimeEngine;
pub use precision::EnginePrecision;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{HostTensor, Signature, TensorError, WeightsSize};

/// Turns a model's inputs into its outputs. One call runs at a time on one replica; several replicas may share weights.
///
/// What comes in was checked against [`signature`](Self::signature), in its order; what goes out is checked too.
///
/// ```
/// use mvl_infer::{DataType, Engine, EngineError, HostTensor, Signature, TensorSpec};
///
/// /// Adds the pairs of `[N, 2]`.
/// struct Adds(Signature);
/// impl Engine for Adds {
///     fn signature(&self) -> &Signature {
///         &self.0
///     }
///     fn platform(&self) -> &str {
///         "adds"
///     }
///     fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
///         let sums: Vec<f32> = inputs[0].to_f32()?.chunks(2).map(|pair| pair[0] + pair[1]).collect();
///         Ok(vec![HostTensor::from_f32(vec![sums.len()], &sums)])
///     }
/// }
/// let engine = Adds(Signature {
///     inputs: vec![TensorSpec::new("pairs", DataType::Fp32, &[-1, 2])],
///     outputs: vec![TensorSpec::new("sums", DataType::Fp32, &[-1])],
///     batched: true,
/// });
/// let sums = engine.run(vec![HostTensor::from_f32(vec![1, 2], &[1.0, 2.0])]).unwrap();
/// assert_eq!(sums[0].to_f32().unwrap(), [3.0]);
/// ```
pub trait Engine: Send + Sync {
    /// Which tensors it takes and gives.
    fn signature(&self) -> &Signature;

    /// What computes: `burn-cpu`, `onnxruntime`.
    fn platform(&self) -> &str;

    /// How large the weights are, where that is known.
    fn weights(&self) -> Option<WeightsSize> {
        None
    }

    /// Whether an answer takes microseconds, less than handing it to another thread would. Then it is computed where it is asked for,
    /// and never together with others.
    fn instant(&self) -> bool {
        false
    }

    /// The outputs for these inputs, in the signature's order.
    ///
    /// # Errors
    /// When the inputs are at fault in what their signature does not say ([`EngineError::Input`]), or the engine is
    /// ([`EngineError::Failed`]), of which too many take its replica out.
    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError>;

    /// The same, by an engine that can give up: after the deadline nobody waits for the answer any more.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn run_until(&self, inputs: Vec<HostTensor>, deadline: Instant) -> Result<Vec<HostTensor>, EngineError> {
        let _ = deadline; // a forward pass cannot be left
        self.run(inputs)
    }

    /// What puts answers together from other models' answers, where nothing is computed here. Then it is asked instead of
    /// [`run`](Self::run), at once and beside others, and left when whoever asked leaves.
    fn composed(&self) -> Option<Arc<dyn Composed>> {
        None
    }
}

/// Why an engine gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// These inputs have none: it would be no better on another replica.
    #[error("{0}")]
    Input(String),
    /// The engine failed: another replica may do better.
    #[error("the engine failed: {0}")]
    Failed(String),
    /// The engine is elsewhere and cannot be reached: it is out at once, as one that panics, and another replica is tried.
    #[error("the engine cannot be reached: {0}")]
    Unreachable(String),
    /// The deadline passed first. Whoever asked gave too little time; that says nothing of the engine.
    #[error("the deadline passed before the answer was there")]
    Late,
    /// The engine is elsewhere and takes no more for now: another replica may, and it stays in.
    #[error("the engine has too much to do; try again in {} ms", retry_after.as_millis())]
    Busy {
        /// When it may be better.
        retry_after: Duration,
    },
}

impl From<TensorError> for EngineError {
    fn from(error: TensorError) -> Self {
        Self::Input(error.to_string())
    }
}
