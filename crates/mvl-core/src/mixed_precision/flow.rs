//! The type of what flows through a net.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};

/// The half precision type in which a model wants its input: that of the first parameter in half precision; `None` where there is
/// none, for then it takes what comes.
///
/// [`Network`](crate::Network) and [`FeatureExtractor`](crate::FeatureExtractor) bring their pictures to it, so that one who calls
/// them need not. Nothing is initialised or computed.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::DType;
/// use mvl_core::{Backend, Cpu, Precision, flow_type, lower_precision};
///
/// let device = Cpu::device(0)?;
/// let model = LinearConfig::new(4, 2).init(&device);
/// assert_eq!(flow_type(&model), None);
/// assert_eq!(flow_type(&lower_precision(&model, Precision::Bf16, &[])), Some(DType::BF16));
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
pub fn flow_type<M: Module>(model: &M) -> Option<DType> {
    let mut found = Half(None);
    model.visit(&mut found);
    found.0
}

struct Half(Option<DType>);

impl ModuleVisitor for Half {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // a parameter that waits for its first use was not cast, and must not draw its numbers out of turn
        if self.0.is_none() && param.is_initialized() {
            self.0 = Some(param.dtype()).filter(|&dtype| is_half(dtype));
        }
    }
}

fn is_half(dtype: DType) -> bool {
    matches!(dtype, DType::BF16 | DType::F16)
}

/// A tensor in `f32` if it is in half precision; any other as it is.
#[must_use]
pub fn full_precision<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if is_half(tensor.dtype()) { tensor.cast(DType::F32) } else { tensor }
}

/// Runs a function on the input in `f32` if it is in half precision, and answers in the type of the input.
pub fn in_full_precision<const I: usize, const O: usize>(
    input: Tensor<I>,
    function: impl FnOnce(Tensor<I>) -> Tensor<O>,
) -> Tensor<O> {
    let given = input.dtype();
    function(full_precision(input)).cast(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Cpu};

    #[test]
    fn half_precision_alone_is_brought_up() {
        let device = Cpu::device(0).expect("a CPU");
        let ones = Tensor::<1>::ones([2], &device);
        for (given, inside) in
            [(DType::F64, DType::F64), (DType::F32, DType::F32), (DType::BF16, DType::F32), (DType::F16, DType::F32)]
        {
            let input = ones.clone().cast(given);
            assert_eq!(full_precision(input.clone()).dtype(), inside);
            let answer = in_full_precision(input, |input| {
                assert_eq!(input.dtype(), inside);
                input
            });
            assert_eq!(answer.dtype(), given);
        }
    }

    #[test]
    fn asking_initialises_nothing() {
        let device = Cpu::device(0).expect("a CPU");
        let model = burn::nn::LinearConfig::new(2, 2).init(&device);
        assert_eq!(flow_type(&model), None);
        assert!(!model.weight.is_initialized());
    }
}
