//! Opens a graph in ONNX's format with the engine that was asked for.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(any(feature = "ort", feature = "rten"))]
use super::EngineKind;
#[cfg(feature = "ort")]
use super::OnnxRuntimeEngine;
#[cfg(feature = "rten")]
use super::RtenEngine;
use super::{Engine, EngineOptions};
use crate::{InferError, Signature, TensorSpec};

/// Where a graph is.
#[derive(Debug)]
#[cfg_attr(not(any(feature = "ort", feature = "rten")), expect(dead_code, reason = "no engine here takes graphs"))]
pub(crate) enum GraphSource {
    /// A whole message.
    Bytes(Vec<u8>),
    /// A file, with its weights in it or beside it.
    File(PathBuf),
}

/// Engines for a graph, as many as are wanted, that share what the runtime can share.
#[cfg_attr(
    not(any(feature = "ort", feature = "rten")),
    expect(unused_variables, reason = "no engine here takes graphs")
)]
pub(crate) fn open_graph(
    source: &GraphSource,
    options: &EngineOptions,
    replicas: usize,
) -> Result<Vec<Arc<dyn Engine>>, InferError> {
    options.check()?;
    match options.kind {
        #[cfg(feature = "ort")]
        EngineKind::Ort => OnnxRuntimeEngine::open(source, options, replicas),
        #[cfg(feature = "rten")]
        EngineKind::Rten => RtenEngine::open(source, options, replicas),
        kind => {
            let what = "it computes burn's models, not a graph in ONNX's format; use the engine ort or rten".to_owned();
            Err(InferError::Engine { kind, what })
        }
    }
}

/// What is known of a graph's tensors. Its samples are counted by the first axis where that is open in every tensor.
pub(super) fn signature(inputs: Vec<TensorSpec>, outputs: Vec<TensorSpec>) -> Signature {
    let open = |spec: &TensorSpec| spec.shape.first().is_some_and(Option::is_none);
    let batched = !inputs.is_empty() && inputs.iter().chain(&outputs).all(open);
    Signature { inputs, outputs, batched }
}
