//! Operations element by element, and products of matrices.

use burn::tensor::TensorData;
use burn_ir::{FloatOperationIr, MatmulOpIr, NumericOperationIr, ScalarIr, ScalarOpIr, TensorIr, UnaryOpIr};

use super::{Lowered, Lowering, NoForm, no_form};
use crate::export::protobuf::AttributeProto;

impl Lowering {
    pub(super) fn numeric(&mut self, operation: &NumericOperationIr) -> Lowered {
        use NumericOperationIr as Op;
        match operation {
            Op::Add(op) => self.binary("Add", op),
            Op::Sub(op) => self.binary("Sub", op),
            Op::Mul(op) => self.binary("Mul", op),
            Op::Div(op) => self.binary("Div", op),
            Op::Powi(op) => self.binary("Pow", op),
            Op::Greater(op) => self.binary("Greater", op),
            Op::GreaterEqual(op) => self.binary("GreaterOrEqual", op),
            Op::Lower(op) => self.binary("Less", op),
            Op::LowerEqual(op) => self.binary("LessOrEqual", op),
            Op::AddScalar(op) => self.with_scalar("Add", op),
            Op::SubScalar(op) => self.with_scalar("Sub", op),
            Op::MulScalar(op) => self.with_scalar("Mul", op),
            Op::DivScalar(op) => self.with_scalar("Div", op),
            Op::GreaterElem(op) => self.with_scalar("Greater", op),
            Op::GreaterEqualElem(op) => self.with_scalar("GreaterOrEqual", op),
            Op::LowerElem(op) => self.with_scalar("Less", op),
            Op::LowerEqualElem(op) => self.with_scalar("LessOrEqual", op),
            Op::ClampMin(op) => self.with_scalar("Max", op),
            Op::ClampMax(op) => self.with_scalar("Min", op),
            Op::PowiScalar(op) => self.power(op),
            Op::Abs(op) => self.unary("Abs", op),
            Op::Neg(op) => self.unary("Neg", op),
            Op::Sign(op) => self.unary("Sign", op),
            Op::Clamp(op) => {
                let input = self.name(&op.tensor)?;
                let [min, max] = [self.scalar(op.min, op.tensor.dtype)?, self.scalar(op.max, op.tensor.dtype)?];
                let name = self.graph.node("Clip", &[&input, &min, &max], []);
                self.set(&op.out, name);
                Ok(())
            }
            Op::Full(op) => self.filled(&op.out, op.value),
            Op::Pad(op) => self.pad(op),
            _ => self.reduction(operation),
        }
    }

    pub(super) fn float(&mut self, operation: &FloatOperationIr) -> Lowered {
        use FloatOperationIr as Op;
        match operation {
            Op::Exp(op) => self.unary("Exp", op),
            Op::Log(op) => self.unary("Log", op),
            Op::Erf(op) => self.unary("Erf", op),
            Op::Sqrt(op) => self.unary("Sqrt", op),
            Op::Cos(op) => self.unary("Cos", op),
            Op::Cosh(op) => self.unary("Cosh", op),
            Op::Sin(op) => self.unary("Sin", op),
            Op::Sinh(op) => self.unary("Sinh", op),
            Op::Tan(op) => self.unary("Tan", op),
            Op::Tanh(op) => self.unary("Tanh", op),
            Op::ArcCos(op) => self.unary("Acos", op),
            Op::ArcCosh(op) => self.unary("Acosh", op),
            Op::ArcSin(op) => self.unary("Asin", op),
            Op::ArcSinh(op) => self.unary("Asinh", op),
            Op::ArcTan(op) => self.unary("Atan", op),
            Op::ArcTanh(op) => self.unary("Atanh", op),
            Op::Round(op) => self.unary("Round", op),
            Op::Floor(op) => self.unary("Floor", op),
            Op::Ceil(op) => self.unary("Ceil", op),
            Op::Recip(op) => self.unary("Reciprocal", op),
            Op::IsNan(op) => self.unary("IsNaN", op),
            Op::IsInf(op) => self.unary("IsInf", op),
            Op::Log1p(op) => {
                let (input, one) = (self.name(&op.input)?, self.scalar(ScalarIr::Float(1.0), op.input.dtype)?);
                let sum = self.graph.node("Add", &[&input, &one], []);
                let name = self.graph.node("Log", &[&sum], []);
                self.set(&op.out, name);
                Ok(())
            }
            Op::PowfScalar(op) if op.rhs.elem::<f64>() == 0.5 => self.direct("Sqrt", &[&op.lhs], [], &op.out),
            Op::PowfScalar(op) => self.power(op),
            Op::Powf(op) => self.binary("Pow", op),
            Op::IntoInt(op) => self.cast(op),
            Op::Matmul(op) => self.matrix_product(op),
            _ => no_form("no operation of ONNX does this"),
        }
    }

