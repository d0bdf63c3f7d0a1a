//! [`RtenEngine`]: a graph computed by rten, on the CPU. In Rust from end to end, nothing to install.

use std::fmt;
use std::sync::Arc;

use rten::{Dimension, Model, NodeId, RunError, RunErrorKind, RunOptions, ThreadPool, Value, ValueOrView, ValueType};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

use super::onnx_graph::{GraphSource, signature};
use super::{Engine, EngineError, EngineKind, EngineOptions};
use crate::tensor::Number;
use crate::{DataType, HostTensor, InferError, Signature, TensorSpec};

/// A graph in ONNX's format, computed by rten. Replicas share the weights.
#[derive(Clone)]
pub struct RtenEngine {
    model: Arc<Model>,
    signature: Signature,
    threads: Arc<ThreadPool>,
}

impl fmt::Debug for RtenEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtenEngine").field("signature", &self.signature).finish_non_exhaustive()
    }
}

impl RtenEngine {
    pub(super) fn open(
        source: &GraphSource,
        options: &EngineOptions,
        replicas: usize,
    ) -> Result<Vec<Arc<dyn Engine>>, InferError> {
        let mut loader = rten::ModelOptions::with_all_ops();
        loader.prepack_weights(true);
        let model = match source {
            GraphSource::Bytes(bytes) => loader.load(bytes.clone()),
            GraphSource::File(path) => loader.load_file(path),
        };
        let model = Arc::new(model.map_err(|error| wrong(error.to_string()))?);
        let specs = |nodes: &[NodeId]| nodes.iter().map(|&node| spec(&model, node)).collect::<Result<Vec<_>, _>>();
        let signature = signature(specs(model.input_ids())?, specs(model.output_ids())?);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or(cores);
        let replica = |_| {
            let threads = Arc::new(ThreadPool::with_num_threads(threads));
            Arc::new(Self { model: model.clone(), signature: signature.clone(), threads }) as Arc<dyn Engine>
        };
        Ok((0..replicas).map(replica).collect())
    }
}

impl Engine for RtenEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        "rten"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let inputs = self.model.input_ids().iter().zip(&inputs);
        let inputs = inputs.map(|(&node, input)| Ok((node, value(input)?))).collect::<Result<Vec<_>, EngineError>>()?;
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let outputs = self.model.run(inputs, self.model.output_ids(), Some(options));
        outputs.map_err(engine_error)?.into_iter().map(tensor).collect()
    }
}

/// Whose fault it is. What an operator cannot compute it cannot compute on any replica: the inputs have sides, or values, that do not go
/// together.
fn engine_error(error: RunError) -> EngineError {
    match error.kind() {
        RunErrorKind::InvalidInput | RunErrorKind::OperatorError => {
            EngineError::Input(format!("the model cannot compute these inputs: {error}"))
        }
        _ => EngineError::Failed(error.to_string()),
    }
}

fn wrong(what: String) -> InferError {
    InferError::Engine { kind: EngineKind::Rten, what }
}

/// What is known of an input or output. rten computes with four types; wider integers go through it as 32 bits.
fn spec(model: &Model, node: NodeId) -> Result<TensorSpec, InferError> {
    let info = model.node_info(node).ok_or_else(|| wrong("a tensor of the graph is not in it".to_owned()))?;
    let name = info.name().unwrap_or_default();
    let datatype = match info.dtype() {
        Some(ValueType::Tensor(rten::DataType::Float)) => DataType::Fp32,
        Some(ValueType::Tensor(rten::DataType::Int32)) => DataType::Int32,
        Some(ValueType::Tensor(rten::DataType::Int8)) => DataType::Int8,
        Some(ValueType::Tensor(rten::DataType::UInt8)) => DataType::Uint8,
        other => {
            return Err(wrong(format!("{name:?}: expected a tensor of FP32, INT32, INT8 or UINT8, got {other:?}")));
        }
    };
    let shape = info.shape().ok_or_else(|| wrong(format!("{name:?}: expected a tensor of known rank")))?;
    let sides = shape.into_iter().map(|side| match side {
        Dimension::Fixed(side) => i64::try_from(side).unwrap_or(-1),
        Dimension::Symbolic(_) => -1,
    });
    Ok(TensorSpec::new(name, datatype, &sides.collect::<Vec<_>>()))
}

fn value(tensor: &HostTensor) -> Result<ValueOrView<'static>, EngineError> {
    fn of<T: Number>(tensor: &HostTensor) -> Result<ValueOrView<'static>, EngineError>
    where
        Value: From<Tensor<T>>,
    {
        let value = Value::from_shape(tensor.shape(), tensor.to_numbers::<T>()?);
        Ok(value.map_err(|error| EngineError::Input(error.to_string()))?.into())
    }
    match tensor.datatype() {
        DataType::Fp32 => of::<f32>(tensor),
        DataType::Int32 => of::<i32>(tensor),
        DataType::Int8 => of::<i8>(tensor),
        DataType::Uint8 => of::<u8>(tensor),
        other => Err(EngineError::Failed(format!("elements of {other} are not passed to rten"))),
    }
}

fn tensor(value: Value) -> Result<HostTensor, EngineError> {
    match value {
        Value::FloatTensor(tensor) => Ok(HostTensor::from_numbers(tensor.shape().to_vec(), &tensor.to_vec())),
        Value::Int32Tensor(tensor) => Ok(HostTensor::from_numbers(tensor.shape().to_vec(), &tensor.to_vec())),
        Value::Int8Tensor(tensor) => Ok(HostTensor::from_numbers(tensor.shape().to_vec(), &tensor.to_vec())),
        Value::UInt8Tensor(tensor) => Ok(HostTensor::from_numbers(tensor.shape().to_vec(), &tensor.to_vec())),
        other => Err(EngineError::Failed(format!("expected a tensor of numbers, got {:?}", other.dtype()))),
    }
}
