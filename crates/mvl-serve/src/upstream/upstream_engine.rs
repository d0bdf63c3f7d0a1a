//! [`UpstreamEngine`]: asks another server.

use std::fmt;
use std::time::{Duration, Instant};

use mvl_core::with_causes;
use mvl_infer::{Engine, EngineError, HostTensor, Signature};
use tokio::runtime::Handle;
use url::Url;

use super::usual_time::UsualTime;
use crate::client::{Client, ClientError, InferRequest};

/// When to ask again a server that has too much to do and does not say when.
const AGAIN: Duration = Duration::from_secs(1);

/// Asks another server for a forward pass, one at a time. The pass ends at its deadline, whatever the server does. A deadline that is short
/// beside what answers usually take is its caller's affair and counts as no failure.
pub struct UpstreamEngine {
    pub(super) client: Client,
    /// Where tensors are posted.
    pub(super) url: Url,
    pub(super) signature: Signature,
    pub(super) platform: &'static str,
    pub(super) timeout: Duration,
    pub(super) usual: UsualTime,
    pub(super) runtime: Handle,
}

impl fmt::Debug for UpstreamEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamEngine").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Engine for UpstreamEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        self.platform
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        self.run_until(inputs, Instant::now() + self.timeout)
    }

    fn run_until(&self, inputs: Vec<HostTensor>, deadline: Instant) -> Result<Vec<HostTensor>, EngineError> {
        let left = deadline.saturating_duration_since(Instant::now()).min(self.timeout).max(Duration::from_millis(1));
        let names = self.signature.inputs.iter().map(|spec| spec.name.clone());
        let request = InferRequest {
            inputs: names.zip(inputs).collect(),
            outputs: self.signature.outputs.iter().map(|spec| spec.name.clone()).collect(),
            timeout: Some(left),
            ..InferRequest::default()
        };
        let begun = Instant::now();
        let asked = self.runtime.block_on(self.client.infer_at(self.url.clone(), &request));
        let mut answer = asked.map_err(|error| self.blame(error, left))?;
        self.usual.note(begun.elapsed());
        let outputs = self.signature.outputs.iter().map(|spec| {
            let place = answer.outputs.iter().position(|(name, _)| *name == spec.name);
            let place = place.ok_or_else(|| {
                EngineError::Failed(format!("{}: expected output {:?}, it is missing", self.url, spec.name))
            })?;
            Ok(answer.outputs.swap_remove(place).1)
        });
        outputs.collect()
    }
}

impl UpstreamEngine {
    /// Whose fault it is that there was no answer in the time that was `given`.
    fn blame(&self, error: ClientError, given: Duration) -> EngineError {
        match error {
            // What is wrong with the inputs is so everywhere.
            ClientError::Request { what } => EngineError::Input(what),
            ClientError::Refused { status: 400 | 413 | 422, message, .. } => EngineError::Input(message),
            ClientError::Late { .. } | ClientError::Refused { status: 504, .. }
                if given < self.timeout && !self.usual.is_fair(given) =>
            {
                EngineError::Late
            }
            // It also says so when it cannot be in time for the deadline that it was told.
            ClientError::Refused { status: 429 | 503, retry_after: Some(retry_after), .. } => {
                EngineError::Busy { retry_after }
            }
            ClientError::Refused { status: 429, .. } => EngineError::Busy { retry_after: AGAIN },
            ClientError::Connection { address, source } => {
                EngineError::Unreachable(format!("{address}: {}", with_causes(&*source)))
            }
            ClientError::Refused { status: 401 | 403 | 404 | 502 | 503, .. } => {
                EngineError::Unreachable(error.to_string())
            }
            other => EngineError::Failed(other.to_string()),
        }
    }
}
