//! Focal loss: binary cross entropy in which what is already right counts less, for detectors that see a thousand empty places for
//! each object. Lin, Goyal, Girshick, He, Dollár 2017, <https://arxiv.org/abs/1708.02002>; `torchvision.ops.sigmoid_focal_loss`.
//! Logits and targets of one shape → mean loss `[1]`, or one loss an element.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use super::binary_cross_entropy::yes_and_no;
use super::multi_label_loss::MultiLabelLoss;
use super::problems::{assert_no_problems, exponent_problem};

/// Below this a base is raised to an exponent under 1 as if it were this, so that its gradient is finite.
const SMALLEST_BASE: f64 = 1e-7;

/// Sigmoid focal loss.
///
/// # Example
/// ```
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::Focal;
///
/// let device = Cpu::device(0)?;
/// let (logits, targets) = (Tensor::<2>::from_floats([[0.0]], &device), Tensor::from_floats([[1.0]], &device));
/// let loss = Focal::new().forward(logits, targets).into_scalar::<f32>();
/// assert!((loss - 0.25 * 0.25 * 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Focal {
    /// How much a yes counts, from 0 to 1, where a no counts the rest; none for 1 each.
    pub alpha: Option<f64>,
    /// Exponent of the probability of the wrong answer; 0 for cross entropy.
    pub gamma: f64,
}

impl Default for Focal {
    fn default() -> Self {
        Self::new()
    }
}

impl Focal {
    /// The paper's: α = 0.25, γ = 2.
    #[must_use]
    pub fn new() -> Self {
        Self { alpha: Some(0.25), gamma: 2.0 }
    }

    /// Sets how much a yes counts.
    ///
    /// # Panics
    /// Unless it is none or from 0 to 1.
    #[must_use]
    pub fn with_alpha(self, alpha: Option<f64>) -> Self {
        let changed = Self { alpha, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// Sets the exponent.
    ///
    /// # Panics
    /// Unless it is finite and at least 0.
    #[must_use]
    pub fn with_gamma(self, gamma: f64) -> Self {
        let changed = Self { gamma, ..self };
        assert_no_problems(changed.problems());
        changed
    }

    /// What is wrong with the numbers, as `field: expected …, got …`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let alpha = self.alpha.filter(|alpha| !(0.0..=1.0).contains(alpha));
        let alpha = alpha.map(|alpha| format!("alpha: expected 0 to 1, got {alpha}"));
        alpha.into_iter().chain(exponent_problem("gamma", self.gamma)).collect()
    }

    /// The mean over all elements. Detectors divide the sum by the number of objects instead: see [`each`](Self::each).
    ///
    /// # Shapes
    /// `logits` and `targets`, from 0 to 1, of one shape → `[1]`
    #[must_use]
    pub fn forward<const D: usize>(&self, logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
        self.each(logits, targets).mean()
    }

    /// One loss an element.
    ///
    /// # Shapes
    /// `logits` and `targets`, from 0 to 1, of one shape → the same
    #[must_use]
    pub fn each<const D: usize>(&self, logits: Tensor<D>, targets: Tensor<D>) -> Tensor<D> {
        let probabilities = activation::sigmoid(logits.clone());
        let (yes, no) = yes_and_no(logits);
        let others = targets.clone().neg() + 1.0;
        let wrong = probabilities.clone() * others.clone() + (probabilities.neg() + 1.0) * targets.clone(); // 1 - p_t
        let loss = (yes * targets.clone() + no * others.clone()) * focus(wrong, self.gamma);
        match self.alpha {
            Some(alpha) => loss * (targets * alpha + others * (1.0 - alpha)),
            None => loss,
        }
    }
}

impl MultiLabelLoss for Focal {
    fn loss(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        self.forward(logits, targets)
    }
}

/// `base ^ gamma` for bases from 0, with a finite gradient.
pub(super) fn focus<const D: usize>(base: Tensor<D>, gamma: f64) -> Tensor<D> {
    match gamma {
        0.0 => base.ones_like(),
        1.0 => base,
        2.0 => base.clone() * base,
        gamma if gamma < 1.0 => base.clamp_min(SMALLEST_BASE).powf_scalar(gamma),
        gamma => base.powf_scalar(gamma),
    }
}
