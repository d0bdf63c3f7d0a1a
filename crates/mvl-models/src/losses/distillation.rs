//! Distillation: a student learns what a teacher answers. Hinton, Vinyals, Dean 2015, <https://arxiv.org/abs/1503.02531>; hard, as
//! Touvron et al. 2020, <https://arxiv.org/abs/2012.12877>, equation 3. Logits `[N, K]` of both → mean loss `[1]`.

use burn::tensor::{Tensor, activation};

use super::CrossEntropy;

/// What a student loses against a teacher. The teacher gets no gradient.
///
/// # Example
/// ```
/// use burn::tensor::{Int, Tensor};
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::{CrossEntropy, Distillation};
///
/// let device = Cpu::device(0)?;
/// let (student, teacher) = (Tensor::from_floats([[0.0, 0.0]], &device), Tensor::from_floats([[0.0, 3f32.ln()]], &device));
/// let labels = Tensor::<1, Int>::from_ints([1], &device);
/// let taught = Distillation::new().with_temperature(1.0).forward(student.clone(), teacher);
/// let loss = CrossEntropy::new().forward(student, labels) * 0.5 + taught.clone() * 0.5;
/// assert!((taught.into_scalar::<f32>() - (0.25 * 0.5f32.ln() + 0.75 * 1.5f32.ln())).abs() < 1e-6);
/// # assert_eq!(loss.dims(), [1]);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distillation {
    /// Both logits are divided by this; the loss is multiplied by its square, so that gradients keep their size.
    pub temperature: f64,
}

impl Default for Distillation {
    fn default() -> Self {
        Self::new()
    }
}

impl Distillation {
    /// With a temperature of 4.
    #[must_use]
    pub fn new() -> Self {
        Self { temperature: 4.0 }
    }

    /// Sets the temperature.
    ///
    /// # Panics
    /// Unless it is finite and above 0.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        assert!(temperature.is_finite() && temperature > 0.0, "temperature: expected above 0, got {temperature}");
        Self { temperature }
    }

    /// Kullback-Leibler divergence of the student's probabilities from the teacher's, both softened.
    ///
    /// # Shapes
    /// `student`: `[N, K]`, `teacher`: `[N, K]` → `[1]`
    #[must_use]
    pub fn forward(&self, student: Tensor<2>, teacher: Tensor<2>) -> Tensor<1> {
        let student = activation::log_softmax(student / self.temperature, 1);
        let teacher = activation::log_softmax(teacher.detach() / self.temperature, 1);
        let divergence = (teacher.clone().exp() * (teacher - student)).sum_dim(1).mean();
        divergence * (self.temperature * self.temperature)
    }

    /// Cross entropy with the teacher's first choice as the label; the temperature plays no part.
    ///
    /// # Shapes
    /// `student`: `[N, K]`, `teacher`: `[N, K]` → `[1]`
    #[must_use]
    pub fn forward_hard(&self, student: Tensor<2>, teacher: Tensor<2>) -> Tensor<1> {
        CrossEntropy::new().forward(student, teacher.detach().argmax(1).squeeze_dim(1))
    }
}
