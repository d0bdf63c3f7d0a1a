//! Functions that follow a layer.

use std::f64::consts::SQRT_2;

use burn_ir::{ActivationOperationIr, DimOpIr, ScalarIr, TensorIr};

use super::{Lowered, Lowering, no_form};
use crate::export::protobuf::AttributeProto;

impl Lowering {
    pub(super) fn activation(&mut self, operation: &ActivationOperationIr) -> Lowered {
        use ActivationOperationIr as Op;
        match operation {
            Op::Relu(op) => self.unary("Relu", op),
            Op::Sigmoid(op) => self.unary("Sigmoid", op),
            Op::LeakyRelu(op) => {
                let slope = AttributeProto::float("alpha", op.rhs.elem());
                self.direct("LeakyRelu", &[&op.lhs], [slope], &op.out)
            }
            Op::PRelu(op) => self.binary("PRelu", op),
            Op::Gelu(op) => self.gelu(&op.input, &op.out),
            Op::HardSigmoid(op) => {
                let settings =
                    [AttributeProto::float("alpha", op.alpha.elem()), AttributeProto::float("beta", op.beta.elem())];
                self.direct("HardSigmoid", &[&op.tensor], settings, &op.out)
            }
            Op::LogSigmoid(op) => {
                let input = self.name(&op.input)?;
                let sigmoid = self.graph.node("Sigmoid", &[&input], []);
                let name = self.graph.node("Log", &[&sigmoid], []);
                self.set(&op.out, name);
                Ok(())
            }
            Op::Softmax(op) => self.along("Softmax", op),
            Op::LogSoftmax(op) => self.along("LogSoftmax", op),
            Op::Softmin(op) => {
                let input = self.name(&op.input)?;
                let negative = self.graph.node("Neg", &[&input], []);
                let name = self.graph.node("Softmax", &[&negative], [AttributeProto::int("axis", op.axis as i64)]);
                self.set(&op.out, name);
                Ok(())
            }
            _ => no_form("gradients are not written"),
        }
    }

    fn along(&mut self, operator: &str, op: &DimOpIr) -> Lowered {
        self.direct(operator, &[&op.input], [AttributeProto::int("axis", op.axis as i64)], &op.out)
    }

    /// `x · (1 + erf(x / √2)) / 2`, in the order that engines know and replace by one kernel.
    fn gelu(&mut self, input: &TensorIr, output: &TensorIr) -> Lowered {
        let x = self.name(input)?;
        let mut number = |value| self.scalar(ScalarIr::Float(value), input.dtype);
        let [root, one, half] = [number(SQRT_2)?, number(1.0)?, number(0.5)?];
        let scaled = self.graph.node("Div", &[&x, &root], []);
        let erf = self.graph.node("Erf", &[&scaled], []);
        let sum = self.graph.node("Add", &[&erf, &one], []);
        let product = self.graph.node("Mul", &[&x, &sum], []);
        let name = self.graph.node("Mul", &[&product, &half], []);
        self.set(output, name);
        Ok(())
    }
}
