//! [`IdentityEngine`]: gives back what it gets, to try a client, to measure a server.

use super::{Engine, EngineError};
use crate::{DataType, HostTensor, Signature, TensorSpec};

/// Gives back what it gets, under another name: `INPUT0` as `OUTPUT0`.
#[derive(Debug, Clone)]
pub struct IdentityEngine {
    signature: Signature,
}

impl IdentityEngine {
    /// Tensors of these types, `[N, any]` each.
    pub fn new(types: &[DataType]) -> Self {
        let specs = |name: &str| {
            let spec = |(n, &kind): (usize, &DataType)| TensorSpec::new(format!("{name}{n}"), kind, &[-1, -1]);
            types.iter().enumerate().map(spec).collect()
        };
        Self { signature: Signature { inputs: specs("INPUT"), outputs: specs("OUTPUT"), batched: true } }
    }
}

impl Engine for IdentityEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        "identity"
    }

    fn instant(&self) -> bool {
        true
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        Ok(inputs)
    }
}
