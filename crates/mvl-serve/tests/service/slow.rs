//! [`Slow`]: an engine that takes its time.

use std::sync::Arc;
use std::time::Duration;

use mvl_infer::{DataType, Engine, EngineError, HostTensor, IdentityEngine, Signature};

/// What another engine answers, after a while.
pub(crate) struct Slow {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) pass: Duration,
}

impl Slow {
    /// Gives back an `FP32` tensor `[N, any]`: `INPUT0` as `OUTPUT0`.
    pub(crate) fn identity(pass: Duration) -> Arc<dyn Engine> {
        Arc::new(Self { engine: Arc::new(IdentityEngine::new(&[DataType::Fp32])), pass })
    }
}

impl Engine for Slow {
    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn platform(&self) -> &str {
        "slow"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        std::thread::sleep(self.pass);
        self.engine.run(inputs)
    }
}
