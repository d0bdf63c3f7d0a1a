//! Which samples of a batch are of one class, as losses of embeddings compare them. Labels `[N]` → `[N, N]`.

use burn::tensor::{Bool, Int, Tensor};

/// Pairs of a batch.
pub(super) struct Pairs {
    /// Two samples of one class, `[N, N]`.
    pub(super) positive: Tensor<2, Bool>,
    /// Two samples of different classes, `[N, N]`.
    pub(super) negative: Tensor<2, Bool>,
    /// A sample and itself, which is neither of the two, `[N, N]`.
    pub(super) own: Tensor<2, Bool>,
}

impl Pairs {
    pub(super) fn of(labels: Tensor<1, Int>) -> Self {
        let [count] = labels.dims();
        let own = Tensor::<2, Int>::eye(count, &labels.device()).equal_scalar(1);
        let same = labels.clone().unsqueeze_dim::<2>(1).equal(labels.unsqueeze_dim::<2>(0));
        Self { positive: same.clone().bool_and(own.clone().bool_not()), negative: same.bool_not(), own }
    }
}
