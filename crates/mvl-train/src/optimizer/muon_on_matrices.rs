//! Muon for what is a matrix, AdamW for what is not, in one optimiser: burn's Muon refuses all but matrices.
//!
//! Matrices are linear weights, which burn keeps as `[in, out]` and Muon wants as `[out, in]`, and kernels of convolutions,
//! `[out, in, h, w]` taken as `[out, in · h · w]`. An embedding counts as a linear weight.

use burn::optim::{AdamW, AdamWState, Muon, MuonState, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

const LINEAR_RANK: usize = 2;
const KERNEL_RANK: usize = 4;

/// Muon and AdamW side by side.
#[derive(Clone)]
pub(super) struct MuonOnMatrices {
    muon: Muon,
    rest: AdamW,
    /// AdamW's learning rate as a share of Muon's.
    rest_share: f64,
}

/// The state of one parameter.
#[derive(Clone)]
pub(super) enum MixedState<const D: usize> {
    Matrix(Box<MuonState<2>>),
    Rest(Box<AdamWState<D>>),
}

impl MuonOnMatrices {
    pub(super) fn new(muon: Muon, rest: AdamW, rest_share: f64) -> Self {
        Self { muon, rest, rest_share }
    }
}

/// `[out, in]` of a linear weight or a kernel.
fn to_matrix<const D: usize>(tensor: Tensor<D>) -> Tensor<2> {
    let matrix = tensor.flatten(1, D - 1);
    if D == LINEAR_RANK { matrix.transpose() } else { matrix }
}

fn from_matrix<const D: usize>(matrix: Tensor<2>, shape: [usize; D]) -> Tensor<D> {
    if D == LINEAR_RANK { matrix.transpose().reshape(shape) } else { matrix.reshape(shape) }
}

impl Optimizer for MuonOnMatrices {
    type State<const D: usize> = MixedState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: f64,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<MixedState<D>>,
    ) -> (Tensor<D>, Option<MixedState<D>>) {
        if D == LINEAR_RANK || D == KERNEL_RANK {
            let (shape, state) = (tensor.dims(), state.and_then(MixedState::matrix));
            let (matrix, state) = self.muon.step(learning_rate, to_matrix(tensor), to_matrix(gradient), state);
            return (from_matrix(matrix, shape), state.map(|state| MixedState::Matrix(Box::new(state))));
        }
        let state = state.and_then(MixedState::rest);
        let (tensor, state) = self.rest.step(learning_rate * self.rest_share, tensor, gradient, state);
        (tensor, state.map(|state| MixedState::Rest(Box::new(state))))
    }

    fn to_device<const D: usize>(state: MixedState<D>, device: &Device) -> MixedState<D> {
        match state {
            MixedState::Matrix(state) => MixedState::Matrix(Box::new(Muon::to_device(*state, device))),
            MixedState::Rest(state) => MixedState::Rest(Box::new(AdamW::to_device(*state, device))),
        }
    }
}

impl<const D: usize> MixedState<D> {
    fn matrix(self) -> Option<MuonState<2>> {
        if let Self::Matrix(state) = self { Some(*state) } else { None }
    }

    fn rest(self) -> Option<AdamWState<D>> {
        if let Self::Rest(state) = self { Some(*state) } else { None }
    }
}

impl<const D: usize> RecordState for MixedState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        match self {
            Self::Matrix(state) => state.state_flatten(prefix, out),
            Self::Rest(state) => state.state_flatten(prefix, out),
        }
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        if D == LINEAR_RANK || D == KERNEL_RANK {
            MuonState::state_unflatten(prefix, source, device).map(|state| Self::Matrix(Box::new(state)))
        } else {
            AdamWState::state_unflatten(prefix, source, device).map(|state| Self::Rest(Box::new(state)))
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamWConfig, MuonConfig};
    use burn::tensor::{Distribution, Tolerance};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn a_kernel_steps_as_the_matrix_it_is() {
        let device = Cpu::device(0).expect("the CPU is always there");
        let optimizer = MuonOnMatrices::new(MuonConfig::new().build(), AdamWConfig::new().build(), 0.5);
        let random = || Tensor::<4>::random([6, 2, 1, 2], Distribution::Uniform(-1.0, 1.0), &device);
        let (kernel, gradient) = (random(), random());
        let linear = |kernel: &Tensor<4>| kernel.clone().reshape([6, 4]).transpose(); // [in, out]
        let (matrix, _) = optimizer.step(0.1, linear(&kernel), linear(&gradient), None);
        let (stepped, _) = optimizer.step(0.1, kernel.clone(), gradient, None);
        linear(&stepped).into_data().assert_approx_eq::<f32>(&matrix.into_data(), Tolerance::absolute(1e-6));
        let moved: f64 = (stepped - kernel).square().sum().into_scalar();
        // Orthogonal: 4 singular values near 1, and a learning rate times √(6 / 4).
        assert!((0.5..1.3).contains(&(moved / (4.0 * 0.01 * 1.5))), "{moved}");
    }
}
