//! [`HookConfig`]: a function behind HTTP, which cannot say itself which tensors it takes.

use mvl_infer::{DataType, MAX_RANK, Signature, TensorSpec};
use serde::{Deserialize, Serialize};

/// A tensor as a config writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorConfig {
    /// Its name.
    pub name: String,
    /// Its elements' type, as the protocol names it: `FP32`, `BYTES`.
    pub datatype: String,
    /// Lengths of its axes; -1 for any.
    pub shape: Vec<i64>,
}

impl TensorConfig {
    fn spec(&self) -> Result<TensorSpec, String> {
        let Self { name, datatype, shape } = self;
        let datatype: DataType = datatype.parse().map_err(|error| format!("tensor {name:?}: {error}"))?;
        match shape.len() <= MAX_RANK && shape.iter().all(|&side| side >= -1) {
            true => Ok(TensorSpec::new(name, datatype, shape)),
            false => Err(format!(
                "tensor {name:?}: expected a shape of at most {MAX_RANK} lengths from 0, or -1 for any, got {shape:?}"
            )),
        }
    }
}

/// An HTTP hook: it gets a `POST` with the body of the protocol's `infer` in JSON, and answers in the same form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookConfig {
    /// Where it answers; each address is a replica.
    pub urls: Vec<String>,
    /// What it takes.
    pub inputs: Vec<TensorConfig>,
    /// What it gives.
    pub outputs: Vec<TensorConfig>,
    /// Whether the first axis of every tensor counts rows that do not know of each other.
    #[serde(default = "yes")]
    pub batched: bool,
}

fn yes() -> bool {
    true
}

impl HookConfig {
    /// Which tensors it takes and gives.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn signature(&self) -> Result<Signature, String> {
        let mut problems = Vec::new();
        let mut specs = |configs: &[TensorConfig]| -> Vec<TensorSpec> {
            configs.iter().filter_map(|config| config.spec().map_err(|problem| problems.push(problem)).ok()).collect()
        };
        let signature = Signature { inputs: specs(&self.inputs), outputs: specs(&self.outputs), batched: self.batched };
        if self.urls.is_empty() {
            problems.push("urls: expected one at least".to_owned());
        }
        if self.outputs.is_empty() || self.inputs.is_empty() {
            problems.push("expected an input and an output at least".to_owned());
        }
        let all = || signature.inputs.iter().chain(&signature.outputs);
        if self.batched && all().any(|spec| spec.shape.first() != Some(&None)) {
            problems.push("expected every shape to begin with -1, or batched = false".to_owned());
        }
        if problems.is_empty() { Ok(signature) } else { Err(problems.join("; ")) }
    }
}
