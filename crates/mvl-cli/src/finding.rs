//! What to set before a run, by trying: a learning rate, a batch size. A run's config says on what.

use mvl::core::{Backend, DataError, Task};
use mvl::models::weights::WeightsHub;
use mvl::train::{
    BatchSizeConfig, BatchSizeReport, LearningRateConfig, LearningRateCurve, Trainer, find_batch_size,
    find_learning_rate, prepare_model,
};

use crate::config::RunConfig;
use crate::job::Start;
use crate::output::say;
use crate::plugins::Plugins;

/// A run that is only tried.
pub(crate) struct Trial<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) plugins: &'a Plugins,
    /// Where weights to start from are kept and fetched.
    pub(crate) hub: &'a WeightsHub,
}

impl Trial<'_> {
    /// Tries learning rates from low to high.
    pub(crate) fn learning_rate<B: Backend>(&self) -> anyhow::Result<LearningRateCurve> {
        let Start { data, task, model } = self.start::<B>()?;
        let loader = data.training_loader::<B>(self.config, self.plugins)?;
        let (trainer, model) = self.ready::<B, _>(task, model)?;
        let rates = LearningRateConfig::default();
        Ok(find_learning_rate(trainer.task(), &model, &loader, trainer.config(), rates)?)
    }

    /// Doubles the batch size until a step fails, takes more memory than the run may use, or has no more data.
    pub(crate) fn batch_size<B: Backend>(&self) -> anyhow::Result<BatchSizeReport> {
        let Start { data, task, model } = self.start::<B>()?;
        let (trainer, model) = self.ready::<B, _>(task, model)?;
        let loader = |batch_size| {
            say(format!("trying batches of {batch_size}"));
            let mut config = self.config.clone();
            config.data.batch_size = batch_size;
            data.training_loader::<B>(&config, self.plugins).map_err(|error| match error.downcast::<DataError>() {
                Ok(error) => error,
                Err(error) => DataError::other("cannot load batches", error),
            })
        };
        let memory_bytes = B::ON_HOST.then(|| data.memory_bytes());
        let sizes = BatchSizeConfig { memory_bytes, ..BatchSizeConfig::default() };
        Ok(find_batch_size(trainer.task(), &model, loader, trainer.config(), sizes)?)
    }

    fn start<B: Backend>(&self) -> anyhow::Result<Start> {
        Start::new(self.config, &self.plugins.registry, self.hub, true, &B::device(self.config.device)?)
    }

    /// A trainer that has checked the settings, and the model as it begins.
    fn ready<B: Backend, T: Task>(&self, task: T, model: T::Model) -> anyhow::Result<(Trainer<B, T>, T::Model)> {
        let trainer = Trainer::<B, T>::new(task, self.config.train.clone())?.with_device_ordinal(self.config.device);
        let model = prepare_model(model, &trainer.training_device()?, self.config.train.seed);
        Ok((trainer, model))
    }
}
