//! Distillation: a classifier learns to answer as another one does, and what the labels say. Hinton, Vinyals, Dean 2015,
//! <https://arxiv.org/abs/1503.02531>. Logits `[N, K]`; the loss is `alpha` times the divergence from the softened teacher, the rest
//! cross entropy.
//!
//! What is saved is a plain classifier: predicting needs no teacher. The teacher sees each training picture as the student does, after
//! augmentation.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use mvl_core::{
    BoxedTask, Classification, Classifier, ClassifierSpec, ImageBatch, Labels, Loss, Metric, ModelError, Monitor,
    Options, PredictedSample, Registry, Task, TaskFactory, full_precision,
};
use serde::Deserialize;
use serde_json::Value;

use super::ClassificationTask;
use super::factories::check;
use crate::losses::{CrossEntropy, Distillation};
use crate::{load_classifier, saved_model_in};

const NAME: &str = "distillation";
const STUDENT_TASK: &str = "classification";
const DEFAULT_ALPHA: f64 = 0.5;

/// Trains a student to answer as its teacher; all but the loss is [`ClassificationTask`]'s.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Channels, ClassifierSpec, Cpu, ImageBatch, Labels, ModelConfig, Preprocess, Task};
/// use mvl_models::losses::Distillation;
/// use mvl_models::{ClassificationTask, DistillationTask, zoo};
///
/// let device = Cpu::device(0)?;
/// let config = ModelConfig::new("resnet8", 2).with_in_channels(1).with_option("width", 0.25);
/// let teacher = zoo().create_classifier(&config, &device)?;
/// let spec = ClassifierSpec::new(
///     config,
///     Labels::new(["cat", "dog"]),
///     Preprocess::exact(8, 8, Channels::Gray, &[0.5], &[0.25]),
/// );
/// let task = DistillationTask::new(ClassificationTask::new(spec), teacher.clone(), Distillation::new(), 1.0);
/// let batch = ImageBatch::unlabelled(burn::tensor::Tensor::ones([2, 1, 8, 8], &device));
/// let same = task.loss(&task.forward(&teacher, &batch), &batch);
/// assert!(same.total.into_scalar::<f32>().abs() < 1e-6); // it answers as itself
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DistillationTask {
    student: ClassificationTask,
    /// One batch at a time: modules cannot be shared between threads.
    teacher: Mutex<Classifier>,
    loss: Distillation,
    alpha: f64,
}

impl DistillationTask {
    /// The task of a student with a teacher that is without autodiff, on the same device, and has the same classes and input. `alpha` is
    /// the teacher's share of the loss.
    ///
    /// # Panics
    /// Unless `alpha` is from 0 to 1.
    #[must_use]
    pub fn new(student: ClassificationTask, teacher: Classifier, loss: Distillation, alpha: f64) -> Self {
        assert!((0.0..=1.0).contains(&alpha), "alpha: expected 0 to 1, got {alpha}");
        Self { student, teacher: Mutex::new(teacher), loss, alpha }
    }

    /// What the teacher answers, as constants beside the student's logits.
    fn teacher_logits(&self, student: &Tensor<2>, batch: &ImageBatch) -> Tensor<2> {
        let teacher = self.teacher.lock().unwrap_or_else(PoisonError::into_inner);
        let logits = full_precision(teacher.forward(batch.images.clone().inner()));
        match student.device().gradient_checkpointing_strategy() {
            Some(strategy) => Tensor::from_inner(logits).with_gradient_checkpointing_strategy(strategy),
            None => logits,
        }
    }
}

impl Task for DistillationTask {
    type Model = Classifier;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = Option<usize>;

    fn name(&self) -> &str {
        NAME
    }

    /// A plain classifier's, which needs no teacher.
    fn describe(&self) -> Value {
        self.student.describe()
    }

    fn batch_len(&self, batch: &ImageBatch) -> usize {
        batch.len()
    }

    fn forward(&self, model: &Classifier, batch: &ImageBatch) -> Tensor<2> {
        self.student.forward(model, batch)
    }

    /// Parts: `teacher` and `labels`, before they are weighed. Pictures without a class count for the teacher alone.
    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss {
        let teacher = self.loss.forward(output.clone(), self.teacher_logits(output, batch));
        let labels = self.student.loss(output, batch).total;
        let total = teacher.clone() * self.alpha + labels.clone() * (1.0 - self.alpha);
        Loss { total, parts: vec![("teacher", teacher), ("labels", labels)] }
    }

