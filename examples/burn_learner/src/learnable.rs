//! What burn's `Learner` trains: a model of the zoo with the loss of its task.

use std::fmt;

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use burn_train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use mvl::prelude::*;

/// A classifier that knows its task.
#[derive(Module, Debug)]
pub struct Learnable {
    pub model: Classifier,
    #[module(skip)]
    task: Shared,
}

/// The task, which is no part of the module.
#[derive(Clone)]
struct Shared(ClassificationTask);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Learnable {
    pub fn new(model: Classifier, task: &ClassificationTask) -> Self {
        Self { model, task: Shared(task.clone()) }
    }

    fn forward(&self, batch: &ImageBatch) -> ClassificationOutput {
        let Shared(task) = &self.task;
        let output = task.forward(&self.model, batch);
        let classes: Vec<i64> = task.truths(batch).iter().map(|class| class.map_or(-1, |class| class as i64)).collect();
        let targets = Tensor::<1, Int>::from_ints(classes.as_slice(), &output.device());
        ClassificationOutput::new(task.loss(&output, batch).total, output, targets)
    }
}

impl TrainStep for Learnable {
    type Input = ImageBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: ImageBatch) -> TrainOutput<ClassificationOutput> {
        let output = self.forward(&batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Learnable {
    type Input = ImageBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: ImageBatch) -> ClassificationOutput {
        self.forward(&batch)
    }
}
