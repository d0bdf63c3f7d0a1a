//! ArcFace: the classes' side of an embedding. Every class is a direction; a sample's own class must be nearer than all others by
//! an angular margin. Deng, Guo, Yang, Xue, Kotsia, Zafeiriou 2018, <https://arxiv.org/abs/1801.07698>.
//! Embeddings `[N, D]`, labels `[N]` → logits `[N, K]` for cross entropy.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Int, Tensor};
use mvl_core::full_precision;

use crate::layers::unit_length;

/// 1 - cos² is at least this, so that the sine has a finite gradient at the poles.
const SMALLEST_SQUARE: f64 = 1e-9;

/// Configuration of an [`ArcFace`].
#[derive(Config, Debug)]
pub struct ArcFaceConfig {
    /// Numbers in an embedding.
    pub dim: usize,
    /// Classes.
    pub classes: usize,
    /// Factor on all cosines.
    #[config(default = 64.0)]
    pub scale: f64,
    /// Added to the angle of a sample's own class, in radians.
    #[config(default = 0.5)]
    pub margin: f64,
}

/// A direction for every class. It trains with the network and is not needed afterwards.
///
/// # Example
/// ```
/// use burn::tensor::{Distribution, Int, Tensor};
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::{ArcFaceConfig, CrossEntropy};
///
/// let device = Cpu::device(0)?;
/// let arc_face = ArcFaceConfig::new(8, 3).init(&device);
/// let embeddings = Tensor::random([2, 8], Distribution::Normal(0.0, 1.0), &device);
/// let labels = Tensor::<1, Int>::from_ints([0, 2], &device);
/// let loss = CrossEntropy::new().forward(arc_face.forward(embeddings, labels.clone()), labels);
/// assert_eq!(loss.dims(), [1]);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Module, Debug)]
pub struct ArcFace {
    /// The classes' directions, of any length, `[K, D]`.
    pub weight: Param<Tensor<2>>,
    scale: f64,
    margin: f64,
}

impl ArcFaceConfig {
    /// Creates the module; directions are uniform (Xavier).
    ///
    /// # Panics
    /// Unless the margin is from 0 to π and the scale above 0.
    pub fn init(&self, device: &Device) -> ArcFace {
        assert!((0.0..=std::f64::consts::PI).contains(&self.margin), "margin: expected 0 to π, got {}", self.margin);
        assert!(self.scale > 0.0, "scale: expected a number above 0, got {}", self.scale);
        let xavier = Initializer::XavierUniform { gain: 1.0 };
        let shape = [self.classes, self.dim];
        let weight = xavier.init_with(shape, Some(self.dim), Some(self.classes), device);
        ArcFace { weight, scale: self.scale, margin: self.margin }
    }
}

impl ArcFace {
    /// Cosines between samples and classes, which tell the class of a sample; in `f32` at least.
    ///
    /// # Shapes
    /// `[N, D]` → `[N, K]`
    #[must_use]
    pub fn cosines(&self, embeddings: Tensor<2>) -> Tensor<2> {
        let [embeddings, directions] = [embeddings, self.weight.val()].map(full_precision);
        unit_length(embeddings).matmul(unit_length(directions).transpose())
    }

    /// Logits with the margin on each sample's own class: `cos(θ + m)`, and beyond `θ = π - m`, where that would rise again,
    /// `cos θ - m sin m`, as the authors' implementation does.
    ///
    /// # Shapes
    /// `embeddings`: `[N, D]`, `labels`: `[N]` → `[N, K]`
    #[must_use]
    pub fn forward(&self, embeddings: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<2> {
        let cosines = self.cosines(embeddings);
        let [_, classes] = cosines.dims();
        let own: Tensor<2> = cosines.clone().gather(1, labels.clone().unsqueeze_dim(1)); // [N, 1]
        let sines = (own.clone() * own.clone()).neg().add_scalar(1.0).clamp_min(SMALLEST_SQUARE).sqrt();
        let moved = own.clone() * self.margin.cos() - sines * self.margin.sin();
        let beyond = own.clone().lower_equal_scalar(-self.margin.cos()); // θ ≥ π - m
        let moved = moved.mask_where(beyond, own.clone() - self.margin * self.margin.sin());
        let every = Tensor::<1, Int>::arange(0..classes as i64, &cosines.device()).unsqueeze::<2>(); // [1, K]
        let is_own = labels.unsqueeze_dim::<2>(1).equal(every).float(); // [N, K]
        (cosines + (moved - own) * is_own) * self.scale
    }
}
