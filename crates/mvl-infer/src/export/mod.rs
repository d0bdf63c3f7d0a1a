//! Models for other engines: ONNX files.
//!
//! burn's `capture` records a model's forward pass for two numbers of pictures. Sides that differ follow that number; everything else
//! is written as it is. What does not depend on the pictures is computed at export.
//!
//! - [`OnnxExport`]: what is exported, and how.
//! - [`OnnxModel`]: the exported model, as a file or as bytes; [`OnnxSummary`] says what is in it.
//! - [`OnnxAnswer`]: what the exported model puts out.
//! - [`with_trial_weights`], [`write_trial`]: to try an exported model in another engine.
//! - [`ExportError`]: why a model cannot be exported.

mod dimension;
mod elements;
mod export_error;
mod folding;
mod graph_builder;
mod lowering;
mod onnx_export;
mod onnx_model;
mod protobuf;
mod recording;
mod trial;

pub use export_error::ExportError;
pub use onnx_export::{OnnxAnswer, OnnxExport};
pub(crate) use onnx_model::read_metadata;
pub use onnx_model::{IR_VERSION, OPSET, OnnxModel, OnnxSummary, OnnxTensor};
pub use trial::{with_trial_weights, write_trial};
