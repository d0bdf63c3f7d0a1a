//! Distribution focal loss: a length is answered with a distribution over whole numbers, whose two neighbours of the true length are
//! to carry it. Li et al. 2020, <https://arxiv.org/abs/2006.04388>, equation 6. Logits `[N, bins]`, lengths `[N]` → mean loss `[1]`.

use burn::tensor::{Int, Tensor, activation};

/// The mean over the lengths of `-((⌈y⌉ - y) ln p(⌊y⌋) + (y - ⌊y⌋) ln p(⌈y⌉))`.
///
/// # Shapes
/// `logits`: `[N, bins]`, `lengths`: `[N]`, in bins, from 0 to bins - 1; beyond, the nearest of these → `[1]`
///
/// # Panics
/// If there are fewer than two bins.
///
/// # Example
/// ```
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::distribution_focal;
///
/// let device = Cpu::device(0)?;
/// let loss = distribution_focal(Tensor::zeros([1, 4], &device), Tensor::from_floats([1.25], &device));
/// assert!((loss.into_scalar::<f32>() - 4f32.ln()).abs() < 1e-6);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[must_use]
pub fn distribution_focal(logits: Tensor<2>, lengths: Tensor<1>) -> Tensor<1> {
    let [_, bins] = logits.dims();
    assert!(bins >= 2, "distribution focal loss: expected at least two bins, got {bins}");
    let lengths = lengths.clamp(0.0, (bins - 1) as f64).unsqueeze_dim::<2>(1); // [N, 1]
    let lower: Tensor<2, Int> = lengths.clone().int().clamp_max(bins as i64 - 2);
    let share = lengths - lower.clone().float(); // of the upper neighbour
    let log_probabilities = activation::log_softmax(logits, 1);
    let at_lower = log_probabilities.clone().gather(1, lower.clone());
    let at_upper = log_probabilities.gather(1, lower + 1);
    (at_lower * (share.clone().neg() + 1.0) + at_upper * share).mean().neg()
}
