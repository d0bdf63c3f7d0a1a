//! Generalised mean over cells with a learnt exponent: 1 is the mean, large ones approach the maximum. Radenović, Tolias, Chum
//! 2018, <https://arxiv.org/abs/1711.02512>. `[N, L, C]` → `[N, C]`

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};
use mvl_core::in_type_of;

/// Where the exponent begins, as in the paper.
const EXPONENT: f64 = 3.0;
/// Smaller values, negative ones too, count as this.
const SMALLEST: f64 = 1e-6;

/// `(mean of x^p)^(1 / p)` for every channel, in the type of the exponent.
#[derive(Module, Debug)]
pub struct GeM {
    /// The exponent, `[1]`.
    pub p: Param<Tensor<1>>,
}

impl GeM {
    /// With an exponent of 3.
    #[must_use]
    pub fn new(device: &Device) -> Self {
        Self { p: Initializer::Constant { value: EXPONENT }.init([1], device) }
    }

    /// # Shapes
    /// `[N, L, C]` → `[N, C]`
    #[must_use]
    pub fn forward(&self, cells: Tensor<3>) -> Tensor<2> {
        in_type_of(&self.p, cells, |cells| self.pool(cells))
    }

    fn pool(&self, cells: Tensor<3>) -> Tensor<2> {
        let exponent = self.p.val();
        // powers as exponentials, so that the exponent gets its gradient on every backend
        let powers = (cells.clamp_min(SMALLEST).log() * exponent.clone().reshape([1, 1, 1])).exp();
        let mean: Tensor<2> = powers.mean_dim(1).squeeze_dim(1); // [N, C]
        (mean.log() / exponent.reshape([1, 1])).exp()
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn negative_cells_count_as_nothing() {
        let device = Cpu::device(0).expect("a CPU");
        let pooled = GeM::new(&device).forward(Tensor::from_floats([[[2.0, -1.0], [4.0, 3.0]]], &device));
        let pooled = pooled.into_data().try_to_vec::<f32>().expect("floats");
        let expected = [(0.5f32 * (8.0 + 64.0)).cbrt(), (0.5f32 * 27.0).cbrt()];
        assert!(pooled.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-5), "{pooled:?}");
    }
}
