//! The factory pattern: names in a config, a checkpoint or a request become models.
//!
//! A user's own backbone or head, registered under a name, works everywhere a built-in does: config, command line, trainer,
//! checkpoint, service. A [`Registry`] is a value that is handed around, not a global: what can be created is what was put in.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use crate::error::nearest;
use crate::{
    Backbone, BoxError, BoxedBackbone, BoxedHead, BoxedTask, ClassifierSpec, FeatureExtractor, HeadConfig, ModelConfig,
    ModelSource, Network, Options, Tap, matches_glob,
};

/// A classifier as the registry makes it: logits `[N, K]` out.
pub type Classifier = Network<BoxedBackbone, BoxedHead<Tensor<2>>>;

/// Creates backbones under one name.
///
/// The contract is proven by [`conformance::factory`](crate::conformance::factory).
pub trait ModelFactory: Send + Sync {
    /// The name it answers to: `resnet18`.
    fn name(&self) -> &str;

    /// The family it belongs to: `resnet`.
    fn family(&self) -> &str;

    /// Creates the backbone with freshly initialised weights. The head is made separately, from the backbone's taps.
    ///
    /// # Errors
    /// [`ModelError::InvalidOptions`] when the config holds options it does not know or cannot follow.
    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError>;

    /// The side of the pictures it was published for, in pixels.
    fn input_side(&self) -> usize {
        224
    }

    /// The head it was published with, which a config gets that names none.
    fn head(&self) -> HeadConfig {
        HeadConfig::new("linear")
    }

    /// How this family's parameters are called in its reference implementation, for reading and writing weights files.
    fn key_map(&self) -> KeyMap {
        KeyMap::default()
    }

