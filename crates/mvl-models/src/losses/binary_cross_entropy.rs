//! Binary cross entropy between logits and yes-or-no targets, each class a question of its own, with label smoothing and weights of
//! the rare answer: logits `[N, K]`, targets `[N, K]` → mean loss `[1]`.

use burn::tensor::{Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::multi_label_loss::MultiLabelLoss;
use super::problems::{assert_no_problems, share_problem, weights_problem};

/// `torch.nn.functional.binary_cross_entropy_with_logits` with `reduction="mean"` and `pos_weight`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BinaryCrossEntropy {
    /// Share s of the target that is spread over both answers: yes aims at 1 - s / 2, no at s / 2.
    pub label_smoothing: f64,
    /// How much a yes counts, one factor a class; empty for 1.
    pub positive_weights: Vec<f32>,
}

impl BinaryCrossEntropy {
    /// Without smoothing or weights.
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

    /// Sets how much a yes counts for each class, such as the number of samples without it for each sample with it.
    ///
    /// # Panics
    /// Unless all are finite and at least 0.
    #[must_use]
    pub fn with_positive_weights(self, positive_weights: Vec<f32>) -> Self {
        let changed = Self { positive_weights, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// What is wrong with the numbers, as `field: expected …, got …`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let smoothing = share_problem("label_smoothing", self.label_smoothing);
        smoothing.into_iter().chain(weights_problem("positive_weights", &self.positive_weights)).collect()
    }

    /// The mean over all classes of all samples; finite for logits of any finite size.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N, K]`, from 0 to 1 → `[1]`
    ///
    /// # Panics
    /// If there are weights and not K of them.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::Tensor;
    /// use mvl_core::{Backend, Cpu};
    /// use mvl_models::losses::BinaryCrossEntropy;
    ///
    /// let device = Cpu::device(0)?;
    /// let (logits, targets) = (Tensor::from_floats([[0.0, 3f32.ln()]], &device), Tensor::from_floats([[0.0, 1.0]], &device));
    /// let loss = BinaryCrossEntropy::new().forward(logits, targets).into_scalar::<f32>();
    /// assert!((loss - (2f32.ln() + (4f32 / 3.0).ln()) / 2.0).abs() < 1e-6);
    /// # Ok::<(), mvl_core::BackendError>(())
    /// ```
    #[must_use]
    pub fn forward(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let [_, classes] = logits.dims();
        let targets = targets * (1.0 - self.label_smoothing) + self.label_smoothing / 2.0;
        let (yes, no) = yes_and_no(logits); // [N, K]
        let yes = yes * targets.clone();
        let yes = if self.positive_weights.is_empty() {
            yes
        } else {
            let weights = TensorData::new(self.positive_weights.clone(), [1, self.positive_weights.len()]);
            assert_eq!(self.positive_weights.len(), classes, "positive weights: expected one a class");
            let weights: Tensor<2> = Tensor::from_data(weights, &yes.device());
            yes * weights
        };
        (yes + no * (targets.neg() + 1.0)).mean()
    }
}

impl MultiLabelLoss for BinaryCrossEntropy {
    fn loss(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        self.forward(logits, targets)
    }
}

/// What a yes and what a no would cost: `-ln σ(x)` and `-ln (1 - σ(x))`.
pub(super) fn yes_and_no<const D: usize>(logits: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
    let yes = activation::softplus(logits.clone().neg(), 1.0);
    let no = logits + yes.clone();
    (yes, no)
}
