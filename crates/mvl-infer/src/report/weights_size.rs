//! [`WeightsSize`]: how large a model's weights are where they are computed with.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::quantization::quantized_data_len;
use burn::tensor::{Bool, DType, Int, Shape, Tensor};
use serde::{Deserialize, Serialize};

/// How large a model's weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsSize {
    /// Learnable parameters, as they are counted of the trained model ([`count_parameters`](mvl_core::count_parameters)).
    pub parameters: u64,
    /// Bytes of the weights as the engine got them, after folding, in the type they are kept in. Replicas on a device that share them
    /// hold them once.
    pub bytes: u64,
}

/// The bytes of a module's parameters.
pub(crate) fn bytes_of<M: Module>(module: &M) -> u64 {
    let mut bytes = Bytes(0);
    module.visit(&mut bytes);
    bytes.0
}

struct Bytes(u64);

impl Bytes {
    fn add(&mut self, dtype: DType, shape: &Shape) {
        let bytes = match dtype {
            DType::QFloat(scheme) => quantized_data_len(&scheme, shape),
            dtype => shape.num_elements() * dtype.size(),
        };
        self.0 += bytes as u64;
    }
}

impl ModuleVisitor for Bytes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(param.dtype(), &param.shape());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(param.dtype(), &param.shape());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(param.dtype(), &param.shape());
    }
}
