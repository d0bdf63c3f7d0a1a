//! From burn's operations to ONNX's: one file for each kind of them.

mod activations;
mod arithmetic;
mod attention;
mod convolutions;
mod layers;
mod pools;
mod rearrange;
mod reductions;
mod resize;
mod types;

use std::collections::HashMap;
use std::sync::Arc;

use burn::tensor::{DType, Shape, TensorData};
use burn_ir::{BaseOperationIr, IrVisitorMut, OperationIr, ScalarIr, TensorId, TensorIr, TensorStatus};

use super::ExportError;
use super::dimension::Dimension;
use super::elements::data_type;
use super::folding::fold;
use super::graph_builder::{GraphBuilder, value_info};
use super::protobuf::{AttributeProto, GraphProto};
use super::recording::Recording;

/// What of an operation has no form in ONNX; the caller adds operation and layer.
pub(super) struct NoForm(String);

/// What a function for one operation gives.
type Lowered = Result<(), NoForm>;

/// A value that is known at export.
struct Constant {
    data: Arc<TensorData>,
    /// The path of the parameter that it is made of.
    path: Option<String>,
    /// Its name in the graph, once something reads it there.
    name: Option<String>,
}

/// A recording on its way into a graph.
pub(super) struct Lowering {
    graph: GraphBuilder,
    batches: [usize; 2],
    /// Computed values by their names in the graph.
    names: HashMap<TensorId, String>,
    constants: HashMap<TensorId, Constant>,
    sides: HashMap<TensorId, Vec<Dimension>>,
    /// What of the first pass stands for what of the second.
    twins: HashMap<TensorId, TensorId>,
    /// What reshapes put out, with what they were given and its shape.
    reshaped: HashMap<String, (String, Vec<Dimension>)>,
    /// The name of the number of pictures as a tensor `[1]`, once something asks for it.
    batch: Option<String>,
    images: String,
}

/// Turns a recording into a graph with one input and one output of these names.
pub(super) fn lower(recording: Recording, graph: &str, input: &str, output: &str) -> Result<GraphProto, ExportError> {
    let Recording { batches, images, output: answers, pairs, values, names } = recording;
    let constants = values.into_iter().map(|(id, data)| {
        let path = names.get(&id).cloned();
        (id, Constant { data: Arc::new(data), path, name: None })
    });
    let mut constants: HashMap<_, _> = constants.collect();
    let pictures = images.map(|images| constants.remove(&images).map(|constant| constant.data));
    let mut lowering = Lowering {
        graph: GraphBuilder::default(),
        batches,
        names: HashMap::new(),
        constants,
        sides: HashMap::new(),
        twins: HashMap::from([(images[1], images[0])]),
        reshaped: HashMap::new(),
        batch: None,
        images: input.to_owned(),
    };
    let [Some(first), Some(second)] = pictures else {
        return Err(ExportError::NotRecorded { what: "the pictures are not among the recorded values".to_owned() });
    };
    let (dtype, shapes) = (first.dtype(), [first.shape().clone(), second.shape().clone()]);
    let sides = lowering.dimensions(shapes).map_err(|no_form| lowering.unsupported("the pictures", no_form))?;
    let name = lowering.graph.unique(input);
    lowering.graph.unique(output); // kept free for the answer
    lowering.names.insert(images[0], name.clone());
    lowering.sides.insert(images[0], sides.clone());
    let input_info = value_info(input, dtype, &sides);

    let mut answer_dtype = dtype;
    for [first, second] in pairs {
        answer_dtype =
            first.outputs().find(|tensor| tensor.id == answers[0]).map_or(answer_dtype, |tensor| tensor.dtype);
        lowering.pair(first, second)?;
    }
    let answer = lowering.named(answers[0]).map_err(|no_form| lowering.unsupported("the answer", no_form))?;
    let sides = lowering.sides.get(&answers[0]).cloned().unwrap_or_default();
    let output_info = value_info(output, answer_dtype, &sides);
    match (input_info, output_info) {
        (Some(input), Some(output)) => Ok(lowering.graph.finish(graph, (&name, input), (&answer, output))),
        _ => Err(lowering.unsupported("the answer", NoForm(format!("elements of type {answer_dtype:?}")))),
    }
}

