//! [`EngineKind`], [`EngineOptions`]: which engine computes a model, and how.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::EnginePrecision;
use crate::InferError;

/// The most threads of one forward pass.
pub const MAX_THREADS: usize = 1024;

/// What computes a model's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EngineKind {
    /// burn, on the backend that was asked for. Takes every model as it is.
    #[default]
    Burn,
    /// ONNX Runtime, on the CPU: the model is exported when it is loaded. Feature `ort`; the library is found at run time.
    Ort,
    /// rten, on the CPU: the model is exported when it is loaded. Feature `rten`; nothing to install.
    Rten,
}

impl EngineKind {
    /// All of them, compiled in or not.
    pub const ALL: [Self; 3] = [Self::Burn, Self::Ort, Self::Rten];

    /// The name, as config and command line have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Burn => "burn",
            Self::Ort => "ort",
            Self::Rten => "rten",
        }
    }

    /// Whether this build has it.
    pub const fn is_compiled(self) -> bool {
        match self {
            Self::Burn => true,
            Self::Ort => cfg!(feature = "ort"),
            Self::Rten => cfg!(feature = "rten"),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("expected an engine (burn, ort, rten), got {name:?}"))
    }
}

/// Which engine computes a model, and how.
///
/// ```
/// # use mvl_infer::{EngineKind, EngineOptions};
/// let options = EngineOptions::from(EngineKind::Rten).with_threads(2);
/// assert_eq!((options.kind, options.threads), (EngineKind::Rten, Some(2)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineOptions {
    /// The engine.
    pub kind: EngineKind,
    /// Threads of one forward pass of a replica, 1 to [`MAX_THREADS`]; as many as there are cores if nothing is said. For `ort` and
    /// `rten`: burn's threads are those of the process (`RAYON_NUM_THREADS`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Where ONNX Runtime's library is: the file, or a folder that holds it, such as that of Python's package `onnxruntime`. If nothing
    /// is said, what `ORT_DYLIB_PATH` names, else where the system looks for libraries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// On which of the backend's devices burn computes, by ordinal; on its first if nothing is said. Replicas take turns on them, and
    /// those on one device share its weights. The other engines compute on the CPU.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<usize>,
    /// What burn computes in, and keeps weights in. The other engines compute in `f32`.
    pub precision: EnginePrecision,
}

impl EngineOptions {
    /// Sets the threads of one forward pass.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Says where ONNX Runtime's library is.
    #[must_use]
    pub fn with_library(self, library: impl Into<PathBuf>) -> Self {
        Self { library: Some(library.into()), ..self }
    }

    /// Says on which of the backend's devices it is computed.
    #[must_use]
    pub fn with_devices(self, devices: impl Into<Vec<usize>>) -> Self {
        Self { devices: devices.into(), ..self }
    }

    /// Checks that the engine is there and takes these options.
    ///
    /// # Errors
    /// [`InferError::Engine`] when this build has no such engine, or an option is not for it.
    pub fn check(&self) -> Result<(), InferError> {
        let kind = self.kind;
        let wrong = |what: String| Err(InferError::Engine { kind, what });
        if !kind.is_compiled() {
            return wrong(format!(
                "this build has it not; build with the feature {kind:?}, or use another",
                kind = kind.name()
            ));
        }
        match self.threads {
            Some(threads) if !(1..=MAX_THREADS).contains(&threads) => {
                wrong(format!("expected 1 to {MAX_THREADS} threads, got {threads}"))
            }
            Some(_) if kind == EngineKind::Burn => {
                wrong("its threads are those of the process: set RAYON_NUM_THREADS instead of threads".to_owned())
            }
            _ if self.precision != EnginePrecision::F32 && kind != EngineKind::Burn => {
                wrong(format!("it computes in f32, got {}; burn has other precisions", self.precision))
            }
            _ if self.devices.len() > 1 && kind != EngineKind::Burn => {
                wrong("it computes on the CPU; several devices are for the engine burn".to_owned())
            }
            _ if self.library.is_some() && kind != EngineKind::Ort => {
                wrong("a library is for the engine ort alone".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The same, and that so many replicas reach every device.
    ///
    /// # Errors
    /// [`InferError::Engine`].
    pub fn check_for(&self, replicas: usize) -> Result<(), InferError> {
        self.check()?;
        let devices = self.devices.iter().collect::<BTreeSet<_>>().len();
        if devices <= replicas {
            return Ok(());
        }
        let what = format!("expected a replica for each of {devices} devices, got {replicas}");
        Err(InferError::Engine { kind: self.kind, what })
    }
}

impl From<EngineKind> for EngineOptions {
    fn from(kind: EngineKind) -> Self {
        Self { kind, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_config() {
        for kind in EngineKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).expect("JSON"), format!("{:?}", kind.name()));
        }
        "tract".parse::<EngineKind>().expect_err("not one of them");
    }

    #[test]
    fn options_that_an_engine_has_not_are_refused() {
        let burn = EngineOptions::default();
        burn.check().expect("the default");
        let rten = EngineOptions { precision: EnginePrecision::F16, ..EngineKind::Rten.into() };
        if EngineKind::Rten.is_compiled() {
            let error = rten.check().expect_err("rten computes in f32").to_string();
            assert!(error.contains("computes in f32, got f16"), "{error}");
        }
        for (options, says) in [
            (burn.clone().with_threads(2), "RAYON_NUM_THREADS"),
            (burn.clone().with_threads(0), "1 to 1024 threads"),
            (burn.with_library("libonnxruntime.so"), "for the engine ort alone"),
        ] {
            let error = options.check().expect_err(says).to_string();
            assert!(error.starts_with("the engine burn cannot be used: ") && error.contains(says), "{error}");
        }
    }
}
