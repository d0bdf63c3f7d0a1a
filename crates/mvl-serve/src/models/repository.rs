//! [`Repository`]: the models of a service, which of them are loaded, and which version answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use mvl_infer::ComputeSlots;

use super::definition::is_model_name;
use super::served::{Picked, Served, Share};
use super::{FoundVersion, LoadedModel, ModelDefinition, ModelSource};
use crate::ServiceError;

/// The most replicas of a model.
pub const MAX_REPLICAS: usize = 256;
/// The most rows of a forward pass.
pub const MAX_ROWS: usize = 4096;

/// How a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelState {
    /// It is being loaded for the first time.
    Loading,
    /// It answers.
    Ready,
    /// It was taken out.
    Unloaded,
    /// It could not be loaded, and why.
    Unavailable(String),
}

/// A line of the repository's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The model.
    pub name: String,
    /// The version, where one is loaded.
    pub version: Option<String>,
    /// How it is.
    pub state: ModelState,
}

/// What a load came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// Another version answers now.
    Switched {
        /// What answered before.
        from: Option<String>,
        /// What answers now.
        to: String,
    },
    /// What the source stands for answers already.
    Unchanged(String),
}

/// The models of a service. Shared between threads; requests never wait for a load.
pub struct Repository {
    source: Arc<dyn ModelSource>,
    slots: Option<ComputeSlots>,
    entries: RwLock<BTreeMap<String, Entry>>,
    /// Held by whoever changes what is served; one load at a time keeps the machine answering.
    changes: Mutex<()>,
    draining: AtomicBool,
}

struct Entry {
    definition: ModelDefinition,
    served: Option<Served>,
    state: ModelState,
    /// What one went back from: polling does not come forward to it again.
    left: Option<FoundVersion>,
    /// Whether the server is ready only once it answers.
    awaited: bool,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("index", &self.index()).finish_non_exhaustive()
    }
}

impl Repository {
    /// A repository without models, that gets them from a source. All forward passes take turns for the slots, if there are any.
    pub fn new(source: Arc<dyn ModelSource>, slots: Option<ComputeSlots>) -> Self {
        Self { source, slots, entries: RwLock::default(), changes: Mutex::default(), draining: AtomicBool::new(false) }
    }

    fn entries(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, name: &str, change: impl FnOnce(&mut Entry) -> R) -> Result<R, ServiceError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.get_mut(name).map(change).ok_or_else(|| unknown(name))
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a model known. It is loaded by [`load`](Self::load).
    ///
    /// # Errors
    /// When the name is not allowed or taken, there are no replicas or more than [`MAX_REPLICAS`], or a forward pass has no rows or more
    /// than [`MAX_ROWS`].
    pub fn define(&self, definition: ModelDefinition) -> Result<(), ServiceError> {
        self.enter(definition, true)
    }

