//! Stochastic depth: in training a residual branch is left out for some of the samples. Huang, Sun, Liu, Sedra, Weinberger 2016,
//! <https://arxiv.org/abs/1603.09382>; called DropPath by timm.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use mvl_core::ModelError;

/// Leaves a branch out for a share of the samples, and enlarges it for the others so that its mean stays.
#[derive(Module, Debug)]
pub struct DropPath {
    dropout: Dropout,
}

impl DropPath {
    /// A branch that is left out for this share of the samples.
    ///
    /// # Panics
    /// Unless the share is from 0 to below 1.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self { dropout: DropoutConfig::new(share).init() }
    }

    /// Shares that grow evenly with depth, from 0 for the first of `blocks` to `last`.
    pub fn growing(last: f64, blocks: usize) -> impl Iterator<Item = Self> {
        Self::shares(last, blocks).map(Self::new)
    }

    /// The shares of [`growing`](Self::growing).
    pub fn shares(last: f64, blocks: usize) -> impl Iterator<Item = f64> {
        (0..blocks).map(move |block| last * block as f64 / (blocks.max(2) - 1) as f64)
    }

    /// Outside of training the branch stays as it is.
    ///
    /// # Shapes
    /// `[N, …]` → `[N, …]`
    #[must_use]
    pub fn forward<const D: usize>(&self, branch: Tensor<D>) -> Tensor<D> {
        let device = branch.device();
        if self.dropout.prob == 0.0 || !device.is_autodiff() || !self.dropout.training.is_enabled() {
            return branch;
        }
        let mut shape = [1; D];
        shape[0] = branch.dims()[0];
        let kept = self.dropout.forward(Tensor::<D>::ones(shape, &device)); // 0 or 1 / (1 - share)
        let kept = kept.cast(branch.dtype()); // drawn in one type, so that samples are the same in all
        branch * kept
    }
}

/// Refuses a share outside 0..1.
pub(crate) fn check_drop_path(owner: &str, share: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    let what = format!("drop_path: expected a number from 0 to below 1, got {share}");
    Err(ModelError::InvalidOptions { owner: owner.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn whole_samples_are_dropped_in_training_alone() {
        let device = Cpu::device(0).expect("a CPU");
        let layer = DropPath::new(0.5);
        let ones = Tensor::<2>::ones([64, 3], &device);
        assert_eq!(layer.forward(ones.clone()).sum().into_scalar::<f32>(), 192.0);
        let device = device.autodiff();
        device.seed(0);
        let rows = layer.forward(Tensor::<2>::ones([64, 3], &device)).into_data().try_to_vec::<f32>().expect("floats");
        let kept = rows.chunks_exact(3).filter(|row| row == &[2.0; 3]).count();
        let dropped = rows.chunks_exact(3).filter(|row| row == &[0.0; 3]).count();
        assert!(kept + dropped == 64 && kept > 16 && dropped > 16, "{kept} kept, {dropped} dropped");
    }
}
