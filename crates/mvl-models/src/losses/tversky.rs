//! Overlap of what is said and what is true, class by class: Dice (Milletari, Navab, Ahmadi 2016, <https://arxiv.org/abs/1606.04797>),
//! Jaccard, and what they are cases of, Tversky (Salehi, Erdogmus, Gholipour 2017, <https://arxiv.org/abs/1706.05721>) and its focal
//! form (Abraham, Khan 2018, <https://arxiv.org/abs/1810.07842>). As `segmentation_models_pytorch` has them: over all pixels of the
//! batch at once; classes that no pixel shows cost nothing. Logits `[N, K, H, W]`, targets `[N, H, W]` → loss `[1]`.

use burn::tensor::{Int, Tensor};

use super::focal::focus;
use super::pixels::Pixels;

/// Unions are at least this.
const SMALLEST_UNION: f64 = 1e-7;

/// Share of a region that is missed or wrongly claimed.
///
/// # Example
/// ```
/// use burn::tensor::{Int, Tensor};
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::Tversky;
///
/// let device = Cpu::device(0)?;
/// let logits = Tensor::zeros([1, 2, 1, 2], &device); // both classes equally probable in both pixels
/// let targets = Tensor::<3, Int>::from_ints([[[0, 1]]], &device);
/// let loss = Tversky::dice().forward(logits, targets).into_scalar::<f32>();
/// assert!((loss - 0.5).abs() < 1e-6); // 1 - 2 · 0.5 / (1 + 1)
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tversky {
    /// How much a wrongly claimed pixel counts.
    pub alpha: f64,
    /// How much a missed pixel counts.
    pub beta: f64,
    /// Exponent of the loss; 1 for the plain one.
    pub gamma: f64,
    /// Added to the intersection and to the union, in pixels.
    pub smooth: f64,
    /// A class whose pixels do not count, such as 255 for borders.
    pub ignored: Option<usize>,
}

impl Tversky {
    /// Dice: both mistakes count half.
    #[must_use]
    pub fn dice() -> Self {
        Self::new(0.5, 0.5)
    }

    /// Jaccard, intersection over union: both mistakes count whole.
    #[must_use]
    pub fn jaccard() -> Self {
        Self::new(1.0, 1.0)
    }

    /// With weights of wrongly claimed (α) and missed pixels (β).
    ///
    /// # Panics
    /// Unless both are finite and at least 0.
    #[must_use]
    pub fn new(alpha: f64, beta: f64) -> Self {
        for weight in [alpha, beta] {
            assert!(weight.is_finite() && weight >= 0.0, "weight of a mistake: expected a number from 0, got {weight}");
        }
        Self { alpha, beta, gamma: 1.0, smooth: 0.0, ignored: None }
    }

    /// Sets the exponent of the loss.
    ///
    /// # Panics
    /// Unless it is finite and above 0.
    #[must_use]
    pub fn with_gamma(self, gamma: f64) -> Self {
        assert!(gamma.is_finite() && gamma > 0.0, "gamma: expected a number above 0, got {gamma}");
        Self { gamma, ..self }
    }

    /// Sets what is added to the intersection and to the union, so that small regions pull less.
    ///
    /// # Panics
    /// Unless it is finite and at least 0.
    #[must_use]
    pub fn with_smooth(self, smooth: f64) -> Self {
        assert!(smooth.is_finite() && smooth >= 0.0, "smooth: expected a number from 0, got {smooth}");
        Self { smooth, ..self }
    }

    /// Leaves out the pixels of a class.
    #[must_use]
    pub fn with_ignored(self, class: usize) -> Self {
        Self { ignored: Some(class), ..self }
    }

    /// One class a pixel.
    ///
    /// # Shapes
    /// `logits`: `[N, K, H, W]`, `targets`: `[N, H, W]` → `[1]`
    #[must_use]
    pub fn forward(&self, logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
        self.of(Pixels::of_classes(logits, targets, self.ignored))
    }

    /// Each class a question of its own; no class is ignored.
    ///
    /// # Shapes
    /// `logits`: `[N, K, H, W]`, `targets`: `[N, K, H, W]`, 0 or 1 → `[1]`
    #[must_use]
    pub fn forward_multi_label(&self, logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
        self.of(Pixels::of_questions(logits, targets))
    }

    fn of(&self, pixels: Pixels) -> Tensor<1> {
        let present = pixels.present(); // [K, 1]
        let Pixels { answers, truth } = pixels;
        let right = (answers.clone() * truth.clone()).sum_dim(1); // [K, 1]
        let claimed = answers.sum_dim(1) - right.clone();
        let missed = truth.sum_dim(1) - right.clone();
        let union = right.clone() + claimed * self.alpha + missed * self.beta + self.smooth;
        let overlap = (right + self.smooth) / union.clamp_min(SMALLEST_UNION);
        focus(((overlap.neg() + 1.0) * present).mean(), self.gamma)
    }
}
