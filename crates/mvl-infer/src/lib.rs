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
//! - [`Predictor`]: one image, many, a stream of them, or what is prepared already; [`EngineReport`]: what it takes.
//! - [`PredictorBuilder`]: where the model comes from, with a registry of your own, another device or engine, a weights file.
//! - [`Prediction`], [`TopClass`]: the answer.
//! - [`TrainedClassifier`]: the model as it was saved, to judge or to export it.
//! - [`Engine`]: what computes answers to tensors; [`Batcher`]: what puts requests that arrive together into one forward pass.
//! - [`EngineOptions`]: which engine computes a model; [`load_onnx`]: a graph that is there already.
//! - [`drift`]: whether pictures and answers are still like those that a model was made with.
//!
//! Backends are features, as in `mvl-core`: `cpu` (default), `ndarray`, `cuda` … The features `ort` and `rten` bring the engines of these
//! names.

mod batcher;
mod builder;
pub mod drift;
mod engine;
pub mod export;
mod infer_error;
mod input;
mod prediction;
mod predictor;
mod report;
mod tensor;
mod trained;

pub use batcher::{
    Answer, BatchOptions, BatchTotals, Batcher, ComputeSlots, LATENCY_BOUNDS, Priority, ReplicaHealth, ReplicaId,
    ReplicaReport, Request, RequestError, Statistics, Ticket, Timing, Total,
};
pub use builder::PredictorBuilder;
#[cfg(feature = "ort")]
pub use engine::OnnxRuntimeEngine;
#[cfg(feature = "rten")]
pub use engine::RtenEngine;
pub use engine::{
    ClassifierEngine, Composed, Composing, Engine, EngineError, EngineKind, EngineOptions, EnginePrecision,
    IdentityEngine, MAX_THREADS, OnnxFile, load_onnx,
};
pub use infer_error::InferError;
pub use input::Input;
pub use prediction::{Prediction, TopClass};
pub use predictor::Predictor;
pub use report::{EngineReport, EngineTiming, Loading, WeightsSize};
pub use tensor::{DataType, HostTensor, MAX_RANK, Signature, TensorError, TensorSpec};
pub use trained::TrainedClassifier;
