//! Triplet loss: a sample is nearer to its own class than to any other, by a margin. Schroff, Kalenichenko, Philbin 2015,
//! <https://arxiv.org/abs/1503.03832>; mining as in Hermans, Beyer, Leibe 2017, <https://arxiv.org/abs/1703.07737>.
//! Embeddings `[N, D]`, labels `[N]` → mean loss `[1]`.

use burn::tensor::{Bool, Int, Tensor, activation};

use super::pairs::Pairs;

/// Squared distances are at least this, so that two equal samples have a gradient.
const SMALLEST_SQUARE: f64 = 1e-12;
/// Farther than any distance; finite also in half precision.
const FAR: f64 = 3e4;

/// Which triplets of a batch are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mining {
    /// For each sample the farthest of its own class and the nearest of another.
    Hard,
    /// For each pair of one class the nearest of another that is farther than the pair, or the farthest there is.
    SemiHard,
    /// All; the mean is over those that are not satisfied yet.
    All,
}

/// Triplet loss over the mined triplets of a batch, between Euclidean distances.
///
/// # Example
/// ```
/// use burn::tensor::{Int, Tensor};
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::{Mining, Triplet};
///
/// let device = Cpu::device(0)?;
/// let embeddings = Tensor::from_floats([[0.0], [1.0], [1.5]], &device);
/// let labels = Tensor::<1, Int>::from_ints([0, 0, 1], &device);
/// let loss = Triplet::new(Mining::Hard).with_margin(0.2).forward(embeddings, labels).into_scalar::<f32>();
/// assert!((loss - 0.7 / 2.0).abs() < 1e-5); // the second is 0.5 nearer to the third than to the first; the first is fine
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Triplet {
    /// Which triplets are compared.
    pub mining: Mining,
    /// How much nearer; none for a soft margin, `ln(1 + exp(x))` in place of `max(0, x + margin)`.
    pub margin: Option<f64>,
}

impl Triplet {
    /// With a margin of 0.2.
    #[must_use]
    pub fn new(mining: Mining) -> Self {
        Self { mining, margin: Some(0.2) }
    }

    /// Sets the margin.
    ///
    /// # Panics
    /// Unless it is finite and at least 0.
    #[must_use]
    pub fn with_margin(self, margin: f64) -> Self {
        assert!(margin.is_finite() && margin >= 0.0, "margin: expected a number from 0, got {margin}");
        Self { margin: Some(margin), ..self }
    }

    /// Makes the margin soft: what is right goes on to improve.
    #[must_use]
    pub fn with_soft_margin(self) -> Self {
        Self { margin: None, ..self }
    }

    /// The mean over the mined triplets; 0 when there is none, as in a batch of one class.
    ///
    /// # Shapes
    /// `embeddings`: `[N, D]`, `labels`: `[N]` → `[1]`
    #[must_use]
    pub fn forward(&self, embeddings: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        let pairs = Pairs::of(labels);
        let distances = distances(embeddings); // [N, N]
        match self.mining {
            Mining::Hard => self.hard(distances, pairs),
            Mining::SemiHard => self.semi_hard(distances, pairs),
            Mining::All => self.all(distances, pairs),
        }
    }

    fn hard(&self, distances: Tensor<2>, pairs: Pairs) -> Tensor<1> {
        let complete = any(pairs.positive.clone()) * any(pairs.negative.clone()); // [N, 1]
        let farthest = distances.clone().mask_fill(pairs.positive.bool_not(), -FAR).max_dim(1);
        let nearest = distances.mask_fill(pairs.negative.bool_not(), FAR).min_dim(1);
        let nearest = nearest.mask_fill(complete.clone().equal_scalar(0.0), FAR);
        mean(self.each(farthest - nearest) * complete.clone(), complete)
    }

    fn semi_hard(&self, distances: Tensor<2>, pairs: Pairs) -> Tensor<1> {
        let complete = pairs.positive.float() * any(pairs.negative.clone()); // [N, N]
        let near = distances.clone().unsqueeze_dim::<3>(2); // [N, N, 1], sample and partner
        let far = distances.clone().unsqueeze_dim::<3>(1); // [N, 1, N], sample and stranger
        let strangers: Tensor<3, Bool> = pairs.negative.clone().unsqueeze_dim(1);
        let farther = far.clone().greater(near).bool_and(strangers); // [N, N, N]
        let next: Tensor<2> = far.mask_fill(farther.clone().bool_not(), FAR).min_dim(2).squeeze_dim(2);
        let farthest = distances.clone().mask_fill(pairs.negative.bool_not(), -FAR).max_dim(1); // [N, 1]
        let found: Tensor<2, Bool> = farther.any_dim(2).squeeze_dim(2); // [N, N]
        let [count, _] = next.dims();
        let negative = farthest.expand([count, count]).mask_where(found, next);
        let negative = negative.mask_fill(complete.clone().equal_scalar(0.0), FAR);
        mean(self.each(distances - negative) * complete.clone(), complete)
    }

    fn all(&self, distances: Tensor<2>, pairs: Pairs) -> Tensor<1> {
        let near = distances.clone().unsqueeze_dim::<3>(2); // [N, N, 1]
        let far = distances.unsqueeze_dim::<3>(1); // [N, 1, N]
        let known = pairs.positive.float().unsqueeze_dim::<3>(2) * pairs.negative.float().unsqueeze_dim::<3>(1);
        let each = self.each(near - far) * known.clone(); // [N, N, N]
        let counted = match self.margin {
            Some(_) => each.clone().detach().greater_scalar(0.0).float(),
            None => known,
        };
        mean(each, counted)
    }

    /// What a difference of distances costs.
    fn each<const D: usize>(&self, differences: Tensor<D>) -> Tensor<D> {
        match self.margin {
            Some(margin) => activation::relu(differences + margin),
            None => activation::softplus(differences, 1.0),
        }
    }
}

/// Euclidean distances between all rows, `[N, D]` → `[N, N]`.
fn distances(rows: Tensor<2>) -> Tensor<2> {
    let squares = (rows.clone() * rows.clone()).sum_dim(1); // [N, 1]
    let products = rows.clone().matmul(rows.transpose());
    (squares.clone() + squares.transpose() - products * 2.0).clamp_min(SMALLEST_SQUARE).sqrt()
}

/// 1 for rows in which something is true and 0 for others, `[N, M]` → `[N, 1]`.
fn any(mask: Tensor<2, Bool>) -> Tensor<2> {
    mask.any_dim(1).float()
}

/// The mean over what counts; 0 when nothing does.
fn mean<const D: usize>(each: Tensor<D>, counted: Tensor<D>) -> Tensor<1> {
    each.sum() / counted.sum().clamp_min(1.0)
}