impl Lowering {
    /// One operation, as it was in both passes.
    fn pair(&mut self, first: OperationIr, second: OperationIr) -> Result<(), ExportError> {
        if std::mem::discriminant(&first) != std::mem::discriminant(&second) {
            return Err(depends_on_batch(
                &operation_name(&first),
                format!("it is {} for another batch", operation_name(&second)),
            ));
        }
        for (first, second) in first.outputs().zip(second.outputs()) {
            let sides = self.dimensions([first.shape.clone(), second.shape.clone()]);
            self.sides.insert(first.id, sides.map_err(|NoForm(what)| depends_on_batch("a shape", what))?);
            if first.id != second.id {
                self.twins.insert(second.id, first.id);
            }
        }
        self.check_twins(&first, &second)?;
        let is_constant = |tensor: &TensorIr| self.constants.contains_key(&tensor.id);
        let is_fixed = |tensor: &TensorIr| self.sides[&tensor.id].iter().all(|side| side.fixed().is_some());
        if first.inputs().all(is_constant) && first.outputs().all(is_fixed) && self.fold(&first) {
            return Ok(());
        }
        if let Some(layer) = first.inputs().filter_map(|tensor| self.constants.get(&tensor.id)?.path.as_deref()).next()
        {
            let layer = layer.rsplit_once('.').map_or(layer, |(layer, _)| layer).to_owned();
            self.graph.enter(&layer);
        }
        self.operation(&first, &second).map_err(|no_form| self.unsupported(&operation_name(&first), no_form))?;
        for output in first.outputs() {
            if let Some(name) = self.names.get(&output.id) {
                self.graph.describe(name, output.dtype, &self.sides[&output.id]);
            }
        }
        Ok(())
    }

    /// Computes an operation now, if its inputs are known; whether it did.
    fn fold(&mut self, operation: &OperationIr) -> bool {
        let mut read_only = operation.clone();
        read_only.visit_mut(&mut ReadOnly);
        let inputs: HashMap<_, _> =
            operation.inputs().map(|tensor| (tensor.id, self.constants[&tensor.id].data.as_ref())).collect();
        let Some(outputs) = fold(&read_only, inputs) else { return false };
        let path = operation.inputs().find_map(|tensor| self.constants[&tensor.id].path.clone());
        for (id, data) in outputs {
            self.constants.insert(id, Constant { data: Arc::new(data), path: path.clone(), name: None });
        }
        true
    }

    /// Both passes do the same with the same, but for what follows the number of pictures.
    fn check_twins(&self, first: &OperationIr, second: &OperationIr) -> Result<(), ExportError> {
        let differs = |what: String| Err(depends_on_batch(&operation_name(first), what));
        let inputs = [first, second].map(|operation| operation.inputs().collect::<Vec<_>>());
        if inputs[0].len() != inputs[1].len() {
            return differs("the number of inputs".to_owned());
        }
        for (first, second) in inputs[0].iter().zip(&inputs[1]) {
            let twin = self.twins.get(&second.id).copied().unwrap_or(second.id);
            let same = twin == first.id
                || match (self.constants.get(&first.id), self.constants.get(&second.id)) {
                    (Some(first), Some(second)) => first.data == second.data,
                    _ => false,
                };
            if !same {
                return differs("a value that is made for one number of pictures".to_owned());
            }
        }
        let bare = [first, second].map(|operation| {
            let mut bare = operation.clone();
            bare.visit_mut(&mut Bare);
            bare
        });
        if bare[0] != bare[1] && !follows_batch(first) {
            return differs(format!("{:?} against {:?}", bare[0], bare[1]));
        }
        Ok(())
    }

