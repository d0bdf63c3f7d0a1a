//! Supervised contrastive loss: what shows the same class comes together, everything else goes apart. Khosla et al. 2020,
//! <https://arxiv.org/abs/2004.11362>, equation 2. Embeddings `[N, D]`, labels `[N]` → mean loss `[1]`.

use burn::tensor::{Int, Tensor, activation};

use super::pairs::Pairs;
use crate::layers::unit_length;

/// Similarity of what is left out, before the softmax; finite also in half precision.
const NEVER: f64 = -3e4;

/// The authors' loss. Several views of a picture are rows of their own with one label; with a label of its own for each picture it
/// is SimCLR's (Chen et al. 2020, <https://arxiv.org/abs/2002.05709>).
///
/// # Example
/// ```
/// use burn::tensor::{Int, Tensor};
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::SupervisedContrastive;
///
/// let device = Cpu::device(0)?;
/// let embeddings = Tensor::from_floats([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], &device);
/// let labels = Tensor::<1, Int>::from_ints([0, 0, 1], &device);
/// let loss = SupervisedContrastive::new().with_temperature(1.0).forward(embeddings, labels).into_scalar::<f32>();
/// assert!((loss - 2.0 / 3.0 * (1.0 + (-1f32).exp()).ln() / 0.07).abs() < 1e-4); // two of three have a partner
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupervisedContrastive {
    /// Cosines are divided by this.
    pub temperature: f64,
    /// The loss is scaled by `temperature / base_temperature`, so that gradients are of one size whatever the temperature.
    pub base_temperature: f64,
}

impl Default for SupervisedContrastive {
    fn default() -> Self {
        Self::new()
    }
}

impl SupervisedContrastive {
    /// The authors': both temperatures 0.07.
    #[must_use]
    pub fn new() -> Self {
        Self { temperature: 0.07, base_temperature: 0.07 }
    }

    /// Sets the temperature.
    ///
    /// # Panics
    /// Unless it is finite and above 0.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        assert!(temperature.is_finite() && temperature > 0.0, "temperature: expected above 0, got {temperature}");
        Self { temperature, ..self }
    }

    /// The mean over the samples; those without a partner count as 0. Rows are brought to length 1 first.
    ///
    /// # Shapes
    /// `embeddings`: `[N, D]`, `labels`: `[N]` → `[1]`
    #[must_use]
    pub fn forward(&self, embeddings: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        let pairs = Pairs::of(labels);
        let embeddings = unit_length(embeddings);
        let similarities = embeddings.clone().matmul(embeddings.transpose()) / self.temperature; // [N, N]
        let log_shares = activation::log_softmax(similarities.mask_fill(pairs.own, NEVER), 1);
        let positive = pairs.positive.float();
        let partners = positive.clone().sum_dim(1).clamp_min(1.0); // [N, 1]
        let each = (log_shares * positive).sum_dim(1) / partners;
        each.mean().neg() * (self.temperature / self.base_temperature)
    }
}
