//! Which trained model a verb is about.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use mvl::core::{Backend, Registry};
use mvl::infer::Predictor;

/// A trained model, on the command line.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArguments {
    /// A run's folder, a saved model's folder, or a weights name (`mvl models list --weights`).
    #[arg(long, value_name = "MODEL")]
    model: OsString,
    /// The weights file of a weights name (.pth or .safetensors).
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl ModelArguments {
    pub(crate) fn load<B: Backend>(&self, registry: Registry, ordinal: usize) -> anyhow::Result<Predictor<B>> {
        let mut builder = Predictor::<B>::builder(&self.model).with_registry(registry).with_device_ordinal(ordinal);
        if let Some(weights) = &self.weights {
            builder = builder.with_weights(weights);
        }
        Ok(builder.load()?)
    }
}
