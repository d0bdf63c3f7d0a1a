//! Cross entropy between logits and classes, with label smoothing (Szegedy et al. 2015, section 7,
//! <https://arxiv.org/abs/1512.00567>), weights of classes and a class that does not count: logits `[N, K]` or `[N, K, H, W]`,
//! targets `[N]` or `[N, H, W]` or, when they are soft, `[N, K]` → mean loss `[1]`.

use burn::tensor::{Int, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::problems::{assert_no_problems, share_problem, weights_problem};

/// Below this the weights of a batch count as none.
const SMALLEST_WEIGHT: f64 = 1e-12;

/// `torch.nn.functional.cross_entropy` with `reduction="mean"`, `weight`, `ignore_index` and `label_smoothing`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossEntropy {
    /// Share s of the probability that is spread over all K classes: the right one aims at 1 - s + s / K, each other at s / K.
    pub label_smoothing: f64,
    /// How much each class counts; empty for 1.
    pub class_weights: Vec<f32>,
    /// A target that does not count, such as 255 for the borders of masks.
    pub ignored: Option<usize>,
}

impl CrossEntropy {
    /// Without label smoothing or weights; every target counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the label smoothing.
    ///
    /// # Panics
    /// Unless it is from 0 to below 1.
    #[must_use]
    pub fn with_label_smoothing(self, label_smoothing: f64) -> Self {
        let changed = Self { label_smoothing, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// Sets how much each class counts. The mean is over the weights of the targets.
    ///
    /// # Panics
    /// Unless all are finite and at least 0.
    #[must_use]
    pub fn with_class_weights(self, class_weights: Vec<f32>) -> Self {
        let changed = Self { class_weights, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// Leaves out the targets of a class, which need not be below K. The loss is 0 where none is left.
    #[must_use]
    pub fn with_ignored(self, class: usize) -> Self {
        Self { ignored: Some(class), ..self }
    }

    /// What is wrong with the numbers, as `field: expected …, got …`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let smoothing = share_problem("label_smoothing", self.label_smoothing);
        smoothing.into_iter().chain(weights_problem("class_weights", &self.class_weights)).collect()
    }

    /// The mean loss; finite for logits of any finite size, because the softmax subtracts the largest first.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N]` → `[1]`
    ///
    /// # Panics
    /// May panic when a target that counts is not below K. If there are weights and not K of them.
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
        let targets: Tensor<2, Int> = targets.unsqueeze_dim(1); // [N, 1]
        let counts = self.ignored.map(|class| targets.clone().not_equal_scalar(class as i64));
        let targets = match &counts {
            Some(counts) => targets.mask_fill(counts.clone().bool_not(), 0),
            None => targets,
        };
        let log_probabilities = activation::log_softmax(logits, 1); // [N, K]
        let weights = self.weights(&log_probabilities); // [1, K]
        let log_probabilities = match &weights {
            Some(weights) => log_probabilities * weights.clone(),
            None => log_probabilities,
        };
        let right = log_probabilities.clone().gather(1, targets.clone()); // [N, 1]
        let each = if self.label_smoothing == 0.0 {
            right
        } else {
            right * (1.0 - self.label_smoothing) + log_probabilities.mean_dim(1) * self.label_smoothing
        };
        let weights = weights.map(|weights| {
            let ([samples, _], [_, classes]) = (targets.dims(), weights.dims());
            weights.expand([samples, classes]).gather(1, targets) // [N, 1]
        });
        let counts = counts.map(|counts| counts.float());
        let total = match (weights, &counts) {
            (None, None) => return each.mean().neg(),
            (Some(weights), None) => weights,
            (None, Some(counts)) => counts.clone(),
            (Some(weights), Some(counts)) => weights * counts.clone(),
        };
        let each = match counts {
            Some(counts) => each * counts,
            None => each,
        };
        (each.sum() / total.sum().clamp_min(SMALLEST_WEIGHT)).neg()
    }

    /// The mean loss over all pixels.
    ///
    /// # Shapes
    /// `logits`: `[N, K, H, W]`, `targets`: `[N, H, W]` → `[1]`
    ///
    /// # Panics
    /// Like [`forward`](Self::forward).
    #[must_use]
    pub fn forward_pixels(&self, logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
        let [_, classes, ..] = logits.dims();
        self.forward(logits.permute([0, 2, 3, 1]).reshape([-1, classes as i64]), targets.flatten(0, 2))
    }

    /// The mean loss where each sample aims at shares of several classes, as a mixture of images does. No target is ignored.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N, K]` → `[1]`
    ///
    /// # Panics
    /// If there are weights and not K of them.
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
        let targets = match self.weights(&log_probabilities) {
            Some(weights) => targets * weights,
            None => targets,
        };
        (log_probabilities * targets).sum_dim(1).mean().neg()
    }

    /// `[1, K]`, none when every class counts the same.
    fn weights(&self, like: &Tensor<2>) -> Option<Tensor<2>> {
        let [_, classes] = like.dims();
        (!self.class_weights.is_empty()).then(|| {
            assert_eq!(self.class_weights.len(), classes, "class weights: expected one a class");
            Tensor::from_data(TensorData::new(self.class_weights.clone(), [1, classes]), &like.device())
        })
    }
}