    fn operation(&mut self, first: &OperationIr, second: &OperationIr) -> Lowered {
        match (first, second) {
            (OperationIr::BaseFloat(op), OperationIr::BaseFloat(twin))
            | (OperationIr::BaseInt(op), OperationIr::BaseInt(twin))
            | (OperationIr::BaseBool(op), OperationIr::BaseBool(twin)) => self.base(op, twin),
            (OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op), _) => self.numeric(op),
            (OperationIr::Float(_, op), _) => self.float(op),
            (OperationIr::Int(op), _) => self.int(op),
            (OperationIr::Bool(op), _) => self.bool(op),
            (OperationIr::Module(op), _) => self.layer(op),
            (OperationIr::Activation(op), _) => self.activation(op),
            (OperationIr::Init(_) | OperationIr::Drop(_), _) => Ok(()), // no computation
            _ => no_form("no operation of ONNX does this"),
        }
    }

    /// The shape of a tensor that had these shapes in the two passes.
    fn dimensions(&self, [first, second]: [Shape; 2]) -> Result<Vec<Dimension>, NoForm> {
        let (first, second) = (first.to_vec(), second.to_vec());
        if first.len() != second.len() {
            return Err(NoForm("another number of axes".to_owned()));
        }
        let sides = first.iter().zip(&second).map(|(&first, &second)| {
            let side = Dimension::of([first, second], self.batches);
            side.ok_or_else(|| NoForm(format!("sides of {first} and {second}")))
        });
        sides.collect()
    }

    /// The name of a tensor in the graph; a constant is put there when it is asked for.
    fn name(&mut self, tensor: &TensorIr) -> Result<String, NoForm> {
        self.named(tensor.id)
    }

    fn named(&mut self, id: TensorId) -> Result<String, NoForm> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let Some(constant) = self.constants.get_mut(&id) else {
            return Err(NoForm("it reads what no operation made".to_owned()));
        };
        if let Some(name) = &constant.name {
            return Ok(name.clone());
        }
        let (data, wanted) = (constant.data.clone(), constant.path.as_deref().unwrap_or("constant"));
        let dtype = data.dtype();
        let name = match data.num_elements() {
            0..=16 if constant.path.is_none() => self.graph.constant(data),
            _ => self.graph.initializer(wanted, data),
        };
        let name = name.ok_or_else(|| NoForm(format!("elements of type {dtype:?}")))?;
        constant.name = Some(name.clone());
        Ok(name)
    }

    /// A tensor's value, where it is known at export.
    fn constant(&self, tensor: &TensorIr) -> Option<&TensorData> {
        self.constants.get(&tensor.id).map(|constant| constant.data.as_ref())
    }

    /// What an operation put out is this in the graph.
    fn set(&mut self, output: &TensorIr, name: String) {
        self.names.insert(output.id, name);
    }

    /// An operation of ONNX that does the same as burn's.
    fn direct(
        &mut self,
        operator: &str,
        inputs: &[&TensorIr],
        attributes: impl IntoIterator<Item = AttributeProto>,
        output: &TensorIr,
    ) -> Lowered {
        let inputs = inputs.iter().map(|tensor| self.name(tensor)).collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let name = self.graph.node(operator, &inputs, attributes);
        self.set(output, name);
        Ok(())
    }

    /// The shape of a recorded tensor.
    fn sides(&self, tensor: &TensorIr) -> Vec<Dimension> {
        let found = self.sides.get(&tensor.id).cloned();
        found.unwrap_or_else(|| tensor.shape.to_vec().into_iter().map(Dimension::Fixed).collect())
    }

    fn scalar(&mut self, value: ScalarIr, dtype: DType) -> Result<String, NoForm> {
        self.graph.scalar(value, dtype).ok_or_else(|| NoForm(format!("elements of type {dtype:?}")))
    }

    /// A shape as a tensor `[rank]`, computed from the number of pictures where it follows it.
    fn shape(&mut self, sides: &[Dimension]) -> String {
        let fixed: Option<Vec<i64>> = sides.iter().map(|side| side.fixed().map(|side| side as i64)).collect();
        if let Some(fixed) = fixed {
            return self.graph.ints(&fixed);
        }
        let parts = sides.iter().map(|side| match *side {
            Dimension::Fixed(side) => self.graph.ints(&[side as i64]),
            Dimension::PerPicture(times) => {
                let batch = self.batch();
                match times {
                    1 => batch,
                    _ => {
                        let times = self.graph.ints(&[times as i64]);
                        self.graph.node("Mul", &[&batch, &times], [])
                    }
                }
            }
        });
        let parts: Vec<_> = parts.collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [only] => (*only).to_owned(),
            _ => self.graph.node("Concat", &parts, [AttributeProto::int("axis", 0)]),
        }
    }

    /// The number of pictures, `[1]`.
    fn batch(&mut self) -> String {
        if let Some(name) = &self.batch {
            return name.clone();
        }
        let shape = self.graph.node("Shape", &[&self.images], []);
        let first = self.graph.ints(&[0]);
        let name = self.graph.node("Gather", &[&shape, &first], [AttributeProto::int("axis", 0)]);
        self.batch = Some(name.clone());
        name
    }

    fn unsupported(&self, operation: &str, NoForm(what): NoForm) -> ExportError {
        ExportError::Unsupported { operation: format!("{operation} ({what})"), layer: self.graph.layer().to_owned() }
    }
}

fn no_form<T>(what: impl Into<String>) -> Result<T, NoForm> {
    Err(NoForm(what.into()))
}

/// The number of a type of elements in ONNX, for a `Cast`.
fn cast_to(dtype: DType) -> Result<AttributeProto, NoForm> {
    let to = data_type(dtype).ok_or_else(|| NoForm(format!("elements of type {dtype:?}")))?;
    Ok(AttributeProto::int("to", to as i32))
}

fn depends_on_batch(operation: &str, what: String) -> ExportError {
    ExportError::DependsOnBatch { operation: operation.to_owned(), what }
}

/// Operations whose settings may follow the number of pictures; their own functions look at both.
fn follows_batch(operation: &OperationIr) -> bool {
    let (OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op)) = operation else {
        return false;
    };
    matches!(op, BaseOperationIr::Slice(_) | BaseOperationIr::RepeatDim(_))
}

/// burn's name of an operation: `Module.Conv2d`, `Float.F32.Matmul`.
pub(super) fn operation_name(operation: &OperationIr) -> String {
    let text = format!("{operation:?}");
    let words = text.split(['(', ' ', ',', '{']).filter(|word| !word.is_empty());
    words.take_while(|word| !word.ends_with("Ir")).collect::<Vec<_>>().join(".")
}

/// Forgets which tensors an operation is about, so that its settings can be compared.
struct Bare;

impl IrVisitorMut for Bare {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        *tensor = TensorIr::uninit(TensorId::new(0), Shape::new([0_usize; 0]), tensor.dtype);
    }
}

/// Makes every tensor one that others still read.
struct ReadOnly;

impl IrVisitorMut for ReadOnly {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        tensor.status = TensorStatus::ReadOnly;
    }
}
