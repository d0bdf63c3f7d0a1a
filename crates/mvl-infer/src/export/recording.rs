//! A forward pass as burn's `capture` records it: once for each of two sizes of batch, with the same weights, paired operation by
//! operation. What differs between the two follows the number of pictures.

use std::collections::{BTreeMap, HashMap};

use burn::backend::Capture;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, Device, Int, PrimitiveConversionError, Tensor, TensorData};
use burn_ir::{OperationIr, TensorId};

use super::ExportError;

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

/// Records the forward pass of a model, for `input` as `[channels, height, width]`.
///
/// # Panics
/// When the forward pass does, because the model does not take such a picture or reads values back to the host.
pub(super) fn record<M: Module, const D: usize>(
    model: M,
    input: [usize; 3],
    batches: [usize; 2],
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
        let images = batches.map(|batch| {
            let shape = [batch, channels, height, width];
            Tensor::<4>::from_data(TensorData::new(vec![0.0_f32; shape.iter().product()], shape), &capture)
        });
        // an operation of its own before each pass tells the passes apart
        let [first, second] = images.clone().map(|images| {
            let mark = Tensor::<1>::zeros([1], &capture);
            let output = forward(&model, images);
            (mark, output)
        });
        let ids = Ids::of(&images, [&first.0, &second.0], [&first.1, &second.1]);
        let completed = match &ids {
            Ok(ids) => scope.complete(ids.images, ids.output),
            Err(_) => scope.complete([], []),
        };
        recorded = Some(ids);
        kept = Some((model, images, first, second));
        completed
    });
    drop(kept);
    let refused = |what: String| ExportError::NotRecorded { what };
    let ids = recorded.ok_or_else(|| refused("nothing was recorded".to_owned()))?;
    let ids = ids.map_err(|_| refused("the answer is not on the device that records".to_owned()))?;
    let graph = graph.map_err(|error| refused(error.to_string()))?;
    let pairs = pair(graph.graph.operations, ids.marks)?;
    Ok(Recording { batches, images: ids.images, output: ids.output, pairs, values: graph.values, names: names.found })
}

/// What stands for what in the recorded graph.
struct Ids {
    images: [TensorId; 2],
    marks: [TensorId; 2],
    output: [TensorId; 2],
}

impl Ids {
    fn of<const D: usize>(
        images: &[Tensor<4>; 2],
        marks: [&Tensor<1>; 2],
        output: [&Tensor<D>; 2],
    ) -> Result<Self, PrimitiveConversionError> {
        Ok(Self {
            images: [id(&images[0])?, id(&images[1])?],
            marks: [id(marks[0])?, id(marks[1])?],
            output: [id(output[0])?, id(output[1])?],
        })
    }
}

fn id<const D: usize>(tensor: &Tensor<D>) -> Result<TensorId, PrimitiveConversionError> {
    Ok(tensor.clone().try_into_primitive::<Capture>()?.id())
}

/// The operations of the two passes side by side; those before the first pass are paired with themselves.
fn pair(mut operations: Vec<OperationIr>, marks: [TensorId; 2]) -> Result<Vec<[OperationIr; 2]>, ExportError> {
    let place = |operations: &[OperationIr], mark: TensorId| {
        let found = operations.iter().position(|operation| operation.outputs().any(|tensor| tensor.id == mark));
        found.ok_or_else(|| ExportError::NotRecorded { what: "the two passes cannot be told apart".to_owned() })
    };
    let second = operations.split_off(place(&operations, marks[1])?);
    let first = operations.split_off(place(&operations, marks[0])?);
    if first.len() != second.len() {
        return Err(ExportError::DependsOnBatch {
            operation: "the number of operations".to_owned(),
            what: format!("{} against {}", first.len(), second.len()),
        });
    }
    let before = operations.into_iter().map(|operation| [operation.clone(), operation]);
    let passes = first.into_iter().zip(second).skip(1).map(|(first, second)| [first, second]);
    Ok(before.chain(passes).collect())
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
