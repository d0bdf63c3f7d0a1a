//! A module's parameters as a list: path, PyTorch's name and shapes, without creating a value that is still lazy.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, Int, Tensor};

use super::fit::FileTensor;

/// Modules whose scale and shift burn calls `gamma` and `beta`, PyTorch `weight` and `bias`.
const NORMS: [&str; 5] =
    ["Struct:BatchNorm", "Struct:LayerNorm", "Struct:GroupNorm", "Struct:RmsNorm", "Struct:InstanceNorm"];
pub(super) const LINEAR: &str = "Struct:Linear";

/// A place that wants a tensor.
#[derive(Debug, Clone)]
pub(crate) struct ParameterSlot {
    /// Path in the module: `backbone.layer1.0.conv1.norm.gamma`.
    pub path: String,
    /// The same with PyTorch's parameter names and without enum variants: `backbone.layer1.0.conv1.norm.weight`.
    pub name: String,
    /// Shape in the module.
    pub shape: Vec<usize>,
    /// Whether it is the matrix of a linear layer: `[in, out]` here, `[out, in]` in PyTorch.
    pub transposed: bool,
    /// What its values are.
    pub kind: ParameterKind,
}

/// What the values of a parameter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    Float,
    Int,
    Bool,
}

impl ParameterSlot {
    /// Whether the tensor holds the right kind of values; their precision does not matter.
    pub(crate) fn accepts(&self, tensor: &FileTensor) -> bool {
        match self.kind {
            ParameterKind::Float => tensor.dtype.is_float(),
            ParameterKind::Int => tensor.dtype.is_int() || tensor.dtype.is_uint(),
            ParameterKind::Bool => tensor.dtype.is_bool(),
        }
    }

    /// Shape in PyTorch.
    pub(crate) fn torch_shape(&self) -> Vec<usize> {
        let mut shape = self.shape.clone();
        if self.transposed {
            shape.reverse();
        }
        shape
    }
}

/// Every parameter of a module in the order of its fields.
pub(crate) fn parameter_slots<M: Module>(module: &M) -> Vec<ParameterSlot> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.slots
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    containers: Vec<String>,
    slots: Vec<ParameterSlot>,
}

impl Collector {
    fn add(&mut self, kind: ParameterKind, shape: Vec<usize>) {
        let owner = self.containers.last().map_or("", String::as_str);
        let named = self.path.iter().zip(&self.containers).filter(|(_, container)| !container.starts_with("Enum:"));
        let mut name: Vec<&str> = named.map(|(segment, _)| segment.as_str()).collect();
        let parameter = name.pop().unwrap_or_default();
        name.push(match parameter {
            "gamma" if NORMS.contains(&owner) => "weight",
            "beta" if NORMS.contains(&owner) => "bias",
            other => other,
        });
        let transposed = owner == LINEAR && parameter == "weight" && shape.len() == 2;
        let name = name.join(".");
        self.slots.push(ParameterSlot { path: self.path.join("."), name, shape, transposed, kind });
    }
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(ParameterKind::Float, param.lazy_shape().to_vec());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(ParameterKind::Int, param.lazy_shape().to_vec());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(ParameterKind::Bool, param.lazy_shape().to_vec());
    }
}
