//! Asymmetric loss: each class a question of its own, where easy noes count less than easy yeses and the easiest not at all. Ben-Baruch
//! et al. 2020, <https://arxiv.org/abs/2009.14119>; timm's `AsymmetricLossMultiLabel`, whose sum over the batch is here a mean over
//! the samples. Logits `[N, K]`, targets `[N, K]` → loss `[1]`.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use super::focal::focus;
use super::multi_label_loss::MultiLabelLoss;
use super::problems::{assert_no_problems, exponent_problem, share_problem};

/// Probabilities below this count as this much in a logarithm.
const SMALLEST_PROBABILITY: f64 = 1e-8;

/// Asymmetric loss for multi-label classification.
///
/// # Example
/// ```
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::Asymmetric;
///
/// let device = Cpu::device(0)?;
/// // a yes half believed in, and a no that is so sure that it does not count
/// let (logits, targets) = (Tensor::from_floats([[0.0, -4.0]], &device), Tensor::from_floats([[1.0, 0.0]], &device));
/// let loss = Asymmetric::new().forward(logits, targets).into_scalar::<f32>();
/// assert!((loss - 0.5 * 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asymmetric {
    /// Exponent of 1 - p for a yes.
    pub gamma_positive: f64,
    /// Exponent of p for a no.
    pub gamma_negative: f64,
    /// Taken off the probability of a no; what is left below 0 does not count.
    pub clip: f64,
    /// Whether the focusing factors are constants to the gradient, as in the authors' own training.
    pub detach_focus: bool,
}

impl Default for Asymmetric {
    fn default() -> Self {
        Self::new()
    }
}

impl Asymmetric {
    /// The paper's: γ₊ = 1, γ₋ = 4, probabilities shifted by 0.05.
    #[must_use]
    pub fn new() -> Self {
        Self { gamma_positive: 1.0, gamma_negative: 4.0, clip: 0.05, detach_focus: false }
    }

    /// Sets both exponents.
    ///
    /// # Panics
    /// Unless they are finite and at least 0.
    #[must_use]
    pub fn with_gammas(self, gamma_positive: f64, gamma_negative: f64) -> Self {
        let changed = Self { gamma_positive, gamma_negative, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// Sets the shift of the probabilities of noes.
    ///
    /// # Panics
    /// Unless it is from 0 to below 1.
    #[must_use]
    pub fn with_clip(self, clip: f64) -> Self {
        let changed = Self { clip, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// Makes the focusing factors constants to the gradient.
    #[must_use]
    pub fn with_detached_focus(self) -> Self {
        Self { detach_focus: true, ..self }
    }

    /// What is wrong with the numbers, as `field: expected …, got …`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let exponents = [("gamma_positive", self.gamma_positive), ("gamma_negative", self.gamma_negative)];
        let exponents = exponents.into_iter().filter_map(|(field, value)| exponent_problem(field, value));
        exponents.chain(share_problem("clip", self.clip)).collect()
    }

    /// The sum over the classes, its mean over the samples.
    ///
    /// # Shapes
    /// `logits`: `[N, K]`, `targets`: `[N, K]`, from 0 to 1 → `[1]`
    #[must_use]
    pub fn forward(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let yes = activation::sigmoid(logits.clone());
        let no = (activation::sigmoid(logits.neg()) + self.clip).clamp_max(1.0);
        let factor = |wrong: Tensor<2>, gamma| {
            focus(if self.detach_focus { wrong.detach() } else { wrong }, gamma) // [N, K]
        };
        let ln = |probabilities: Tensor<2>| probabilities.clamp_min(SMALLEST_PROBABILITY).log();
        let if_yes = ln(yes.clone()) * factor(yes.neg() + 1.0, self.gamma_positive);
        let if_no = ln(no.clone()) * factor(no.neg() + 1.0, self.gamma_negative);
        (if_yes * targets.clone() + if_no * (targets.neg() + 1.0)).sum_dim(1).mean().neg()
    }
}

impl MultiLabelLoss for Asymmetric {
    fn loss(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        self.forward(logits, targets)
    }
}
