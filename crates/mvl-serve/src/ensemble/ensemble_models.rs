//! [`EnsembleModels`]: where ensembles come from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use mvl_infer::{Engine, Signature};

use super::ensemble_engine::{Ensemble, EnsembleEngine};
use super::{EnsembleConfig, StepConfig, StepKind, built_in, plan};
use crate::models::{FoundVersion, LoadOptions, ModelParts, ModelSource, Repository};
use crate::predict::{Decoders, takes_pictures};
use crate::{PictureLimits, ServiceError};

/// Ensembles by name, by addresses such as `ensemble:NAME`. They ask the models of the repository that they are given.
pub struct EnsembleModels {
    ensembles: BTreeMap<String, EnsembleConfig>,
    repository: OnceLock<Weak<Repository>>,
    decoders: Decoders,
}

impl fmt::Debug for EnsembleModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ensembles.keys()).finish()
    }
}

impl EnsembleModels {
    /// How their addresses begin.
    pub const SCHEME: &'static str = "ensemble:";

    /// Ensembles by name, whose pictures have limits.
    pub fn new(ensembles: BTreeMap<String, EnsembleConfig>, limits: PictureLimits) -> Self {
        Self { ensembles, repository: OnceLock::new(), decoders: Decoders::new(limits) }
    }

    /// Gives them the repository whose models they ask. Only the first counts.
    pub fn attach(&self, repository: &Arc<Repository>) {
        let _ = self.repository.set(Arc::downgrade(repository));
    }

    fn repository(&self) -> Result<Arc<Repository>, ServiceError> {
        let repository = self.repository.get().and_then(Weak::upgrade);
        repository.ok_or_else(|| ServiceError::internal("the ensembles have no repository"))
    }

    /// Ensembles that ask each other, along the models' sources.
    fn circle(&self, repository: &Repository, path: &mut Vec<String>) -> Option<String> {
        let config = self.ensembles.get(path.last()?)?;
        for model in config.steps.iter().filter_map(|step| step.model.as_deref()) {
            let Ok(definition) = repository.definition(model) else { continue };
            let Some(next) = definition.source.strip_prefix(Self::SCHEME) else { continue };
            if path.iter().any(|name| name == next) {
                return Some(format!("ensembles ask each other: {} → {next}", path.join(" → ")));
            }
            path.push(next.to_owned());
            let found = self.circle(repository, path);
            path.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// What a step takes and gives.
fn signature(repository: &Repository, step: &StepConfig) -> Result<Signature, String> {
    if step.top.is_some() && step.kind != StepKind::Label {
        return Err("top is for steps of the kind label".to_owned());
    }
    let Some(model) = &step.model else {
        return built_in::signature(step.kind, step.top, None).ok_or_else(|| "expected a model".to_owned());
    };
    if step.kind == StepKind::Softmax {
        return Err("softmax has no model".to_owned());
    }
    let told = |error: ServiceError| error.to_string();
    let picked = repository.pick(model, step.version.as_deref()).map_err(told)?;
    if step.kind == StepKind::Model {
        return Ok(picked.model.signature().clone());
    }
    let spec = takes_pictures(&picked).map_err(told)?;
    built_in::signature(step.kind, step.top, Some(spec)).ok_or_else(|| "expected a model".to_owned())
}

impl ModelSource for EnsembleModels {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        Ok(FoundVersion::fixed("1", source))
    }

    fn load(&self, found: &FoundVersion, _options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        let name = found.address.strip_prefix(Self::SCHEME).unwrap_or_default();
        let config = self.ensembles.get(name);
        let config = config.ok_or_else(|| ServiceError::not_found(format!("there is no ensemble {name:?}")))?;
        let repository = self.repository()?;
        let mut problems: Vec<String> = Vec::new();
        problems.extend(self.circle(&repository, &mut vec![name.to_owned()]));
        let mut signatures = Vec::with_capacity(config.steps.len());
        for (place, step) in config.steps.iter().enumerate() {
            let known = signature(&repository, step);
            signatures.push(known.map_err(|problem| problems.push(format!("{}: {problem}", step.name(place)))).ok());
        }
        let checked = plan::check(config, &signatures);
        let signature = match checked {
            Ok(signature) if problems.is_empty() => signature,
            checked => {
                problems.extend(checked.err().unwrap_or_default());
                return Err(ServiceError::invalid(format!("ensemble {name:?}: {}", problems.join("; "))));
            }
        };
        let ensemble =
            Ensemble { config: config.clone(), repository: Arc::downgrade(&repository), decoders: self.decoders };
        let engine: Arc<dyn Engine> = Arc::new(EnsembleEngine { signature, ensemble: Arc::new(ensemble) });
        // Nothing is computed, so one is as good as many.
        Ok(ModelParts { replicas: vec![engine], classifier: None })
    }
}
