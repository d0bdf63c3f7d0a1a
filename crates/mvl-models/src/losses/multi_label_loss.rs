//! What a multi-label task can minimise.

use std::fmt::Debug;

use burn::tensor::Tensor;

/// A loss between yes-or-no questions and their answers: [`BinaryCrossEntropy`](super::BinaryCrossEntropy),
/// [`Focal`](super::Focal), [`Asymmetric`](super::Asymmetric), or your own.
pub trait MultiLabelLoss: Debug + Send + Sync {
    /// The mean over the samples.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N, K]`, from 0 to 1 → `[1]`
    fn loss(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1>;
}
