//! Sums, means, extremes and their places. burn keeps the axes that it reduces, with length 1.

use burn_ir::{NumericOperationIr, ReduceOpIr, TensorIr};

use super::{Lowered, Lowering, cast_to, no_form};
use crate::export::elements::data_type;
use crate::export::protobuf::{AttributeProto, DataType};

impl Lowering {
    pub(super) fn reduction(&mut self, operation: &NumericOperationIr) -> Lowered {
        use NumericOperationIr as Op;
        match operation {
            Op::MeanDim(op) => self.reduce("ReduceMean", &op.input, &[op.axis], &op.out),
            Op::MaxDim(op) => self.reduce("ReduceMax", &op.input, &[op.axis], &op.out),
            Op::MinDim(op) => self.reduce("ReduceMin", &op.input, &[op.axis], &op.out),
            Op::ProdDim(op) => self.reduce("ReduceProd", &op.input, &[op.axis], &op.out),
            Op::SumDim(op) => self.sum(&op.input, &[op.axis], &op.out),
            Op::SumDims(op) => self.sum(&op.input, &op.axes, &op.out),
            Op::Mean(op) => self.reduce_all("ReduceMean", op),
            Op::Max(op) => self.reduce_all("ReduceMax", op),
            Op::Min(op) => self.reduce_all("ReduceMin", op),
            Op::Prod(op) => self.reduce_all("ReduceProd", op),
            Op::Sum(op) => self.reduce_all("ReduceSum", op),
            Op::ArgMax(op) => self.place("ArgMax", &op.input, op.axis, &op.out),
            Op::ArgMin(op) => self.place("ArgMin", &op.input, op.axis, &op.out),
            Op::MaxDimWithIndices(op) => {
                self.reduce("ReduceMax", &op.tensor, &[op.dim], &op.out)?;
                self.place("ArgMax", &op.tensor, op.dim, &op.out_indices)
            }
            Op::MinDimWithIndices(op) => {
                self.reduce("ReduceMin", &op.tensor, &[op.dim], &op.out)?;
                self.place("ArgMin", &op.tensor, op.dim, &op.out_indices)
            }
            Op::TopKWithIndices(op) => {
                let (input, count) = (self.name(&op.tensor)?, self.graph.ints(&[op.k as i64]));
                let name = self.graph.node("TopK", &[&input, &count], [AttributeProto::int("axis", op.dim as i64)]);
                let places = self.graph.second_output();
                self.set(&op.out, name);
                let places = self.places_as(places, &op.out_indices)?;
                self.set(&op.out_indices, places);
                Ok(())
            }
            Op::CumSum(op) => {
                let (input, axis) = (self.name(&op.input)?, self.graph.ints(&[op.axis as i64]));
                let name = self.graph.node("CumSum", &[&input, &axis], []);
                self.set(&op.out, name);
                Ok(())
            }
            _ => no_form("no operation of ONNX does this"),
        }
    }

    fn reduce(&mut self, operator: &str, input: &TensorIr, axes: &[usize], output: &TensorIr) -> Lowered {
        let axes = AttributeProto::ints("axes", axes.iter().copied());
        self.direct(operator, &[input], [axes, AttributeProto::int("keepdims", 1)], output)
    }

    /// The one reduction whose axes are an input in this version of the operators.
    fn sum(&mut self, input: &TensorIr, axes: &[usize], output: &TensorIr) -> Lowered {
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let (input, axes) = (self.name(input)?, self.graph.ints(&axes));
        let name = self.graph.node("ReduceSum", &[&input, &axes], [AttributeProto::int("keepdims", 1)]);
        self.set(output, name);
        Ok(())
    }

    /// Everything to `[1]`.
    fn reduce_all(&mut self, operator: &str, op: &ReduceOpIr) -> Lowered {
        let (input, one) = (self.name(&op.input)?, self.graph.ints(&[1]));
        let all = self.graph.node(operator, &[&input], [AttributeProto::int("keepdims", 0)]);
        let name = self.graph.node("Reshape", &[&all, &one], []);
        self.set(&op.out, name);
        Ok(())
    }

    fn place(&mut self, operator: &str, input: &TensorIr, axis: usize, output: &TensorIr) -> Lowered {
        let input = self.name(input)?;
        let attributes = [AttributeProto::int("axis", axis as i64), AttributeProto::int("keepdims", 1)];
        let name = self.graph.node(operator, &[&input], attributes);
        let name = self.places_as(name, output)?;
        self.set(output, name);
        Ok(())
    }

    /// ONNX gives places as 64-bit numbers, burn in the type of the device.
    fn places_as(&mut self, name: String, output: &TensorIr) -> Result<String, super::NoForm> {
        if data_type(output.dtype) == Some(DataType::Int64) {
            return Ok(name);
        }
        Ok(self.graph.node("Cast", &[&name], [cast_to(output.dtype)?]))
    }
}
