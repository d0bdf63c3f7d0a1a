//! From a trained model to answers: [`Predictor`] takes bytes, a path, a decoded image or a tensor, and gives the likeliest
//! classes with names and probabilities, prepared exactly as in training.
//!
//! ```no_run
//! use mvl_core::Cpu;
//! use mvl_infer::Predictor;
//!
//! let predictor = Predictor::<Cpu>::load("runs/demo")?; // a run, a saved model, or a name in the zoo
//! for class in predictor.predict("photo.jpg")?.top(5) {
//!     println!("{:5.1} % {}", 100.0 * class.probability, class.label);
//! }
//! # Ok::<(), mvl_infer::InferError>(())
//! ```
//!
//! - [`Predictor`]: one image, many, or a tensor.
//! - [`PredictorBuilder`]: where the model comes from, with a registry of your own, another device, a weights file.
//! - [`Prediction`], [`TopClass`]: the answer.
//! - [`Engine`]: what computes answers to tensors; [`Batcher`]: what puts requests that arrive together into one forward pass.
//!
//! Backends are features, as in `mvl-core`: `cpu` (default), `ndarray`, `cuda` …

mod batcher;
mod builder;
mod engine;
pub mod export;
mod infer_error;
mod input;
mod prediction;
mod predictor;
mod tensor;

pub use batcher::{
    Answer, BatchOptions, BatchTotals, Batcher, ComputeSlots, LATENCY_BOUNDS, Priority, ReplicaHealth, ReplicaId,
    ReplicaReport, Request, RequestError, Statistics, Ticket, Timing, Total,
};
pub use builder::PredictorBuilder;
pub use engine::{ClassifierEngine, Composed, Composing, Engine, EngineError, IdentityEngine};
pub use infer_error::InferError;
pub use input::Input;
pub use prediction::{Prediction, TopClass};
pub use predictor::Predictor;
pub use tensor::{DataType, HostTensor, MAX_RANK, Signature, TensorError, TensorSpec};
