//! [`EnsembleEngine`]: asks the steps of an ensemble, each as soon as it has what it needs.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mvl_infer::{Composed, Composing, Engine, EngineError, HostTensor, Priority, Request, RequestError, Signature};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::{EnsembleConfig, StepConfig, StepKind, built_in};
use crate::models::{Picked, Repository};
use crate::predict::{Decoders, takes_pictures};
use crate::service::{InferCall, Service};
use crate::{ServiceError, Trouble};

/// How deep ensembles may ask ensembles.
const DEPTH: usize = 8;
/// When to try again what cannot answer now and does not say when.
const AGAIN: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// How deep this request is in ensembles.
    static DEEP: usize;
}

/// An ensemble that was checked.
pub(super) struct EnsembleEngine {
    pub(super) signature: Signature,
    pub(super) ensemble: Arc<Ensemble>,
}

pub(super) struct Ensemble {
    pub(super) config: EnsembleConfig,
    pub(super) repository: Weak<Repository>,
    pub(super) decoders: Decoders,
}

impl Engine for EnsembleEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        "ensemble"
    }

    fn run(&self, _: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        Err(EngineError::Failed("an ensemble is asked by its steps".to_owned()))
    }

    fn composed(&self) -> Option<Arc<dyn Composed>> {
        Some(Arc::new(Asks(self.ensemble.clone())))
    }
}

struct Asks(Arc<Ensemble>);

impl Composed for Asks {
    fn answer(&self, request: Request) -> Composing {
        let ensemble = self.0.clone();
        Box::pin(async move { ensemble.answer(request).await })
    }
}

/// A step at work.
struct Step {
    service: Service,
    config: StepConfig,
    picked: Option<Picked>,
    decoders: Decoders,
    priority: Priority,
    deadline: Instant,
}

impl Ensemble {
    async fn answer(&self, request: Request) -> Result<Vec<HostTensor>, RequestError> {
        let deep = DEEP.try_with(|deep| *deep).unwrap_or(0);
        if deep >= DEPTH {
            return Err(RequestError::Failed(format!("ensembles ask ensembles more than {DEPTH} deep")));
        }
        let service = Service::new(self.repository.upgrade().ok_or(RequestError::Closed)?);
        let deadline = request.deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(30));
        // A model that several steps name is one version for all of them.
        let mut picked: HashMap<(&str, Option<&str>), Picked> = HashMap::new();
        for (place, step) in self.config.steps.iter().enumerate() {
            if let Some(model) = &step.model {
                let key = (model.as_str(), step.version.as_deref());
                if let Entry::Vacant(vacant) = picked.entry(key) {
                    let found = service.repository().pick(key.0, key.1);
                    vacant.insert(found.map_err(|error| in_step(&step.name(place), error))?);
                }
            }
        }
        let mut tensors: BTreeMap<&str, HostTensor> =
            self.config.inputs.iter().map(String::as_str).zip(request.inputs).collect();
        let mut waiting: Vec<usize> = (0..self.config.steps.len()).collect();
        let mut running = JoinSet::new();
        loop {
            waiting.retain(|&place| {
                let config = &self.config.steps[place];
                let inputs = config
                    .inputs
                    .iter()
                    .map(|(name, tensor)| tensors.get(tensor.as_str()).map(|tensor| (name.clone(), tensor.clone())));
                let Some(inputs) = inputs.collect::<Option<Vec<_>>>() else { return true };
                let key = config.model.as_deref().map(|model| (model, config.version.as_deref()));
                let step = Step {
                    service: service.clone(),
                    config: config.clone(),
                    picked: key.and_then(|key| picked.get(&key).cloned()),
                    decoders: self.decoders,
                    priority: request.priority,
                    deadline,
                };
                let asked = DEEP.scope(deep + 1, async move { (place, step.run(inputs).await) });
                running.spawn(asked.in_current_span());
                false
            });
            let Some(ended) = running.join_next().await else { break };
            let (place, outputs) = ended.map_err(|_| RequestError::Failed("a step ended with a panic".to_owned()))?;
            let step = &self.config.steps[place];
            for (name, tensor) in outputs.map_err(|error| in_step(&step.name(place), error))? {
                if let Some(wired) = step.outputs.get(&name) {
                    tensors.insert(wired, tensor);
                }
            }
        }
        let missing = |name: &str| RequestError::Failed(format!("no step gave {name:?}"));
        let outputs = self.config.outputs.iter();
        outputs.map(|name| tensors.remove(name.as_str()).ok_or_else(|| missing(name))).collect()
    }
}

impl Step {
    async fn run(self, inputs: Vec<(String, HostTensor)>) -> Result<Vec<(String, HostTensor)>, ServiceError> {
        let Self { service, config, picked, decoders, priority, deadline } = self;
        let Some(picked) = picked.filter(|_| config.kind != StepKind::Softmax) else {
            return named(config.kind, None, None, built_in::softmax(only(&inputs)?)?);
        };
        if config.kind == StepKind::Model {
            let call = InferCall {
                inputs,
                outputs: config.outputs.keys().cloned().collect(),
                priority,
                timeout: Some(deadline.saturating_duration_since(Instant::now())),
                ..InferCall::default()
            };
            return Ok(service.infer_with(picked, call).await?.outputs);
        }
        let spec = Arc::new(takes_pictures(&picked)?.clone());
        let outputs = match config.kind {
            StepKind::Prepare => built_in::prepare(&decoders, spec.clone(), only(&inputs)?).await?,
            _ => built_in::label(&spec, config.top, only(&inputs)?)?,
        };
        named(config.kind, config.top, Some(&spec), outputs)
    }
}

/// The only input of a step that is built in.
fn only(inputs: &[(String, HostTensor)]) -> Result<&HostTensor, ServiceError> {
    inputs.first().map(|(_, tensor)| tensor).ok_or_else(|| ServiceError::internal("the step has no input"))
}

/// A built-in step's outputs by name.
fn named(
    kind: StepKind,
    top: Option<usize>,
    spec: Option<&mvl_core::ClassifierSpec>,
    outputs: Vec<HostTensor>,
) -> Result<Vec<(String, HostTensor)>, ServiceError> {
    let signature = built_in::signature(kind, top, spec);
    let signature = signature.ok_or_else(|| ServiceError::internal("the step is not built in"))?;
    Ok(signature.outputs.into_iter().map(|spec| spec.name).zip(outputs).collect())
}

/// What a step's error is to whoever asked the ensemble.
fn in_step(step: &str, error: ServiceError) -> RequestError {
    let message = format!("{step}: {error}");
    match error.trouble {
        Trouble::Invalid | Trouble::TooLarge => RequestError::Input(message),
        Trouble::Late => RequestError::Deadline,
        Trouble::Unavailable => RequestError::Overloaded { retry_after: error.retry_after.unwrap_or(AGAIN) },
        _ => RequestError::Failed(message),
    }
}