    /// Other ways in which published files of this model name its parameters. Loading takes the way that knows most of a file's
    /// keys; writing takes [`key_map`](Self::key_map).
    fn other_key_maps(&self) -> &'static [KeyMap] {
        &[]
    }

    /// Regular expressions of keys that published files of this model hold and nothing here uses: an auxiliary classifier, a
    /// table that is computed.
    fn unused_keys(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Creates heads with answer `O` under one name.
pub trait HeadFactory<O>: Send + Sync {
    /// The name it answers to: `linear`.
    fn name(&self) -> &str;

    /// Creates the head for a backbone with these taps.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when no tap suits it, [`ModelError::InvalidOptions`] for options it does not know.
    fn create_head(&self, config: &ModelConfig, taps: &[Tap], device: &Device) -> Result<BoxedHead<O>, ModelError>;
}

/// Creates tasks under one name, for classifiers as a [`Registry`] makes them.
pub trait TaskFactory: Send + Sync {
    /// The name it answers to: `classification`.
    fn name(&self) -> &str;

    /// Whether it knows these options and can follow them, as far as that is known without the number of classes.
    ///
    /// # Errors
    /// [`ModelError::InvalidOptions`].
    fn check_options(&self, options: &Options) -> Result<(), ModelError>;

    /// Creates the task of a classifier, with the options that its spec holds. A task that needs another model, such as a teacher,
    /// loads it by the registry onto the device.
    ///
    /// # Errors
    /// [`ModelError::InvalidOptions`] for options it does not know or cannot follow, and what loading another model says.
    fn create_task(&self, spec: &ClassifierSpec, registry: &Registry, device: &Device)
    -> Result<BoxedTask, ModelError>;
}

/// Regular-expression replacements from this project's parameter paths (`backbone.layer1.0.conv1.conv.weight`) to the reference's
/// keys (`layer1.0.conv1.weight`), applied in order. As data, so that one table serves loading and saving.
///
/// `$#` in a replacement is a number: the first match in a model becomes 0, the next that reads differently 1, and so on in the
/// order of parameters. `(r"^stages\.\d+\.\d+\.", "blocks.$#.")` numbers the blocks of all stages as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyMap(pub &'static [(&'static str, &'static str)]);

/// The open sets of models, heads and tasks.
#[derive(Clone, Default)]
pub struct Registry {
    tasks: BTreeMap<String, Arc<dyn TaskFactory>>,
    models: BTreeMap<String, Arc<dyn ModelFactory>>,
    heads: BTreeMap<(TypeId, String), Arc<dyn Any + Send + Sync>>,
    sources: BTreeMap<String, Arc<dyn ModelSource>>,
}

/// A head factory inside the registry; the extra box makes it a sized `Any`.
struct HeadEntry<O>(Box<dyn HeadFactory<O>>);

impl Registry {
    /// An empty registry. `mvl_models::zoo()` has the built-in models.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a model; one registered before under that name is replaced.
    pub fn register_model(&mut self, factory: impl ModelFactory + 'static) -> &mut Self {
        self.models.insert(factory.name().to_owned(), Arc::new(factory));
        self
    }

    /// Adds a head; one registered before under that name and answer is replaced.
    pub fn register_head<O: 'static>(&mut self, factory: impl HeadFactory<O> + 'static) -> &mut Self {
        let key = (TypeId::of::<O>(), factory.name().to_owned());
        self.heads.insert(key, Arc::new(HeadEntry::<O>(Box::new(factory))));
        self
    }

    /// Adds a task; one registered before under that name is replaced.
    pub fn register_task(&mut self, factory: impl TaskFactory + 'static) -> &mut Self {
        self.tasks.insert(factory.name().to_owned(), Arc::new(factory));
        self
    }

    /// Adds a place where saved models are found; one registered before under that scheme is replaced.
    pub fn register_source(&mut self, source: impl ModelSource + 'static) -> &mut Self {
        self.sources.insert(source.scheme().to_owned(), Arc::new(source));
        self
    }

    /// The local folder of a saved model's address; `None` where no source has its scheme, as with a path or a name.
    ///
    /// # Errors
    /// [`ModelError::NotFetched`].
    pub fn fetch(&self, address: &str) -> Result<Option<PathBuf>, ModelError> {
        let scheme = address.split_once(":/").map_or("", |(scheme, _)| scheme);
        let Some(source) = self.sources.get(scheme) else { return Ok(None) };
        let fetched = source.fetch(address);
        fetched.map(Some).map_err(|source| ModelError::NotFetched { address: address.to_owned(), source })
    }

    /// The names of the tasks.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(String::as_str)
    }

    /// The factory of a task's name.
    ///
    /// # Errors
    /// [`ModelError::UnknownTask`].
    pub fn task(&self, name: &str) -> Result<&dyn TaskFactory, ModelError> {
        self.tasks.get(name).map(AsRef::as_ref).ok_or_else(|| ModelError::UnknownTask {
            name: name.to_owned(),
            known: self.tasks().collect::<Vec<_>>().join(", "),
        })
    }

    /// Creates the task that a spec names, for models on this device.
    ///
    /// # Errors
    /// What [`task`](Self::task) and the factory say.
    pub fn create_task(&self, spec: &ClassifierSpec, device: &Device) -> Result<BoxedTask, ModelError> {
        self.task(&spec.task)?.create_task(spec, self, device)
    }

    /// The models in name order.
    pub fn models(&self) -> impl Iterator<Item = &dyn ModelFactory> {
        self.models.values().map(AsRef::as_ref)
    }

    /// The models whose names match a pattern such as `resnet*`, in name order.
    pub fn filter(&self, pattern: &str) -> impl Iterator<Item = &dyn ModelFactory> {
        self.models().filter(move |factory| matches_glob(pattern, factory.name()))
    }

    /// The names of the heads with answer `O`.
    pub fn heads<O: 'static>(&self) -> impl Iterator<Item = &str> {
        let answer = TypeId::of::<O>();
        self.heads.keys().filter(move |(id, _)| *id == answer).map(|(_, name)| name.as_str())
    }

    /// The factory of a name.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`], with the nearest known name.
    pub fn model(&self, name: &str) -> Result<&dyn ModelFactory, ModelError> {
        self.models.get(name).map(AsRef::as_ref).ok_or_else(|| ModelError::UnknownModel {
            name: name.to_owned(),
            nearest: nearest(name, self.models.keys().map(String::as_str)).map(str::to_owned),
        })
    }

    /// Creates a backbone alone.
    ///
    /// # Errors
    /// What [`model`](Self::model) and the factory say.
    pub fn create_backbone(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        check_counts(config)?;
        self.model(&config.name)?.create_model(config, device)
    }

    /// Creates a backbone for its features at these taps.
    ///
    /// # Errors
    /// Like [`create_backbone`](Self::create_backbone), and [`ModelError::UnknownTap`].
    pub fn create_feature_extractor<'a>(
        &self,
        config: &ModelConfig,
        taps: impl IntoIterator<Item = &'a str>,
        device: &Device,
    ) -> Result<FeatureExtractor<BoxedBackbone>, ModelError> {
        FeatureExtractor::new(self.create_backbone(config, device)?, taps)
    }

    /// Creates a backbone with a head of answer `O`, freshly initialised.
    ///
    /// # Errors
    /// Unknown names, options that the factories refuse, a head that does not fit.
    pub fn create_network<O: 'static>(
        &self,
        config: &ModelConfig,
        device: &Device,
    ) -> Result<Network<BoxedBackbone, BoxedHead<O>>, ModelError> {
        let backbone = self.create_backbone(config, device)?;
        let head = config.head.or_published(self.model(&config.name)?.head());
        let config = &ModelConfig { head, ..config.clone() };
        let key = (TypeId::of::<O>(), config.head.name.clone());
        let entry = self.heads.get(&key).ok_or_else(|| ModelError::UnknownHead {
            name: config.head.name.clone(),
            known: self.heads::<O>().map(str::to_owned).collect::<Vec<_>>().join(", "),
        })?;
        let entry = entry.downcast_ref::<HeadEntry<O>>().expect("the key holds the answer's type");
        let head = entry.0.create_head(config, backbone.taps(), device)?;
        Ok(Network::new(backbone, head))
    }

    /// Creates a classifier, freshly initialised.
    ///
    /// # Errors
    /// Like [`create_network`](Self::create_network).
    pub fn create_classifier(&self, config: &ModelConfig, device: &Device) -> Result<Classifier, ModelError> {
        self.create_network(config, device)
    }
}

