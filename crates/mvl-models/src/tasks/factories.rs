//! The built-in tasks by name.

use burn::tensor::Device;
use mvl_core::{BoxedTask, ClassifierSpec, ModelError, Options, Registry, TaskFactory};
use serde::Deserialize;

use super::{ClassificationTask, DistillationTaskFactory, MultiLabelTask};
use crate::losses::{Asymmetric, BinaryCrossEntropy, CrossEntropy, Focal};

pub(crate) fn register(registry: &mut Registry) {
    registry
        .register_task(ClassificationTaskFactory)
        .register_task(DistillationTaskFactory)
        .register_task(MultiLabelTaskFactory);
}

/// Creates [`ClassificationTask`]s under the name `classification`. Its options are the fields of [`CrossEntropy`].
#[derive(Debug, Clone, Copy)]
pub struct ClassificationTaskFactory;

impl ClassificationTaskFactory {
    fn loss(&self, options: &Options) -> Result<CrossEntropy, ModelError> {
        let loss: CrossEntropy = options.read(self.name())?;
        check(self.name(), loss.problems())?;
        Ok(loss)
    }
}

impl TaskFactory for ClassificationTaskFactory {
    fn name(&self) -> &str {
        "classification"
    }

    fn check_options(&self, options: &Options) -> Result<(), ModelError> {
        self.loss(options).map(drop)
    }

    fn create_task(&self, spec: &ClassifierSpec, _: &Registry, _: &Device) -> Result<BoxedTask, ModelError> {
        let loss = self.loss(&spec.task_options)?;
        check(self.name(), count_problem("class_weights", &loss.class_weights, spec))?;
        Ok(BoxedTask::new(ClassificationTask::new(spec.clone()).with_loss(loss)))
    }
}

/// Creates [`MultiLabelTask`]s under the name `multi_label`. Option: `loss`, a table with a `name` (`binary_cross_entropy`, `focal`,
/// `asymmetric`) and the fields of the loss of that name.
#[derive(Debug, Clone, Copy)]
pub struct MultiLabelTaskFactory;

impl MultiLabelTaskFactory {
    fn loss(&self, options: &Options) -> Result<LossOptions, ModelError> {
        let MultiLabelOptions { loss } = options.read(self.name())?;
        let problems = match &loss {
            LossOptions::BinaryCrossEntropy(loss) => loss.problems(),
            LossOptions::Focal(loss) => loss.problems(),
            LossOptions::Asymmetric(loss) => loss.problems(),
        };
        check(self.name(), problems.into_iter().map(|problem| format!("loss.{problem}")).collect())?;
        Ok(loss)
    }
}

impl TaskFactory for MultiLabelTaskFactory {
    fn name(&self) -> &str {
        "multi_label"
    }

    fn check_options(&self, options: &Options) -> Result<(), ModelError> {
        self.loss(options).map(drop)
    }

    fn create_task(&self, spec: &ClassifierSpec, _: &Registry, _: &Device) -> Result<BoxedTask, ModelError> {
        let task = MultiLabelTask::new(spec.clone());
        Ok(BoxedTask::new(match self.loss(&spec.task_options)? {
            LossOptions::BinaryCrossEntropy(loss) => {
                check(self.name(), count_problem("loss.positive_weights", &loss.positive_weights, spec))?;
                task.with_loss(loss)
            }
            LossOptions::Focal(loss) => task.with_loss(loss),
            LossOptions::Asymmetric(loss) => task.with_loss(loss),
        }))
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MultiLabelOptions {
    loss: LossOptions,
}

#[derive(Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum LossOptions {
    BinaryCrossEntropy(BinaryCrossEntropy),
    Focal(Focal),
    Asymmetric(Asymmetric),
}

impl Default for LossOptions {
    fn default() -> Self {
        Self::BinaryCrossEntropy(BinaryCrossEntropy::new())
    }
}

/// Weights are one a class, or none.
fn count_problem(field: &str, weights: &[f32], spec: &ClassifierSpec) -> Vec<String> {
    let (expected, got) = (spec.model.num_classes, weights.len());
    let wrong = got != 0 && got != expected;
    wrong.then(|| format!("{field}: expected {expected}, one a class, got {got}")).into_iter().collect()
}

pub(super) fn check(owner: &str, problems: Vec<String>) -> Result<(), ModelError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(ModelError::InvalidOptions { owner: owner.to_owned(), what: problems.join("; ") })
}
