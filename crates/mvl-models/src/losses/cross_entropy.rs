//! Cross entropy between logits and classes, with label smoothing (Szegedy et al. 2015, section 7,
//! <https://arxiv.org/abs/1512.00567>): logits `[N, K]`, targets `[N]` or, when they are soft, `[N, K]` → mean loss `[1]`.
//!
//! Class weights and an ignored index are absent.

use burn::tensor::{Int, Tensor, activation};

/// `torch.nn.functional.cross_entropy` with `reduction="mean"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossEntropy {
    /// Share s of the probability that is spread over all K classes: the right one aims at 1 - s + s / K, each other at s / K.
    pub label_smoothing: f64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl CrossEntropy {
    /// Without label smoothing.
    #[must_use]
    pub fn new() -> Self {
        Self { label_smoothing: 0.0 }
    }

    /// Sets the label smoothing.
    ///
    /// # Panics
    /// Unless it is from 0 to below 1.
    #[must_use]
    pub fn with_label_smoothing(self, label_smoothing: f64) -> Self {
        assert!((0.0..1.0).contains(&label_smoothing), "label smoothing: expected 0 to below 1, got {label_smoothing}");
        Self { label_smoothing }
    }

    /// The mean loss; finite for logits of any finite size, because the softmax subtracts the largest first.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N]` → `[1]`
    ///
    /// # Panics
    /// May panic when a target is not below K.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Int, Tensor};
    /// use mvl_core::{Backend, Cpu};
    /// use mvl_models::losses::CrossEntropy;
    ///
    /// let device = Cpu::device(0)?;
    /// let logits = Tensor::from_floats([[0.0, 0.0]], &device);
    /// let loss = CrossEntropy::new().forward(logits, Tensor::<1, Int>::from_ints([1], &device));
    /// assert!((loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
    /// # Ok::<(), mvl_core::BackendError>(())
    /// ```
    #[must_use]
    pub fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        let log_probabilities = activation::log_softmax(logits, 1); // [N, K]
        let right = log_probabilities.clone().gather(1, targets.unsqueeze_dim(1)).mean(); // [1]
        if self.label_smoothing == 0.0 {
            return right.neg();
        }
        let spread = log_probabilities.mean(); // mean over samples and classes: sum over classes / K, mean over samples
        (right * (1.0 - self.label_smoothing) + spread * self.label_smoothing).neg()
    }

    /// The mean loss where each sample aims at shares of several classes, as a mixture of images does.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N, K]` → `[1]`
    ///
    /// # Example
    /// ```
    /// use burn::tensor::Tensor;
    /// use mvl_core::{Backend, Cpu};
    /// use mvl_models::losses::CrossEntropy;
    ///
    /// let device = Cpu::device(0)?;
    /// let (logits, targets) = ([[3f32.ln(), 0.0]], [[0.75, 0.25]]); // probabilities 3/4 and 1/4
    /// let loss = CrossEntropy::new().forward_soft(Tensor::from_floats(logits, &device), Tensor::from_floats(targets, &device));
    /// let entropy = 4f32.ln() - 0.75 * 3f32.ln();
    /// assert!((loss.into_scalar::<f32>() - entropy).abs() < 1e-6);
    /// # Ok::<(), mvl_core::BackendError>(())
    /// ```
    #[must_use]
    pub fn forward_soft(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let [_, classes] = logits.dims();
        let targets = targets * (1.0 - self.label_smoothing) + self.label_smoothing / classes as f64;
        let log_probabilities = activation::log_softmax(logits, 1); // [N, K]
        (log_probabilities * targets).sum_dim(1).mean().neg()
    }
}