    fn enter(&self, definition: ModelDefinition, awaited: bool) -> Result<(), ServiceError> {
        let name = definition.name.clone();
        if !is_model_name(&name) {
            return Err(ServiceError::invalid(format!(
                "expected a model's name of at most 128 letters, digits, '_', '-' and '.', got {name:?}"
            )));
        }
        let ModelDefinition { replicas, batching, engine, .. } = &definition;
        engine.check().map_err(|error| ServiceError::invalid(format!("{name}: {error}")))?;
        for (what, most, got) in
            [("replicas", MAX_REPLICAS, *replicas), ("rows of a forward pass", MAX_ROWS, batching.max_rows)]
        {
            if !(1..=most).contains(&got) {
                return Err(ServiceError::invalid(format!("{name}: expected 1 to {most} {what}, got {got}")));
            }
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.contains_key(&name) {
            return Err(ServiceError::invalid(format!("there is a model {name:?} already")));
        }
        let state = ModelState::Unavailable("not loaded".to_owned());
        entries.insert(name, Entry { definition, served: None, state, left: None, awaited });
        Ok(())
    }

    /// Makes a model known and loads it. What cannot be loaded was never there, and the server is ready all the while. Blocks.
    ///
    /// # Errors
    /// As [`define`](Self::define) and [`load`](Self::load).
    pub fn add(&self, definition: ModelDefinition) -> Result<(), ServiceError> {
        let name = definition.name.clone();
        self.enter(definition, false)?;
        self.load(&name).inspect_err(|_| drop(self.remove(&name)))?;
        self.change(&name, |entry| entry.awaited = true)
    }

    /// Loads what a model's source stands for now, warms it up, and lets it answer from then on; until then, and when anything
    /// fails, what answered before goes on. Blocks.
    ///
    /// # Errors
    /// When the model is not known, or cannot be found, verified, read or run.
    pub fn load(&self, name: &str) -> Result<Loaded, ServiceError> {
        let _alone = self.one_at_a_time();
        self.change(name, |entry| entry.left = None)?;
        self.load_alone(name)
    }

    /// The same, while nobody else changes anything.
    fn load_alone(&self, name: &str) -> Result<Loaded, ServiceError> {
        let definition = self.change(name, |entry| {
            if entry.served.is_none() {
                entry.state = ModelState::Loading;
            }
            entry.definition.clone()
        })?;
        let known = self.entries().get(name).and_then(|entry| entry.served.clone());
        let loaded = self.prepared(&definition, &definition.source, known.as_ref());
        self.change(name, |entry| match loaded {
            Ok(model) => {
                let to = model.version.clone();
                let before = entry.served.take();
                let from = before.as_ref().map(|served| served.stable.version.clone());
                entry.state = ModelState::Ready;
                if before.as_ref().is_some_and(|served| Arc::ptr_eq(&served.stable, &model)) {
                    entry.served = before;
                    return Ok(Loaded::Unchanged(to));
                }
                entry.served =
                    Some(before.map_or_else(|| Served::new(model.clone()), |b| b.with_stable(model.clone())));
                Ok(Loaded::Switched { from, to })
            }
            Err(error) => {
                if entry.served.is_none() {
                    entry.state = ModelState::Unavailable(error.to_string());
                }
                Err(error)
            }
        })?
    }

    /// The version that a source stands for, ready to answer; one that is loaded already is not loaded again.
    fn prepared(
        &self,
        definition: &ModelDefinition,
        source: &str,
        served: Option<&Served>,
    ) -> Result<Arc<LoadedModel>, ServiceError> {
        let found = self.source.resolve(source)?;
        let loaded =
            served.and_then(|served| served.versions().get(found.version.as_str()).map(|model| (*model).clone()));
        if let Some(loaded) = loaded.filter(|loaded| loaded.found == found) {
            return Ok(loaded);
        }
        let parts = self.source.load(&found, &definition.load_options())?;
        let (name, slots) = (&definition.name, self.slots.clone());
        let reference = self.source.reference(&found)?;
        let model = LoadedModel::start(name, found, parts, definition.batching, slots).watched_by(reference);
        model.warm_up()?;
        Ok(Arc::new(model))
    }

    /// Looks where every loaded model's source points now, and loads what has changed. Says what came of each that changed or failed.
    pub fn poll(&self) -> Vec<(String, Result<Loaded, ServiceError>)> {
        let loaded: Vec<String> = {
            let entries = self.entries();
            entries.iter().filter(|(_, entry)| entry.served.is_some()).map(|(name, _)| name.clone()).collect()
        };
        let polled = loaded.into_iter().map(|name| {
            let came = self.poll_one(&name);
            (name, came)
        });
        polled.filter(|(_, came)| !matches!(came, Ok(Loaded::Unchanged(_)))).collect()
    }

    fn poll_one(&self, name: &str) -> Result<Loaded, ServiceError> {
        let _alone = self.one_at_a_time();
        let (source, left) = self.change(name, |entry| (entry.definition.source.clone(), entry.left.clone()))?;
        if left.is_some() {
            let found = self.source.resolve(&source)?;
            if left.as_ref() == Some(&found) {
                return Ok(Loaded::Unchanged(found.version));
            }
        }
        self.load_alone(name)
    }

    /// Takes a model out. Requests that were taken are answered.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn unload(&self, name: &str) -> Result<(), ServiceError> {
        let _alone = self.one_at_a_time();
        self.change(name, |entry| {
            entry.served = None;
            entry.state = ModelState::Unloaded;
        })
    }

