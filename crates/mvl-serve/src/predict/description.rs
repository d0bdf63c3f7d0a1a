//! [`ModelDescription`]: what a service tells of a model, over REST, over gRPC and to its own client.

use mvl_core::Preprocess;
use mvl_infer::{EngineKind, EngineOptions};
use serde::{Deserialize, Serialize};

use crate::models::{ModelDefinition, ModelState, Repository};
use crate::{Caller, ServiceError};

/// What a service tells of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelDescription {
    /// The name by which it is asked.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// `ready`, `loading`, `unloaded` or `unavailable`.
    pub state: String,
    /// Why it is not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The versions that may be asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Another version that answers some of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<ShareDescription>,
    /// Another version that sees some of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShareDescription>,
    /// What computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What it was trained to do, where it takes pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The architecture, where it takes pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many classes it tells apart, where it takes pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// How pictures are prepared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
}

/// A version that gets a share of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareDescription {
    /// The version.
    pub version: String,
    /// Of a hundred requests, how many it gets.
    pub percent: u8,
}

/// A model that is to be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// The name by which it will be asked.
    pub name: String,
    /// Where it comes from, as `mvl serve` takes it.
    pub source: String,
    /// How many forward passes may run at once; one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
    /// What computes it; burn by default.
    #[serde(default)]
    pub engine: EngineKind,
    /// How many threads a replica of another engine has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_threads: Option<usize>,
    /// The most rows of a forward pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_batch_size: Option<usize>,
}

impl NewModel {
    /// A model with one replica and the server's batches.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            replicas: None,
            engine: EngineKind::default(),
            engine_threads: None,
            max_batch_size: None,
        }
    }

    /// Loads it and says what it is. Blocks.
    pub(crate) fn create(self, repository: &Repository) -> Result<ModelDescription, ServiceError> {
        let mut definition = ModelDefinition::new(&self.name, self.source);
        definition.replicas = self.replicas.unwrap_or(definition.replicas);
        // Not where its library is: a caller must not name code to run.
        definition.engine = EngineOptions { threads: self.engine_threads, ..self.engine.into() };
        definition.batching.max_rows = self.max_batch_size.unwrap_or(definition.batching.max_rows);
        repository.add(definition)?;
        ModelDescription::of(repository, &self.name)
    }
}

impl ModelDescription {
    /// What is known of a model.
    pub(crate) fn of(repository: &Repository, name: &str) -> Result<Self, ServiceError> {
        let definition = repository.definition(name)?;
        let (state, reason) = match repository.state(name)? {
            ModelState::Ready => ("ready", None),
            ModelState::Loading => ("loading", None),
            ModelState::Unloaded => ("unloaded", None),
            ModelState::Unavailable(reason) => ("unavailable", Some(reason)),
        };
        let mut told = Self {
            name: name.to_owned(),
            source: definition.source,
            state: state.to_owned(),
            reason,
            ..Self::default()
        };
        let Ok(versions) = repository.versions(name) else { return Ok(told) };
        let share = |share: Option<(String, u8)>| share.map(|(version, percent)| ShareDescription { version, percent });
        let [canary, shadow] = repository.shares(name)?;
        (told.canary, told.shadow) = (share(canary), share(shadow));
        told.versions = versions.iter().map(|model| model.version.clone()).collect();
        if let Some(model) = versions.last() {
            told.version = Some(model.version.clone());
            told.platform = Some(model.batcher.platform().to_owned());
            if let Some(spec) = &model.classifier {
                told.task = Some(spec.task.clone());
                told.model = Some(spec.model.name.clone());
                told.classes = Some(spec.model.num_classes);
                told.preprocess = Some(spec.preprocess.clone());
            }
        }
        Ok(told)
    }

    /// Every model that a caller may use.
    pub(crate) fn of_all(repository: &Repository, caller: &Caller) -> Result<Vec<Self>, ServiceError> {
        let mut names: Vec<String> = repository.index().into_iter().map(|entry| entry.name).collect();
        names.dedup();
        names.retain(|name| caller.may_use(name));
        // One may have gone since.
        let told = names.iter().map(|name| Self::of(repository, name));
        told.filter(|told| !told.as_ref().is_err_and(|error| error.trouble == crate::Trouble::NotFound)).collect()
    }
}
