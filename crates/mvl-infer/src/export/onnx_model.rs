//! An exported model, as a file or as bytes.

use std::io;
use std::path::{Path, PathBuf};

use mvl_core::write_atomically;
use prost::Message;
use serde::Serialize;

use super::ExportError;
use super::protobuf::{
    DataLocation, DimensionValue, GraphProto, MetadataProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, ValueInfoProto,
};

/// The version of ONNX's operators that exported models are written in.
pub const OPSET: i64 = 17;
/// The version of ONNX's file format, the first that has [`OPSET`].
pub const IR_VERSION: i64 = 8;
/// The most that a protobuf message may hold.
const MESSAGE_BYTES: usize = i32::MAX as usize;
/// Where values in a file of their own begin: at multiples of a page, so that engines can map them.
const PAGE_BYTES: usize = 4096;
/// Smaller values stay in the model's file: engines read shapes and axes there.
const LEAST_EXTERNAL_BYTES: usize = 1024;

/// A model in ONNX's format; see [`OnnxExport`](super::OnnxExport).
#[derive(Debug, Clone)]
pub struct OnnxModel {
    proto: ModelProto,
    external_weights: bool,
}

/// What an exported model consists of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnnxSummary {
    /// The files, the model first; none if it was not written to any.
    pub files: Vec<PathBuf>,
    /// Bytes of all files, or of the weights if there are none.
    pub bytes: usize,
    /// Operations.
    pub nodes: usize,
    /// Values of weights and constants.
    pub values: usize,
    /// The version of the operators.
    pub opset: i64,
    /// The version of the file format.
    pub ir_version: i64,
    /// The pictures.
    pub input: OnnxTensor,
    /// The answer.
    pub output: OnnxTensor,
}

/// An input or output of an exported model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnnxTensor {
    /// Its name.
    pub name: String,
    /// Its sides, numbers or `batch`; `?` where a side is not known before the model runs.
    pub shape: Vec<String>,
}

impl OnnxModel {
    pub(super) fn new(graph: GraphProto, metadata_props: Vec<StringStringEntryProto>, external_weights: bool) -> Self {
        let opset = OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) };
        let proto = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("mvl".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(graph),
            opset_import: vec![opset],
            metadata_props,
        };
        Self { proto, external_weights }
    }

    /// What it consists of.
    #[must_use]
    pub fn summary(&self) -> OnnxSummary {
        let nothing = GraphProto::default();
        let graph = self.proto.graph.as_ref().unwrap_or(&nothing);
        let values = |tensor: &TensorProto| tensor.dims.iter().product::<i64>() as usize;
        OnnxSummary {
            files: Vec::new(),
            bytes: graph.initializer.iter().map(bytes_of).sum(),
            nodes: graph.node.len(),
            values: graph.initializer.iter().map(values).sum(),
            opset: OPSET,
            ir_version: IR_VERSION,
            input: OnnxTensor::of(graph.input.first()),
            output: OnnxTensor::of(graph.output.first()),
        }
    }

    /// The whole model as one message, as an engine in this process takes it.
    ///
    /// # Errors
    /// [`ExportError::TooLarge`] above 2 GiB; [`write`](Self::write) has no such limit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ExportError> {
        match self.proto.encoded_len() {
            0..=MESSAGE_BYTES => Ok(self.proto.encode_to_vec()),
            bytes => Err(ExportError::TooLarge { bytes }),
        }
    }

    /// Writes the model to a file, whole or not at all. Weights that do not fit, or are wished for apart, go into `NAME.data` beside
    /// it. That file is replaced while there is no model beside it, so that no model is ever found with the weights of another.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<OnnxSummary, ExportError> {
        let path = path.as_ref();
        let failed = |source| ExportError::Write { path: path.to_owned(), source };
        let (files, bytes) = if self.external_weights || self.proto.encoded_len() > MESSAGE_BYTES {
            self.write_apart(path).map_err(failed)?
        } else {
            let message = self.proto.encode_to_vec();
            write_atomically(path, |out| out.write_all(&message)).map_err(failed)?;
            (vec![path.to_owned()], message.len())
        };
        Ok(OnnxSummary { files, bytes, ..self.summary() })
    }

    fn write_apart(&self, path: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "expected the name of a file"))?;
        let location = format!("{name}.data");
        let data = path.with_file_name(&location);
        let mut proto = self.proto.clone(); // values are shared, not copied
        let mut parts = Vec::new();
        let mut end = 0;
        for tensor in proto.graph.iter_mut().flat_map(|graph| &mut graph.initializer) {
            if bytes_of(tensor) < LEAST_EXTERNAL_BYTES {
                continue;
            }
            let Some(values) = tensor.raw_data.take() else { continue };
            let offset = usize::next_multiple_of(end, PAGE_BYTES);
            end = offset + values.len();
            let entry =
                |key: &str, value: String| StringStringEntryProto { key: Some(key.to_owned()), value: Some(value) };
            tensor.external_data = vec![
                entry("location", location.clone()),
                entry("offset", offset.to_string()),
                entry("length", values.len().to_string()),
            ];
            tensor.data_location = Some(DataLocation::External as i32);
            parts.push((offset, values));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_atomically(&data, |out| {
            let mut place = 0;
            for (offset, values) in &parts {
                out.write_all(&vec![0; offset - place])?;
                out.write_all(values)?;
                place = offset + values.len();
            }
            Ok(())
        })?;
        let message = proto.encode_to_vec();
        write_atomically(path, |out| out.write_all(&message))?;
        Ok((vec![path.to_owned(), data], message.len() + end))
    }
}

/// The metadata of a model's file, as pairs; only that is kept of it.
pub(crate) fn read_metadata(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let file = MetadataProto::decode(bytes).map_err(|error| format!("expected a model in ONNX's format: {error}"))?;
    let pair = |entry: StringStringEntryProto| Some((entry.key?, entry.value?));
    Ok(file.metadata_props.into_iter().filter_map(pair).collect())
}

fn bytes_of(tensor: &TensorProto) -> usize {
    tensor.raw_data.as_ref().map_or(0, |values| values.len())
}

impl OnnxTensor {
    fn of(info: Option<&ValueInfoProto>) -> Self {
        let name = info.and_then(|info| info.name.clone()).unwrap_or_default();
        let shape = info.and_then(|info| info.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
        let sides = shape.iter().flat_map(|shape| &shape.dim).map(|side| match &side.value {
            Some(DimensionValue::DimValue(side)) => side.to_string(),
            Some(DimensionValue::DimParam(name)) => name.clone(),
            None => "?".to_owned(),
        });
        Self { name, shape: sides.collect() }
    }
}