    /// Forgets a model.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn remove(&self, name: &str) -> Result<(), ServiceError> {
        let _alone = self.one_at_a_time();
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.remove(name).map(drop).ok_or_else(|| unknown(name))
    }

    /// Lets another version answer a share of the requests, 0 to 100 of a hundred; 0 ends it. Blocks while it is loaded.
    ///
    /// # Errors
    /// When the model is not loaded, or the version cannot be.
    pub fn set_canary(&self, name: &str, source: &str, percent: u8) -> Result<(), ServiceError> {
        self.set_share(name, source, percent, |served, share| served.canary = share)
    }

    /// Shows another version a share of the requests; its answers are dropped, its figures kept.
    ///
    /// # Errors
    /// As [`set_canary`](Self::set_canary).
    pub fn set_shadow(&self, name: &str, source: &str, percent: u8) -> Result<(), ServiceError> {
        self.set_share(name, source, percent, |served, share| served.shadow = share)
    }

    fn set_share(
        &self,
        name: &str,
        source: &str,
        percent: u8,
        put: impl FnOnce(&mut Served, Option<Share>),
    ) -> Result<(), ServiceError> {
        if percent > 100 {
            return Err(ServiceError::invalid(format!("expected a percentage of 0 to 100, got {percent}")));
        }
        let _alone = self.one_at_a_time();
        let (definition, served) = self.change(name, |entry| (entry.definition.clone(), entry.served.clone()))?;
        let served = served.ok_or_else(|| not_ready(name, "it is not loaded"))?;
        let share = match percent {
            0 => None,
            _ => Some(Share { model: self.prepared(&definition, source, Some(&served))?, percent }),
        };
        self.change(name, |entry| {
            if let Some(served) = &mut entry.served {
                put(served, share);
            }
        })
    }

    /// Makes the canary the version that answers all requests.
    ///
    /// # Errors
    /// When there is none.
    pub fn promote_canary(&self, name: &str) -> Result<String, ServiceError> {
        let _alone = self.one_at_a_time();
        self.change(name, |entry| {
            let served = entry.served.as_mut().ok_or_else(|| not_ready(name, "it is not loaded"))?;
            let canary = served.canary.take().ok_or_else(|| ServiceError::invalid(format!("{name} has no canary")))?;
            *served = served.with_stable(canary.model);
            Ok(served.stable.version.clone())
        })?
    }

    /// Goes back to the version that answered before, at once, and stays there until the source stands for a third one or the model is
    /// loaded anew. A second time it comes forward again.
    ///
    /// # Errors
    /// When there is none.
    pub fn rollback(&self, name: &str) -> Result<String, ServiceError> {
        let _alone = self.one_at_a_time();
        self.change(name, |entry| {
            let served = entry.served.as_mut().ok_or_else(|| not_ready(name, "it is not loaded"))?;
            let back = served.rolled_back();
            let back =
                back.ok_or_else(|| ServiceError::invalid(format!("{name} had no other version since it was loaded")))?;
            entry.left = Some(served.stable.found.clone());
            *served = back;
            Ok(served.stable.version.clone())
        })?
    }

    /// Who answers a request.
    ///
    /// # Errors
    /// When there is no such model or version, or it does not answer now.
    pub fn pick(&self, name: &str, version: Option<&str>) -> Result<Picked, ServiceError> {
        let entries = self.entries();
        let entry = entries.get(name).ok_or_else(|| unknown(name))?;
        let Some(served) = &entry.served else {
            let reason = match &entry.state {
                ModelState::Unavailable(reason) => reason,
                ModelState::Unloaded => "it was unloaded",
                _ => "it is being loaded",
            };
            return Err(not_ready(name, reason));
        };
        match version {
            None => Ok(served.next()),
            Some(version) => match served.versions().get(version) {
                Some(model) => Ok(Picked { model: (*model).clone(), shadow: None }),
                None => Err(ServiceError::not_found(format!("model {name:?} has no version {version:?} loaded"))),
            },
        }
    }

    /// The loaded versions of a model, the one that answers last.
    ///
    /// # Errors
    /// When there is no such model, or none is loaded.
    pub fn versions(&self, name: &str) -> Result<Vec<Arc<LoadedModel>>, ServiceError> {
        let entries = self.entries();
        let entry = entries.get(name).ok_or_else(|| unknown(name))?;
        let served = entry.served.as_ref().ok_or_else(|| not_ready(name, "it is not loaded"))?;
        let others = served.versions().into_values().filter(|model| model.version != served.stable.version).cloned();
        Ok(others.chain([served.stable.clone()]).collect())
    }

    /// Every loaded version of one model, or of all.
    pub fn loaded(&self, model: Option<&str>) -> Vec<Arc<LoadedModel>> {
        let entries = self.entries();
        let wanted = entries.iter().filter(|(name, _)| model.is_none_or(|model| model == name.as_str()));
        let served = wanted.filter_map(|(_, entry)| entry.served.as_ref());
        served.flat_map(|served| served.versions().into_values().cloned()).collect()
    }

    /// What a config says of a model.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn definition(&self, name: &str) -> Result<ModelDefinition, ServiceError> {
        self.entries().get(name).map(|entry| entry.definition.clone()).ok_or_else(|| unknown(name))
    }

    /// Where the models come from, as their definitions say.
    pub fn sources(&self) -> Vec<String> {
        self.entries().values().map(|entry| entry.definition.source.clone()).collect()
    }

    /// How a model is.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn state(&self, name: &str) -> Result<ModelState, ServiceError> {
        self.entries().get(name).map(|entry| entry.state.clone()).ok_or_else(|| unknown(name))
    }

    /// The canary's and the shadow's version and percentage.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn shares(&self, name: &str) -> Result<[Option<(String, u8)>; 2], ServiceError> {
        let entries = self.entries();
        let entry = entries.get(name).ok_or_else(|| unknown(name))?;
        let told = |share: &Option<Share>| share.as_ref().map(|share| (share.model.version.clone(), share.percent));
        Ok(entry.served.as_ref().map_or([None, None], |served| [told(&served.canary), told(&served.shadow)]))
    }

    /// Every model with every loaded version.
    pub fn index(&self) -> Vec<IndexEntry> {
        let entries = self.entries();
        let lines = entries.iter().flat_map(|(name, entry)| {
            let line = |version| IndexEntry { name: name.clone(), version, state: entry.state.clone() };
            match &entry.served {
                Some(served) => served.versions().keys().map(|version| line(Some((*version).to_owned()))).collect(),
                None => vec![line(None)],
            }
        });
        lines.collect()
    }

    /// From now on it is not ready, so that load balancers send requests elsewhere; those that come all the same are answered.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether every model that was to be loaded answers, and the server is not about to end.
    pub fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed) && self.is_loaded()
    }

    fn is_loaded(&self) -> bool {
        let is_missing = |entry: &Entry| entry.served.is_none() && entry.awaited && entry.state != ModelState::Unloaded;
        !self.entries().values().any(is_missing)
    }
}

fn unknown(name: &str) -> ServiceError {
    // Names of any length and kind come here.
    let shown: String = name.chars().take(128).collect();
    ServiceError::not_found(format!("there is no model {shown:?}"))
}

fn not_ready(name: &str, reason: &str) -> ServiceError {
    ServiceError::new(crate::Trouble::Unavailable, format!("model {name:?} is not ready: {reason}"))
}
