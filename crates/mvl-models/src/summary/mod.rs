//! What a model is made of and what it costs: parameters, multiply-adds and activations of each part, counted from the graph that
//! its forward pass is recorded as. Nothing is computed, so that the largest model takes no more time than the smallest.

mod multiply_adds;

use std::collections::{HashMap, HashSet};

use burn::backend::Capture;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use burn_ir::{OperationIr, TensorId};
use mvl_core::{Backbone, Classifier, Feature, Head, ModelError, TapSet, count_parameters, is_learnt};
use serde::Serialize;

use multiply_adds::multiply_adds;

/// The sums of a [`summarize`]d model for one picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// `[channels, height, width]` of the picture.
    pub input: [usize; 3],
    /// From the picture to the answer: what leads to each tap, then the rest of the backbone and the head.
    pub parts: Vec<PartSummary>,
    /// Learnable parameters, as [`count_parameters`] counts them.
    pub parameters: usize,
    /// Multiply-adds of convolutions, linear layers and matrix products.
    pub multiply_adds: u64,
    /// MiB that the outputs of those take in 32 bits.
    pub activation_mib: f64,
}

/// A part of a model: everything after the part before, up to and with its tap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartSummary {
    /// The tap's name, or `head`.
    pub part: String,
    /// Its output's shape without the batch: `[C, H, W]`, `[L, C]`, `[K]`.
    pub output: Vec<usize>,
    /// Learnable parameters that it is the first to use.
    pub parameters: usize,
    /// Multiply-adds of convolutions, linear layers and matrix products.
    pub multiply_adds: u64,
    /// MiB that the outputs of those take in 32 bits.
    pub activation_mib: f64,
}

const BYTES: f64 = 4.0;
const MIB: f64 = (1 << 20) as f64;

/// Counts what a model costs on one picture of `[channels, height, width]`.
///
/// # Errors
/// [`ModelError::Other`] when its forward pass cannot be recorded as a graph.
///
/// # Panics
/// When the model does not take such a picture.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Cpu};
///
/// let model = mvl_models::create_model("resnet50", 1000, &Cpu::device(0)?)?;
/// let summary = mvl_models::summarize(model, [3, 224, 224])?;
/// assert_eq!((summary.parameters, summary.multiply_adds / 1_000_000), (25_557_032, 4_089));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn summarize(model: Classifier, input: [usize; 3]) -> Result<ModelSummary, ModelError> {
    let [channels, height, width] = input;
    let taps = model.backbone.taps().to_vec();
    let parameters = count_parameters(&model);
    let capture = Device::capture();
    let mut record = Record::default();
    let mut kept = None; // outlives the recording
    let graph = capture.capture_scope(|scope| {
        // weights that are still lazy are drawn there, which is recorded and costs nothing
        let model = model.to_device(&capture);
        model.visit(&mut record);
        let place = capture.clone();
        let images = Tensor::<4>::zeros([1, channels, height, width], &Device::default()).to_device(&place);
        let features = model.backbone.forward(images.clone(), TapSet::first(taps.len()));
        for (_, feature) in features.iter() {
            match feature {
                Feature::Map(map) => record.output(map),
                Feature::Tokens(tokens) => record.output(tokens),
                _ => {}
            }
        }
        let logits = model.head.forward(features.clone());
        record.output(&logits);
        let ends = (id(&images), id(&logits));
        kept = Some((model, features, logits));
        scope.complete([ends.0], [ends.1])
    });
    drop(kept);
    let graph = graph.map_err(|source| ModelError::Other {
        what: format!("the forward pass cannot be recorded as a graph: {source:?}"),
        source: None,
    })?;

    let names = taps.into_iter().map(|tap| tap.name).chain(["head".to_owned()]);
    let parts = parts(names, record, &graph.graph.operations);
    Ok(ModelSummary {
        input,
        parameters,
        multiply_adds: parts.iter().map(|part| part.multiply_adds).sum(),
        activation_mib: parts.iter().map(|part| part.activation_mib).sum(),
        parts,
    })
}

/// Goes through the operations, from the output of each part to that of the next.
fn parts(names: impl Iterator<Item = String>, record: Record, operations: &[OperationIr]) -> Vec<PartSummary> {
    let Record { outputs, mut parameters, .. } = record;
    let mut rest = operations;
    let ends = names.zip(outputs);
    let parts = ends.map(|(part, (id, output))| {
        let is_end = |operation: &OperationIr| operation.outputs().any(|tensor| tensor.id == id);
        // an output that an earlier part put out already takes nothing more
        let end = rest.iter().position(is_end).map_or(0, |place| place + 1);
        let (own, later) = rest.split_at(end);
        rest = later;
        let costs = own.iter().filter_map(multiply_adds);
        let (multiply_adds, values) = costs.fold((0, 0), |(sum, all), (cost, values)| (sum + cost, all + values));
        let used: HashSet<TensorId> =
            own.iter().flat_map(|operation| operation.inputs().map(|tensor| tensor.id)).collect();
        let count = used.iter().filter_map(|id| parameters.remove(id)).sum();
        let activation_mib = values as f64 * BYTES / MIB;
        PartSummary { part, output, parameters: count, multiply_adds, activation_mib }
    });
    parts.collect()
}

fn id<const D: usize>(tensor: &Tensor<D>) -> TensorId {
    let primitive = tensor.clone().try_into_primitive::<Capture>().expect("the tensor is on the capture device");
    primitive.id()
}

/// What of the recorded tensors has a meaning.
#[derive(Default)]
struct Record {
    path: Vec<String>,
    /// Values of each learnable parameter.
    parameters: HashMap<TensorId, usize>,
    /// The taps, then the answer, with their shapes for one picture.
    outputs: Vec<(TensorId, Vec<usize>)>,
}

impl Record {
    fn output<const D: usize>(&mut self, tensor: &Tensor<D>) {
        self.outputs.push((id(tensor), tensor.dims()[1..].to_vec()));
    }
}

impl ModuleVisitor for Record {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.last().is_some_and(|name| is_learnt(name)) {
            let value = param.val();
            self.parameters.insert(id(&value), value.dims().iter().product());
        }
    }
}