fn check_counts(config: &ModelConfig) -> Result<(), ModelError> {
    for (field, value) in [("num_classes", config.num_classes), ("in_channels", config.in_channels)] {
        if !(1..=MAX_COUNT).contains(&value) {
            let what = format!("{field}: expected 1 to {MAX_COUNT}, got {value}");
            return Err(ModelError::InvalidOptions { owner: config.name.clone(), what });
        }
    }
    Ok(())
}

/// Bound on class and channel counts, so that a config cannot ask for all of memory.
const MAX_COUNT: usize = 1 << 20;

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = self.heads.keys().map(|(_, name)| name).collect::<Vec<_>>();
        f.debug_struct("Registry")
            .field("models", &self.models.keys())
            .field("heads", &heads)
            .field("tasks", &self.tasks.keys())
            .finish()
    }
}

/// Why a model could not be created, loaded or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No factory has this name.
    #[error("unknown model {name:?}{}; `mvl models list` shows all names", did_you_mean(nearest))]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// No head factory has this name.
    #[error("unknown head {name:?}; known heads: {known}")]
    UnknownHead {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No task factory has this name.
    #[error("unknown task {name:?}; known tasks: {known}")]
    UnknownTask {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No tap of the backbone has this name.
    #[error("unknown tap {name:?}{}; known taps: {known}", did_you_mean(nearest))]
    UnknownTap {
        /// What was asked for.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
        /// What there is.
        known: String,
    },
    /// A saved model that its source does not give.
    #[error("cannot fetch {address:?}")]
    NotFetched {
        /// Its address.
        address: String,
        /// Why not.
        source: BoxError,
    },
    /// Options that a factory does not know or cannot follow.
    #[error("invalid options for {owner:?}: {what}")]
    InvalidOptions {
        /// The model, head or task.
        owner: String,
        /// What is wrong.
        what: String,
    },
    /// A head on a backbone that does not give what it reads.
    #[error("head {head:?} cannot sit on backbone {backbone:?}: {what}")]
    Mismatch {
        /// The head's name.
        head: String,
        /// The backbone's name.
        backbone: String,
        /// What is missing.
        what: String,
    },
    /// A weights file that does not fit the model.
    #[error("weights do not fit {model:?}: {what}; {path}")]
    WeightsMismatch {
        /// The model's name.
        model: String,
        /// Missing, unexpected and misshapen tensors.
        what: String,
        /// The file.
        path: String,
    },
    /// A file that cannot be read as a model or weights, or not be written.
    #[error("{what}: {path}")]
    File {
        /// What was being done, or what is wrong.
        what: String,
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: Option<BoxError>,
    },
    /// Anything else, from an extension.
    #[error("{what}")]
    Other {
        /// What happened.
        what: String,
        /// The cause.
        #[source]
        source: Option<BoxError>,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(", did you mean {name:?}?")).unwrap_or_default()
}
