//! Why a model cannot be exported.

use std::io;
use std::path::PathBuf;

/// What can go wrong between a model and a file for another engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The forward pass cannot be recorded as a graph.
    #[error("the forward pass cannot be recorded as a graph: {what}")]
    NotRecorded {
        /// What burn says.
        what: String,
    },
    /// An operation that this exporter does not write.
    #[error("operation {operation} has no ONNX form here{}{}", if layer.is_empty() { "" } else { "; it comes after layer " }, layer)]
    Unsupported {
        /// The operation's name in burn's graph, and what of it is not supported.
        operation: String,
        /// The path of the last parameter that was used before it; empty if there was none.
        layer: String,
    },
    /// What is computed depends on the number of pictures otherwise than in proportion.
    #[error(
        "the forward pass depends on the number of pictures in {operation}, which a model for any batch cannot say; export it \
         with a fixed batch: {what}"
    )]
    DependsOnBatch {
        /// The operation's name in burn's graph.
        operation: String,
        /// What differs.
        what: String,
    },
    /// More than a protobuf message may hold.
    #[error(
        "a model of {bytes} bytes does not fit into one message, which holds 2 GiB; write it with external weights"
    )]
    TooLarge {
        /// Of the weights.
        bytes: usize,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
