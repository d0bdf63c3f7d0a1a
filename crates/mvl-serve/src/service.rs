//! [`Service`]: answers requests of any protocol with the models of a repository.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_infer::{HostTensor, Priority, Request, Timing};

use crate::access::AllowedSources;
use crate::models::{LoadedModel, Picked, Repository};
use crate::{ServiceError, Trouble, telemetry};

/// A request for tensors, as every protocol brings it.
#[derive(Debug, Clone, Default)]
pub struct InferCall {
    /// The model.
    pub model: String,
    /// The version; without it the repository decides.
    pub version: Option<String>,
    /// The inputs by name.
    pub inputs: Vec<(String, HostTensor)>,
    /// The outputs to give, in this order; none means all.
    pub outputs: Vec<String>,
    /// Who goes first.
    pub priority: Priority,
    /// For how long the answer is of use.
    pub timeout: Option<Duration>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct InferAnswer {
    /// The version that answered.
    pub model: Arc<LoadedModel>,
    /// The outputs by name.
    pub outputs: Vec<(String, HostTensor)>,
    /// Where the time went.
    pub timing: Timing,
}

/// Answers requests of any protocol. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    repository: Arc<Repository>,
    sources: Arc<AllowedSources>,
}

impl Service {
    /// A service on a repository. Requests may name the sources of its models and other versions of them, and no others.
    pub fn new(repository: Arc<Repository>) -> Self {
        Self { repository, sources: Arc::default() }
    }

    /// Lets requests name other sources too.
    #[must_use]
    pub fn with_sources(self, sources: AllowedSources) -> Self {
        Self { sources: Arc::new(sources), ..self }
    }

    /// Refuses a source that requests may not name.
    ///
    /// # Errors
    /// [`Trouble::Forbidden`].
    pub async fn check_source(&self, source: &str) -> Result<(), ServiceError> {
        let (allowed, source) = (self.sources.clone(), source.to_owned());
        // Links are followed, which may wait for a disk.
        let check = move |repository: &Repository| {
            let served = repository.sources();
            allowed.check(&source, served.iter().map(String::as_str))
        };
        self.blocking(check).await
    }

    /// The models.
    pub fn repository(&self) -> &Arc<Repository> {
        &self.repository
    }

    /// Answers.
    ///
    /// # Errors
    /// When there is no such model, the inputs are not what it takes, or it cannot answer in time.
    pub async fn infer(&self, call: InferCall) -> Result<InferAnswer, ServiceError> {
        self.infer_with(self.repository.pick(&call.model, call.version.as_deref())?, call).await
    }

    /// Answers with a version that was picked before, so that several requests are answered by one, whatever is loaded meanwhile.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub async fn infer_with(&self, picked: Picked, call: InferCall) -> Result<InferAnswer, ServiceError> {
        let model = picked.model;
        let signature = model.signature();
        let place_of = |name: &String| {
            let place = signature.outputs.iter().position(|spec| spec.name == *name);
            place.ok_or_else(|| ServiceError::invalid(format!("model {:?} has no output {name:?}", model.name)))
        };
        let wanted: Option<Vec<usize>> = match call.outputs.is_empty() {
            true => None,
            false => Some(call.outputs.iter().map(place_of).collect::<Result<_, _>>()?),
        };
        let inputs = signature.arrange(call.inputs)?;
        if let Some(shadow) = picked.shadow
            && shadow.signature() == signature
        {
            // Nobody waits for it: it goes last, and what it answers is dropped.
            let request = Request { priority: Priority::Low, ..Request::new(inputs.clone()) };
            tokio::spawn(shadow.batcher.submit(request));
        }
        let seen = model.drift.is_some().then(|| inputs.clone());
        let timeout = call.timeout.unwrap_or(model.batcher.options().timeout);
        let deadline = Instant::now() + timeout;
        let ticket = model.batcher.submit(Request { inputs, priority: call.priority, deadline: Some(deadline) });
        // The engine may be at it when the time is up; whoever waits need not.
        let late = || ServiceError::new(Trouble::Late, "the deadline passed before the answer was there");
        let answer = tokio::time::timeout_at(deadline.into(), ticket).await.map_err(|_| late())??;
        telemetry::record_answer(&model, &answer.timing, answer.batch_rows);
        if let Some(inputs) = seen {
            model.look(&inputs, &answer.outputs);
        }
        let names = signature.outputs.iter().map(|spec| &spec.name);
        let outputs: Vec<_> = names.cloned().zip(answer.outputs).collect();
        let outputs = match wanted {
            None => outputs,
            Some(wanted) => wanted.into_iter().map(|place| outputs[place].clone()).collect(),
        };
        Ok(InferAnswer { model, outputs, timing: answer.timing })
    }

    /// Runs what blocks, such as a load, beside the requests.
    ///
    /// # Errors
    /// What the work gives, and when it panics.
    pub async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Repository) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let repository = self.repository.clone();
        let done = tokio::task::spawn_blocking(move || work(&repository)).await;
        done.unwrap_or_else(|_| Err(ServiceError::internal("the work ended with a panic")))
    }
}
