//! Which trained model a verb is about.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use mvl::core::{Backend, Registry};
use mvl::infer::Predictor;

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

    pub(crate) fn load<B: Backend>(&self, registry: Registry, ordinal: usize) -> anyhow::Result<Predictor<B>> {
        let builder = Predictor::<B>::builder(&self.model).with_registry(registry).with_device_ordinal(ordinal);
        let mut builder = builder.with_hub(weights_hub(self.offline));
        if let Some(weights) = &self.weights {
            builder = builder.with_weights(weights);
        }
        Ok(builder.load()?)
    }
}
