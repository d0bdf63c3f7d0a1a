//! Which trained model a verb is about.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use mvl::core::{Backend, Registry};
use mvl::infer::{Predictor, PredictorBuilder, TrainedClassifier};

use crate::downloads::weights_hub;

/// A trained model, on the command line.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArguments {
    /// A run's folder, a saved model's folder, a registered model (models:/NAME@ALIAS, models:/NAME/VERSION), a weights name (`mvl models list --weights`), or a model in timm's layout: its folder
    /// or hf://owner/name.
    #[arg(long, value_name = "MODEL")]
    model: OsString,
    /// The weights file of a weights name (.pth or .safetensors), which is downloaded otherwise.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
}

impl ModelArguments {
    /// The model as a path.
    pub(crate) fn path(&self) -> &Path {
        Path::new(&self.model)
    }

    /// Ready to answer.
    pub(crate) fn load<B: Backend>(&self, registry: Registry, ordinal: usize) -> anyhow::Result<Predictor<B>> {
        Ok(self.builder(registry, ordinal).load()?)
    }

    /// As it was saved.
    pub(crate) fn load_trained<B: Backend>(
        &self,
        registry: Registry,
        ordinal: usize,
    ) -> anyhow::Result<TrainedClassifier> {
        Ok(self.builder::<B>(registry, ordinal).load_trained()?)
    }

    fn builder<B: Backend>(&self, registry: Registry, ordinal: usize) -> PredictorBuilder<B> {
        let builder = Predictor::<B>::builder(&self.model).with_registry(registry).with_device_ordinal(ordinal);
        let builder = builder.with_hub(weights_hub(self.offline));
        match &self.weights {
            Some(weights) => builder.with_weights(weights),
            None => builder,
        }
    }
}
