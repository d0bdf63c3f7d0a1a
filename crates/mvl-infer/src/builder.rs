//! Where a predictor's model comes from.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use mvl_core::{Backend, BoxedTask, Classifier, ClassifierSpec, Registry};
use mvl_models::weights::{WeightsHub, is_hugging_face_folder, weights_card, weights_cards};
use mvl_models::{load_with_task, saved_model_in, zoo};

use crate::engine::ExportedClassifier;
use crate::{ClassifierEngine, Engine, EngineKind, EngineOptions, InferError, Loading, Predictor, TrainedClassifier};

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
    engine: EngineOptions,
    hub: Option<WeightsHub>,
    backend: PhantomData<B>,
}

impl<B: Backend> PredictorBuilder<B> {
    pub(crate) fn new(model: OsString) -> Self {
        Self {
            model,
            weights: None,
            registry: zoo(),
            engine: EngineOptions::default(),
            hub: None,
            backend: PhantomData,
        }
    }

    /// The weights file of a zoo model, `.pth` or `.safetensors`. Without it the file comes from the hub.
    pub fn with_weights(mut self, file: impl Into<PathBuf>) -> Self {
        self.weights = Some(file.into());
        self
    }

    /// A registry that knows models, tasks and [sources of saved models](mvl_core::ModelSource) of your own.
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Another device than the first. The same as an engine's [devices](EngineOptions::devices).
    pub fn with_device_ordinal(mut self, ordinal: usize) -> Self {
        self.engine.devices = vec![ordinal];
        self
    }

    /// What computes, and how: burn, in `f32` on the backend's first device, unless said otherwise. Devices that were said before stay
    /// where these options name none.
    pub fn with_engine(mut self, options: impl Into<EngineOptions>) -> Self {
        let devices = std::mem::take(&mut self.engine.devices);
        self.engine = options.into();
        if self.engine.devices.is_empty() {
            self.engine.devices = devices;
        }
        self
    }

    /// Where published weights are kept and fetched; by default [`WeightsHub::from_environment`], in silence.
    pub fn with_hub(mut self, hub: WeightsHub) -> Self {
        self.hub = Some(hub);
        self
    }

    /// Reads the model, fetches its published weights if they are not on this machine, folds what can be folded, and puts it on the
    /// device.
    ///
    /// # Errors
    /// [`InferError`] when there is no such device, no such model, no weights file, they do not fit together, or the engine is not there or
    /// cannot compute the model.
    pub fn load(self) -> Result<Predictor<B>, InferError> {
        let ((mut engines, spec), loading) = Loading::watch(|| self.load_replicas(1))?;
        let engine = engines.pop().expect("one was asked for");
        Ok(Predictor::new(engine, spec, loading))
    }

    /// The same as [engines](crate::Engine), to be asked for tensors in batches: as many replicas as are wanted, sharing what they can
    /// share. With what is known of the model.
    ///
    /// # Errors
    /// As [`load`](Self::load), and when there are fewer replicas than devices.
    pub fn load_replicas(self, replicas: usize) -> Result<(Vec<Arc<dyn Engine>>, ClassifierSpec), InferError> {
        self.engine.check_for(replicas)?;
        let trained = self.read(self.first_device())?;
        if self.engine.kind != EngineKind::Burn {
            let engines = ExportedClassifier::replicas(&trained, &self.engine, replicas)?;
            return Ok((engines, trained.spec));
        }
        let ordinals = if self.engine.devices.is_empty() { &[0][..] } else { &self.engine.devices };
        let mut on_device = BTreeMap::from([(self.first_device(), self.in_burn(&trained)?)]);
        let mut engines: Vec<Arc<dyn Engine>> = Vec::with_capacity(replicas);
        for &ordinal in ordinals.iter().cycle().take(replicas) {
            let engine = match on_device.entry(ordinal) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.in_burn(&self.read(ordinal)?)?),
            };
            engines.push(Arc::new(engine.replica()));
        }
        Ok((engines, trained.spec))
    }

    /// The model as it was saved, on the first of the devices: to judge it, to export it.
    ///
    /// # Errors
    /// [`InferError`] when there is no such device, no such model, no weights file, or they do not fit together.
    pub fn load_trained(self) -> Result<TrainedClassifier, InferError> {
        self.read(self.first_device())
    }

    fn first_device(&self) -> usize {
        self.engine.devices.first().copied().unwrap_or(0)
    }

    fn in_burn(&self, trained: &TrainedClassifier) -> Result<ClassifierEngine<B>, InferError> {
        ClassifierEngine::new(trained).in_precision(self.engine.precision)
    }

    fn read(&self, ordinal: usize) -> Result<TrainedClassifier, InferError> {
        let device = B::device(ordinal)?;
        let fetched = self.model.to_str().map(|address| self.registry.fetch(address)).transpose()?.flatten();
        let path = fetched.as_deref().unwrap_or(Path::new(&self.model));
        let (model, task, spec) = match (saved_model_in(path), &self.weights) {
            (Some(folder), None) => load_with_task(&folder, &self.registry, &device)?,
            (Some(folder), Some(weights)) => {
                return Err(InferError::UnusedWeights { weights: weights.clone(), folder });
            }
            (None, _) => self.load_from_zoo(&device)?,
        };
        Ok(TrainedClassifier { model, task, spec, device })
    }

    fn load_from_zoo(&self, device: &Device) -> Result<(Classifier, BoxedTask, ClassifierSpec), InferError> {
        let no_model = || InferError::NoModel { model: self.model.to_string_lossy().into_owned() };
        let id = self.model.to_str().ok_or_else(no_model)?;
        let hub = self.hub.clone().unwrap_or_else(WeightsHub::from_environment);
        if id.starts_with("hf://") || is_hugging_face_folder(Path::new(id)) {
            if let Some(weights) = self.weights.clone() {
                return Err(InferError::UnusedWeights { weights, folder: id.into() });
            }
            let found = hub.fetch_hugging_face(id)?;
            let model = found.create(&self.registry, device)?;
            return Ok((model, self.registry.create_task(&found.spec, device)?, found.spec));
        }
        if Path::new(id).exists() || id.contains(['/', '\\']) {
            return Err(no_model());
        }
        if self.registry.model(id).is_ok() {
            let known = weights_cards().iter().filter(|card| card.model == id).map(|card| card.id);
            return Err(InferError::Untrained { model: id.to_owned(), known: known.collect::<Vec<_>>().join(", ") });
        }
        let card = weights_card(id)?;
        let file = match &self.weights {
            Some(file) => file.clone(),
            None => hub.fetch_card(card)?,
        };
        let (model, spec) = card.create(&self.registry, &file, device)?;
        Ok((model, self.registry.create_task(&spec, device)?, spec))
    }
}