    fn decode(&self, output: Tensor<2>) -> Vec<Classification> {
        self.student.decode(output)
    }

    fn truths(&self, batch: &ImageBatch) -> Vec<Option<usize>> {
        self.student.truths(batch)
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, Option<usize>>>> {
        self.student.metrics()
    }

    fn monitor(&self) -> Monitor {
        self.student.monitor()
    }

    fn predicted_samples(
        &self,
        batch: &ImageBatch,
        predictions: &[Classification],
        most: usize,
    ) -> Vec<PredictedSample> {
        self.student.predicted_samples(batch, predictions, most)
    }
}

impl fmt::Debug for DistillationTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DistillationTask")
            .field("student", &self.student)
            .field("loss", &self.loss)
            .field("alpha", &self.alpha)
            .finish_non_exhaustive()
    }
}

/// Creates [`DistillationTask`]s under the name `distillation`. Options: `teacher`, the folder of a run or of a saved model of one class
/// an image; `temperature` (4); `alpha` (0.5); `label_smoothing` (0).
#[derive(Debug, Clone, Copy)]
pub struct DistillationTaskFactory;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DistillationOptions {
    teacher: PathBuf,
    #[serde(default = "default_temperature")]
    temperature: f64,
    #[serde(default = "default_alpha")]
    alpha: f64,
    #[serde(default)]
    label_smoothing: f64,
}

fn default_temperature() -> f64 {
    Distillation::new().temperature
}

fn default_alpha() -> f64 {
    DEFAULT_ALPHA
}

impl DistillationTaskFactory {
    fn options(&self, options: &Options) -> Result<(DistillationOptions, CrossEntropy), ModelError> {
        let read: DistillationOptions = options.read(NAME)?;
        let DistillationOptions { temperature, alpha, label_smoothing, .. } = read;
        let labels = CrossEntropy { label_smoothing, ..CrossEntropy::new() };
        let mut problems = labels.problems();
        if !(temperature.is_finite() && temperature > 0.0) {
            problems.push(format!("temperature: expected above 0, got {temperature}"));
        }
        if !(0.0..=1.0).contains(&alpha) {
            problems.push(format!("alpha: expected 0 to 1, got {alpha}"));
        }
        check(NAME, problems)?;
        Ok((read, labels))
    }
}

impl TaskFactory for DistillationTaskFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn check_options(&self, options: &Options) -> Result<(), ModelError> {
        self.options(options).map(drop)
    }

    fn create_task(
        &self,
        spec: &ClassifierSpec,
        registry: &Registry,
        device: &Device,
    ) -> Result<BoxedTask, ModelError> {
        let (options, labels) = self.options(&spec.task_options)?;
        // Without a saved model the folder itself, so that the error names it.
        let fetched = options.teacher.to_str().map(|address| registry.fetch(address)).transpose()?.flatten();
        let teacher = fetched.as_ref().unwrap_or(&options.teacher);
        let folder = saved_model_in(teacher).unwrap_or_else(|| teacher.clone());
        let (teacher, taught) = load_classifier(&folder, registry, device)?;
        check(NAME, differences(spec, &taught, &options.teacher))?;
        let student = ClassificationTask::new(spec.clone().with_task(STUDENT_TASK, Options::default()));
        let loss = Distillation { temperature: options.temperature };
        Ok(BoxedTask::new(DistillationTask::new(student.with_loss(labels), teacher, loss, options.alpha)))
    }
}

/// Why a student cannot learn from a teacher.
fn differences(student: &ClassifierSpec, teacher: &ClassifierSpec, path: &Path) -> Vec<String> {
    let path = path.display();
    let names = |labels: &Labels| labels.iter().collect::<Vec<_>>().join(", ");
    let mut problems = Vec::new();
    if (student.model.num_classes, &student.labels) != (teacher.model.num_classes, &teacher.labels) {
        let (expected, got) = (names(&student.labels), names(&teacher.labels));
        let [own, other] = [student, teacher].map(|spec| spec.model.num_classes);
        problems
            .push(format!("teacher: expected the student's {own} classes ({expected}), got {other} ({got}); {path}"));
    }
    if student.preprocess != teacher.preprocess {
        problems.push(format!(
            "teacher: expected the student's preprocessing, {:?}, got {:?}; {path}",
            student.preprocess, teacher.preprocess
        ));
    }
    problems
}
