//! Functions applied elementwise after a normalisation or a linear layer.

use burn::tensor::{Tensor, activation};
use mvl_core::in_full_precision;
use serde::{Deserialize, Serialize};

/// What follows a normalisation or a linear layer, under torch's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x · sigmoid(x)`, also called swish.
    Silu,
    /// `x · Φ(x)`, exact (Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>).
    Gelu,
    /// GELU through its approximation by the hyperbolic tangent, torch's `approximate="tanh"`.
    GeluTanh,
    /// `x · sigmoid(1.702 x)`, CLIP's GELU.
    QuickGelu,
    /// `x · relu6(x + 3) / 6`
    HardSwish,
    /// `relu6(x + 3) / 6`
    HardSigmoid,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// Slope of the sigmoid inside CLIP's GELU.
const QUICK_GELU_SLOPE: f64 = 1.702;
/// √(2 / π) and the weight of x³ in GELU's approximation.
const GELU_TANH: [f64; 2] = [0.797_884_560_802_865_4, 0.044_715];

impl Activation {
    /// Applies it elementwise.
    #[must_use]
    pub fn forward<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Identity => input,
            Self::Relu => activation::relu(input),
            Self::Relu6 => activation::relu6(input),
            Self::Silu => activation::silu(input),
            Self::Gelu => activation::gelu(input),
            Self::GeluTanh => in_full_precision(input, gelu_tanh), // cubes leave the range of f16
            Self::QuickGelu => input.clone() * activation::sigmoid(input * QUICK_GELU_SLOPE),
            Self::HardSwish => input.clone() * hard_sigmoid(input),
            Self::HardSigmoid => hard_sigmoid(input),
            Self::Sigmoid => activation::sigmoid(input),
            Self::Tanh => activation::tanh(input),
        }
    }
}

fn hard_sigmoid<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    activation::relu6(input + 3.0) / 6.0
}

fn gelu_tanh<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let [scale, cube] = GELU_TANH;
    let inner = input.clone() * (input.clone() * input.clone() * cube + 1.0) * scale;
    input * (activation::tanh(inner) + 1.0) * 0.5
}

#[cfg(test)]
mod tests {
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn values_are_those_of_torch() {
        use Activation::*;
        // torch.nn.functional at -1.5 and 0.75
        let expected = [
            (Identity, [-1.5, 0.75]),
            (Relu, [0.0, 0.75]),
            (Relu6, [0.0, 0.75]),
            (Silu, [-0.273_638_1, 0.509_384_04]),
            (Gelu, [-0.100_210_8, 0.580_029_5]),
            (GeluTanh, [-0.100_428_4, 0.579_960_6]),
            (QuickGelu, [-0.108_337_8, 0.586_39]),
            (HardSwish, [-0.375, 0.468_75]),
            (HardSigmoid, [0.25, 0.625]),
            (Sigmoid, [0.182_425_5, 0.679_178_7]),
            (Tanh, [-0.905_148_3, 0.635_149]),
        ];
        let device = Cpu::device(0).expect("a CPU");
        for (activation, expected) in expected {
            let output = activation.forward(Tensor::<1>::from_floats([-1.5, 0.75], &device));
            let output = output.into_data().try_to_vec::<f32>().expect("floats");
            for (got, expected) in output.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-5, "{activation:?}: expected {expected}, got {got}");
            }
        }
    }
}
