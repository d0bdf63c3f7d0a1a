//! Where a predictor's model comes from.

use std::env;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use mvl_core::{Backend, Classifier, MODEL_FILE, Registry};
use mvl_models::weights::{WeightsCard, weights_card, weights_cards};
use mvl_models::{ClassifierSpec, load_classifier, zoo};

use crate::{InferError, Predictor};

/// Folders of a run that hold a saved model, the one to prefer first.
const IN_A_RUN: [&str; 2] = ["checkpoints/best", "checkpoints/last"];

/// Settings of a [`Predictor`] before it is loaded.
///
/// # Example
/// ```no_run
/// use mvl_core::Cpu;
/// use mvl_infer::Predictor;
/// let predictor = Predictor::<Cpu>::builder("mobilenet_v2.imagenet1k_v1").with_weights("mobilenet_v2-b0353104.pth").load()?;
/// # Ok::<(), mvl_infer::InferError>(())
/// ```
#[derive(Debug)]
pub struct PredictorBuilder<B: Backend> {
    model: OsString,
    weights: Option<PathBuf>,
    registry: Registry,
    ordinal: usize,
    backend: PhantomData<B>,
}

impl<B: Backend> PredictorBuilder<B> {
    pub(crate) fn new(model: OsString) -> Self {
        Self { model, weights: None, registry: zoo(), ordinal: 0, backend: PhantomData }
    }

    /// The weights file of a zoo model, `.pth` or `.safetensors`. Without it the file is looked for in [`weights_folder`].
    pub fn with_weights(mut self, file: impl Into<PathBuf>) -> Self {
        self.weights = Some(file.into());
        self
    }

    /// A registry that knows models of your own.
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Another device than the first.
    pub fn with_device_ordinal(mut self, ordinal: usize) -> Self {
        self.ordinal = ordinal;
        self
    }

    /// Reads the model and puts it on the device.
    ///
    /// # Errors
    /// [`InferError`] when there is no such device, no such model, no weights file, or they do not fit together.
    pub fn load(self) -> Result<Predictor<B>, InferError> {
        let device = B::device(self.ordinal)?;
        let (model, spec) = match (saved_model_in(Path::new(&self.model)), &self.weights) {
            (Some(folder), None) => load_classifier(&folder, &self.registry, &device)?,
            (Some(folder), Some(weights)) => {
                return Err(InferError::UnusedWeights { weights: weights.clone(), folder });
            }
            (None, _) => self.load_from_zoo(&device)?,
        };
        Ok(Predictor::new(model, spec, device))
    }

    fn load_from_zoo(&self, device: &Device) -> Result<(Classifier, ClassifierSpec), InferError> {
        let shown = self.model.to_string_lossy();
        let id = match self.model.to_str() {
            Some(id) if !Path::new(id).exists() && !id.contains(['/', '\\']) => id,
            _ => return Err(InferError::NoModel { model: shown.into_owned() }),
        };
        if self.registry.model(id).is_ok() {
            let known = weights_cards().iter().filter(|card| card.model == id).map(|card| card.id);
            return Err(InferError::Untrained { model: id.to_owned(), known: known.collect::<Vec<_>>().join(", ") });
        }
        let card = weights_card(id)?;
        let file = match &self.weights {
            Some(file) => file.clone(),
            None => find_weights(card)?,
        };
        Ok(card.create(&self.registry, &file, device)?)
    }
}

/// The folder itself if it is a saved model, or the best one of a run.
fn saved_model_in(folder: &Path) -> Option<PathBuf> {
    let inside = IN_A_RUN.iter().map(|part| folder.join(part));
    std::iter::once(folder.to_owned()).chain(inside).find(|folder| folder.join(MODEL_FILE).is_file())
}

/// Looks for the weights of a card in [`weights_folder`].
///
/// # Errors
/// [`InferError::NoWeights`] with the place to download them from.
pub fn find_weights(card: &WeightsCard) -> Result<PathBuf, InferError> {
    let folder = weights_folder();
    let files = card.file_names.iter().map(|name| folder.join(name));
    files.into_iter().find(|file| file.is_file()).ok_or_else(|| InferError::NoWeights {
        id: card.id.to_owned(),
        url: card.url.to_owned(),
        folder: folder.clone(),
    })
}

/// Where weights files are looked for: `$MVL_HOME/weights`, or else `mvl/weights` in the user's cache folder.
pub fn weights_folder() -> PathBuf {
    let home = env::var_os("MVL_HOME").map(PathBuf::from);
    let cache = || env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cache")));
    let root = home.or_else(|| Some(cache()?.join("mvl")));
    root.unwrap_or_else(|| PathBuf::from(".mvl")).join("weights")
}
