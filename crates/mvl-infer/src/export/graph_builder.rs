//! An ONNX graph while it grows: nodes in the order of computation, initializers, unique names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use burn::tensor::{DType, TensorData};
use burn_ir::ScalarIr;

use super::dimension::Dimension;
use super::elements::{data_type, tensor_proto};
use super::protobuf::{
    AttributeProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// Grows by [`node`](Self::node).
#[derive(Default)]
pub(super) struct GraphBuilder {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    shapes: Vec<ValueInfoProto>,
    names: HashSet<String>,
    /// Small constants that are in the graph already.
    small: HashMap<(Vec<u8>, DType, Vec<usize>), String>,
    layer: String,
}

impl GraphBuilder {
    /// The path of the layer that what follows belongs to, as far as it is known.
    pub(super) fn enter(&mut self, layer: &str) {
        if self.layer != layer {
            layer.clone_into(&mut self.layer);
        }
    }

    /// The layer that was entered last.
    pub(super) fn layer(&self) -> &str {
        &self.layer
    }

    /// A name that nothing else has, as like `wanted` as can be.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }

    /// Adds an operation with one output and gives its name. An empty input is one that is left out.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: impl IntoIterator<Item = AttributeProto>,
    ) -> String {
        let wanted = match self.layer.as_str() {
            "" => operator.to_owned(),
            layer => format!("{layer}/{operator}"),
        };
        let output = self.unique(&wanted);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            name: Some(output.clone()),
            op_type: Some(operator.to_owned()),
            attribute: attributes.into_iter().collect(),
        });
        output
    }

    /// Gives the last operation a second output.
    pub(super) fn second_output(&mut self) -> String {
        let node = self.nodes.last_mut().expect("a node was added before");
        let wanted = format!("{}.second", node.output[0]);
        let name = self.unique(&wanted);
        self.nodes.last_mut().expect("a node was added before").output.push(name.clone());
        name
    }

    /// Adds values under a name like `wanted`; `None` for a type of elements that ONNX has not.
    pub(super) fn initializer(&mut self, wanted: &str, data: impl Into<Arc<TensorData>>) -> Option<String> {
        let name = self.unique(wanted);
        self.initializers.push(tensor_proto(name.clone(), data.into())?);
        Some(name)
    }

    /// A small constant, kept once for all that read it.
    pub(super) fn constant(&mut self, data: impl Into<Arc<TensorData>>) -> Option<String> {
        let data = data.into();
        let key = (data.bytes().to_vec(), data.dtype(), data.shape().to_vec());
        if let Some(name) = self.small.get(&key) {
            return Some(name.clone());
        }
        let name = self.initializer("constant", data)?;
        self.small.insert(key, name.clone());
        Some(name)
    }

    /// Whole numbers, for shapes, axes and repeats.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let data = TensorData::new(values.to_vec(), [values.len()]);
        self.constant(data).expect("ONNX has 64-bit whole numbers")
    }

    /// One number without a shape; `None` for a type of elements that ONNX has not.
    pub(super) fn scalar(&mut self, value: ScalarIr, dtype: DType) -> Option<String> {
        let shape = [0_usize; 0];
        let data = match (dtype, value) {
            (DType::Bool(_), value) => TensorData::new(vec![value.elem::<f64>() != 0.0], shape),
            // beyond the range of whole numbers, such as infinity, the last of them
            (_, ScalarIr::Float(number)) if !dtype.is_float() => {
                TensorData::new(vec![number as i64], shape).convert_dtype(dtype)
            }
            (_, value) if dtype.is_float() => TensorData::new(vec![value.elem::<f64>()], shape).convert_dtype(dtype),
            (_, value) => TensorData::new(vec![value.elem::<i64>()], shape).convert_dtype(dtype),
        };
        self.constant(data)
    }

    /// Writes down the shape of a value, for viewers and engines.
    pub(super) fn describe(&mut self, name: &str, dtype: DType, sides: &[Dimension]) {
        self.shapes.extend(value_info(name, dtype, sides));
    }

    /// The graph, with one input and one output under the names wished for, and without what the output does not need.
    pub(super) fn finish(
        mut self,
        graph: &str,
        (input, input_info): (&str, ValueInfoProto),
        (output, output_info): (&str, ValueInfoProto),
    ) -> GraphProto {
        let wished = output_info.name.clone().unwrap_or_default();
        let made_here = self.nodes.iter().any(|node| node.output.iter().any(|name| name == output));
        if made_here {
            for node in &mut self.nodes {
                for name in node.input.iter_mut().chain(&mut node.output).filter(|name| *name == output) {
                    name.clone_from(&wished);
                }
            }
        } else {
            self.layer.clear();
            self.node("Identity", &[output], []);
            let node = self.nodes.last_mut().expect("just added");
            node.output = vec![wished.clone()];
        }
        let mut needed = HashSet::from([wished.clone()]);
        let mut nodes: Vec<NodeProto> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes.into_iter().rev() {
            if node.output.iter().any(|name| needed.contains(name)) {
                needed.extend(node.input.iter().cloned());
                nodes.push(node);
            }
        }
        nodes.reverse();
        let made: HashSet<&String> = nodes.iter().flat_map(|node| &node.output).collect();
        let describes = |info: &ValueInfoProto| {
            info.name.as_ref().is_some_and(|name| made.contains(name) && *name != wished && name != input)
        };
        let value_info = self.shapes.into_iter().filter(describes).collect();
        let is_read = |tensor: &TensorProto| tensor.name.as_ref().is_some_and(|name| needed.contains(name));
        let initializer = self.initializers.into_iter().filter(is_read).collect();
        GraphProto {
            name: Some(graph.to_owned()),
            initializer,
            input: vec![input_info],
            output: vec![output_info],
            value_info,
            node: nodes,
        }
    }
}

/// Name, type and shape of a value; `None` for a type of elements that ONNX has not.
pub(super) fn value_info(name: &str, dtype: DType, sides: &[Dimension]) -> Option<ValueInfoProto> {
    let dim = sides.iter().map(|side| side.to_proto()).collect();
    let tensor_type =
        TensorTypeProto { elem_type: Some(data_type(dtype)? as i32), shape: Some(TensorShapeProto { dim }) };
    let r#type = Some(TypeProto { tensor_type: Some(tensor_type) });
    Some(ValueInfoProto { name: Some(name.to_owned()), r#type })
}
