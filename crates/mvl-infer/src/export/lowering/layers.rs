//! Linear layers, normalisations, tables, and where the other layers are.

use burn_ir::{BatchNormOpIr, LayerNormOpIr, LinearOpIr, ModuleOperationIr};

use super::{Lowered, Lowering, no_form};
use crate::export::protobuf::AttributeProto;

impl Lowering {
    pub(super) fn layer(&mut self, operation: &ModuleOperationIr) -> Lowered {
        use ModuleOperationIr as Op;
        match operation {
            Op::BatchNorm(op) => self.batch_norm(op),
            Op::LayerNorm(op) => self.layer_norm(op),
            Op::Linear(op) => self.linear(op),
            Op::Embedding(op) => {
                self.direct("Gather", &[&op.weights, &op.indices], [AttributeProto::int("axis", 0)], &op.out)
            }
            Op::Attention(op) => self.attention(op),
            Op::Interpolate(op) => self.resize(op),
            Op::Conv1d(_) | Op::Conv2d(_) | Op::Conv3d(_) => self.convolution(operation),
            Op::ConvTranspose1d(_) | Op::ConvTranspose2d(_) | Op::ConvTranspose3d(_) => self.convolution(operation),
            Op::AvgPool1d(_)
            | Op::AvgPool2d(_)
            | Op::AdaptiveAvgPool1d(_)
            | Op::AdaptiveAvgPool2d(_)
            | Op::MaxPool1d(_)
            | Op::MaxPool2d(_) => self.pool(operation),
            _ => no_form("no operation of ONNX does this"),
        }
    }

    fn batch_norm(&mut self, op: &BatchNormOpIr) -> Lowered {
        let inputs = [&op.x, &op.gamma, &op.beta, &op.mean, &op.variance];
        let epsilon = AttributeProto::float("epsilon", op.epsilon.elem());
        self.direct("BatchNormalization", &inputs, [epsilon], &op.out)
    }

    fn layer_norm(&mut self, op: &LayerNormOpIr) -> Lowered {
        let inputs: Vec<_> = [&op.input, &op.gamma].into_iter().chain(&op.beta).collect();
        let settings = [AttributeProto::int("axis", -1), AttributeProto::float("epsilon", op.epsilon.elem())];
        self.direct("LayerNormalization", &inputs, settings, &op.out)
    }

    /// burn keeps weights as `[in, out]`, which is how ONNX's products read them.
    fn linear(&mut self, op: &LinearOpIr) -> Lowered {
        if op.x.shape.to_vec().len() == 2 {
            let inputs: Vec<_> = [&op.x, &op.weight].into_iter().chain(&op.bias).collect();
            return self.direct("Gemm", &inputs, [], &op.out);
        }
        let [x, weight] = [self.name(&op.x)?, self.name(&op.weight)?];
        let mut name = self.graph.node("MatMul", &[&x, &weight], []);
        if let Some(bias) = &op.bias {
            let bias = self.name(bias)?;
            name = self.graph.node("Add", &[&name, &bias], []);
        }
        self.set(&op.out, name);
        Ok(())
    }
}