    pub(super) fn unary(&mut self, operator: &str, op: &UnaryOpIr) -> Lowered {
        self.direct(operator, &[&op.input], [], &op.out)
    }

    pub(super) fn with_scalar(&mut self, operator: &str, op: &ScalarOpIr) -> Lowered {
        let (input, scalar) = (self.name(&op.lhs)?, self.scalar(op.rhs, op.lhs.dtype)?);
        let name = self.graph.node(operator, &[&input, &scalar], []);
        self.set(&op.out, name);
        Ok(())
    }

    /// Squares are products, which engines compute exactly.
    fn power(&mut self, op: &ScalarOpIr) -> Lowered {
        if op.rhs.elem::<f64>() == 2.0 {
            return self.direct("Mul", &[&op.lhs, &op.lhs], [], &op.out);
        }
        self.with_scalar("Pow", op)
    }

    /// A tensor of one value.
    pub(super) fn filled(&mut self, output: &TensorIr, value: ScalarIr) -> Lowered {
        let sides = self.sides(output);
        let (value, shape) = (self.scalar(value, output.dtype)?, self.shape(&sides));
        let name = self.graph.node("Expand", &[&value, &shape], []);
        self.set(output, name);
        Ok(())
    }

    /// A weight that is the same for every matrix of a batch becomes one matrix, for which engines have faster products.
    fn matrix_product(&mut self, op: &MatmulOpIr) -> Lowered {
        let lhs = self.name(&op.lhs)?;
        let rhs = match self.constant(&op.rhs).map(single_matrix) {
            Some(Some(data)) if data.shape().to_vec() != op.rhs.shape.to_vec() => {
                let path = self.path(&op.rhs);
                let name = self.graph.initializer(&path, data);
                name.ok_or_else(|| NoForm(format!("elements of type {:?}", op.rhs.dtype)))?
            }
            _ => self.name(&op.rhs)?,
        };
        let name = self.graph.node("MatMul", &[&lhs, &rhs], []);
        self.set(&op.out, name);
        Ok(())
    }

    /// The path of the parameter that a constant is made of.
    fn path(&self, tensor: &TensorIr) -> String {
        let constant = self.constants.get(&tensor.id);
        constant.and_then(|constant| constant.path.clone()).unwrap_or_else(|| "constant".to_owned())
    }

    fn pad(&mut self, op: &burn_ir::PadOpIr) -> Lowered {
        use burn_ir::PadModeIr;

        let input = self.name(&op.input)?;
        let (before, after): (Vec<_>, Vec<_>) = op.padding.iter().copied().unzip();
        let pads: Vec<i64> = before.into_iter().chain(after).map(|pad| pad as i64).collect();
        let pads = self.graph.ints(&pads);
        let (mode, value) = match op.mode {
            PadModeIr::Constant(value) => ("constant", Some(self.scalar(value, op.input.dtype)?)),
            PadModeIr::Reflect => ("reflect", None),
            PadModeIr::Edge => ("edge", None),
        };
        let inputs: Vec<&str> = [input.as_str(), pads.as_str()].into_iter().chain(value.as_deref()).collect();
        let name = self.graph.node("Pad", &inputs, [AttributeProto::string("mode", mode)]);
        self.set(&op.out, name);
        Ok(())
    }
}

/// The only matrix of `[1, …, rows, columns]`.
fn single_matrix(data: &TensorData) -> Option<TensorData> {
    let shape = data.shape().to_vec();
    let (outer, matrix) = shape.split_at(shape.len().checked_sub(2)?);
    let alone = outer.iter().all(|&side| side == 1);
    alone.then(|| TensorData::from_bytes(data.bytes().clone(), matrix.to_vec(), data.dtype()))
}
