//! Lovász losses: intersection over union itself, made convex, so that training minimises what segmentation is judged by. Berman,
//! Rannen Triki, Blaschko 2018, <https://arxiv.org/abs/1705.08790>, over all pixels of the batch at once and the classes that some
//! pixel shows. Logits `[N, K, H, W]`, targets `[N, H, W]` → loss `[1]`.

use burn::tensor::{Int, Tensor, activation};

use super::pixels::{Pixels, rows};

/// Lovász-softmax and Lovász-hinge.
///
/// # Example
/// ```
/// use burn::tensor::{Int, Tensor};
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::Lovasz;
///
/// let device = Cpu::device(0)?;
/// let logits = Tensor::zeros([1, 2, 1, 2], &device); // both classes equally probable in both pixels
/// let targets = Tensor::<3, Int>::from_ints([[[0, 1]]], &device);
/// let loss = Lovasz::new().forward(logits, targets).into_scalar::<f32>();
/// assert!((loss - 0.5).abs() < 1e-6);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lovasz {
    /// A class whose pixels do not count, such as 255 for borders.
    pub ignored: Option<usize>,
}

impl Lovasz {
    /// Over all pixels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out the pixels of a class.
    #[must_use]
    pub fn with_ignored(self, class: usize) -> Self {
        Self { ignored: Some(class) }
    }

    /// Lovász-softmax: one class a pixel. 0 where no pixel counts.
    ///
    /// # Shapes
    /// `logits`: `[N, K, H, W]`, `targets`: `[N, H, W]` → `[1]`
    #[must_use]
    pub fn forward(&self, logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
        let pixels = Pixels::of_classes(logits, targets, self.ignored);
        let present = pixels.present(); // [K, 1]
        // an ignored pixel is 0 in both, so its error is 0 and comes last
        let errors = (pixels.truth.clone() - pixels.answers).abs(); // [K, P]
        let losses = extension(errors, pixels.truth); // [K, 1]
        (losses * present.clone()).sum() / present.sum().clamp_min(1.0)
    }

    /// Lovász-hinge: each class a question of its own, the mean over all of them; no class is ignored.
    ///
    /// # Shapes
    /// `logits`: `[N, K, H, W]`, `targets`: `[N, K, H, W]`, 0 or 1 → `[1]`
    #[must_use]
    pub fn forward_multi_label(&self, logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
        let (logits, truth) = (rows(logits), rows(targets)); // [K, P]
        let errors = (logits * (truth.clone() * 2.0 - 1.0)).neg() + 1.0;
        extension(errors, truth).mean()
    }
}

/// The Lovász extension of the Jaccard loss at errors, of which negative ones count as 0: the errors, largest first, each times what
/// its pixel adds to the Jaccard loss of those before. `[K, P]` → `[K, 1]`
fn extension(errors: Tensor<2>, truth: Tensor<2>) -> Tensor<2> {
    let order = errors.clone().detach().argsort_descending(1); // [K, P]
    let (errors, truth) = (errors.gather(1, order.clone()), truth.gather(1, order));
    let [classes, pixels] = truth.dims();
    let total = truth.clone().sum_dim(1); // [K, 1]
    let found = truth.clone().cumsum(1); // [K, P]
    let claimed = (truth.neg() + 1.0).cumsum(1);
    let union = (total.clone() + claimed).clamp_min(1.0);
    let jaccard = ((total - found) / union).neg() + 1.0;
    let before = Tensor::cat(
        vec![Tensor::zeros([classes, 1], &jaccard.device()), jaccard.clone().slice([0..classes, 0..pixels - 1])],
        1,
    );
    (activation::relu(errors) * (jaccard - before).detach()).sum_dim(1)
}
