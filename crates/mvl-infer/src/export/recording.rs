//! A forward pass as burn's `capture` records it: for several numbers of pictures, with the same weights. Two passes with the same
//! operations are paired, operation by operation: what differs between the two follows the number of pictures.
//!
//! More than two are recorded because burn lays out some products of matrices otherwise from a certain number of pictures on, which
//! changes nothing in what they compute. That number is another for each shape of product, and rarely lies between two neighbours.

use std::collections::{BTreeMap, HashMap};

use burn::backend::Capture;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, Device, Int, PrimitiveConversionError, Tensor, TensorData};
use burn_ir::{OperationIr, TensorId};

use super::ExportError;
use super::lowering::operation_name;

/// What was recorded.
pub(super) struct Recording {
    /// The number of pictures in each of the two passes; equal ones record a fixed batch.
    pub(super) batches: [usize; 2],
    /// The input of each pass.
    pub(super) images: [TensorId; 2],
    /// The answer of each pass.
    pub(super) output: [TensorId; 2],
    /// The operations of both passes in order.
    pub(super) pairs: Vec<[OperationIr; 2]>,
    /// Weights and other values that came from the host.
    pub(super) values: BTreeMap<TensorId, TensorData>,
    /// Parameters by their paths in the model.
    pub(super) names: HashMap<TensorId, String>,
}

/// Records the forward pass of a model, for `input` as `[channels, height, width]` and each of `batches`, of which there are two or more.
///
/// # Panics
/// When the forward pass does, because the model does not take such a picture or reads values back to the host.
pub(super) fn record<M: Module, const D: usize>(
    model: M,
    input: [usize; 3],
    batches: &[usize],
    forward: &dyn Fn(&M, Tensor<4>) -> Tensor<D>,
) -> Result<Recording, ExportError> {
    let capture = Device::capture();
    let mut names = Names::default();
    let mut recorded = None;
    let mut kept = None; // outlives the recording
    let graph = capture.capture_scope(|scope| {
        let model = model.to_device(&capture);
        model.visit(&mut names);
        let [channels, height, width] = input;
        let images = batches.iter().map(|&batch| {
            let shape = [batch, channels, height, width];
            let data = TensorData::new(vec![0.0_f32; shape.iter().product()], shape);
            Tensor::<4>::from_data(data, &capture)
        });
        let images: Vec<_> = images.collect();
        let passes = images.into_iter().map(|images| {
            // an operation of its own before each pass tells the passes apart
            let mark = Tensor::<1>::zeros([1], &capture);
            let output = forward(&model, images.clone());
            (images, mark, output)
        });
        let passes: Vec<_> = passes.collect();
        let ids = passes.iter().map(|(images, mark, output)| Ok((id(images)?, id(mark)?, id(output)?)));
        let ids: Result<Vec<_>, PrimitiveConversionError> = ids.collect();
        let completed = match &ids {
            Ok(ids) => scope.complete(ids.iter().map(|ids| ids.0), ids.iter().map(|ids| ids.2)),
            Err(_) => scope.complete([], []),
        };
        recorded = Some(ids);
        kept = Some((model, passes));
        completed
    });
    drop(kept);
    let refused = |what: String| ExportError::NotRecorded { what };
    let ids = recorded.ok_or_else(|| refused("nothing was recorded".to_owned()))?;
    let ids = ids.map_err(|_| refused("the answer is not on the device that records".to_owned()))?;
    let graph = graph.map_err(|error| refused(error.to_string()))?;
    let marks: Vec<_> = ids.iter().map(|ids| ids.1).collect();
    let (before, passes) = split(graph.graph.operations, &marks)?;
    let (first, pairs) = pair(passes, batches)?;
    let both = [&ids[first], &ids[first + 1]];
    let before = before.into_iter().map(|operation| [operation.clone(), operation]);
    Ok(Recording {
        batches: [batches[first], batches[first + 1]],
        images: both.map(|ids| ids.0),
        output: both.map(|ids| ids.2),
        pairs: before.chain(pairs).collect(),
        values: graph.values,
        names: names.found,
    })
}

fn id<const D: usize>(tensor: &Tensor<D>) -> Result<TensorId, PrimitiveConversionError> {
    Ok(tensor.clone().try_into_primitive::<Capture>()?.id())
}

/// The operations before the first pass, and those of each pass.
fn split(
    mut operations: Vec<OperationIr>,
    marks: &[TensorId],
) -> Result<(Vec<OperationIr>, Vec<Vec<OperationIr>>), ExportError> {
    let mut passes = Vec::new();
    for &mark in marks.iter().rev() {
        let place = operations.iter().position(|operation| operation.outputs().any(|tensor| tensor.id == mark));
        let place =
            place.ok_or_else(|| ExportError::NotRecorded { what: "the passes cannot be told apart".to_owned() })?;
        let mut pass = operations.split_off(place);
        pass.remove(0);
        passes.push(pass);
    }
    passes.reverse();
    Ok((operations, passes))
}

/// The first two passes that follow each other and have the same operations, side by side, and the place of the first.
fn pair(
    passes: Vec<Vec<OperationIr>>,
    batches: &[usize],
) -> Result<(usize, impl Iterator<Item = [OperationIr; 2]>), ExportError> {
    let names: Vec<Vec<String>> = passes.iter().map(|pass| pass.iter().map(operation_name).collect()).collect();
    let Some(first) = names.windows(2).position(|pair| pair[0] == pair[1]) else {
        let (one, other) = (&names[0], &names[1]);
        let differs = one.iter().zip(other).position(|(one, other)| one != other);
        let operation = differs.map_or("the last operation", |place| one[place].as_str()).to_owned();
        let what = format!("{} operations for {} pictures, {} for {}", one.len(), batches[0], other.len(), batches[1]);
        return Err(ExportError::DependsOnBatch { operation, what });
    };
    let mut passes = passes.into_iter().skip(first);
    let [one, other] = [passes.next().unwrap_or_default(), passes.next().unwrap_or_default()];
    Ok((first, one.into_iter().zip(other).map(|(one, other)| [one, other])))
}

/// Finds the paths of parameters.
#[derive(Default)]
struct Names {
    path: Vec<String>,
    found: HashMap<TensorId, String>,
}

impl Names {
    fn keep(&mut self, id: TensorId) {
        self.found.insert(id, self.path.join("."));
    }
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Ok(primitive) = param.val().try_into_primitive::<Capture>() {
            self.keep(primitive.id());
        }
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        if let Ok(primitive) = param.val().try_into_primitive::<Capture>() {
            self.keep(primitive.id());
        }
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        if let Ok(primitive) = param.val().try_into_primitive::<Capture>() {
            self.keep(primitive.id());
        }
    }
}
