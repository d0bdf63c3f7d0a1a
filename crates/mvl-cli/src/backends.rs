//! A flag becomes a type here, and nowhere else.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// The CPU (burn-flex).
    Cpu,
    /// The CPU through burn-ndarray, a slow second opinion.
    Ndarray,
    /// NVIDIA GPUs.
    Cuda,
    /// GPUs through Vulkan.
    Vulkan,
    /// Apple GPUs.
    Metal,
    /// AMD GPUs.
    Rocm,
}

/// The first that was compiled in, in the order of [`BackendChoice::ALL`].
impl Default for BackendChoice {
    fn default() -> Self {
        Self::ALL.into_iter().find(|choice| choice.is_compiled()).unwrap_or(Self::Cpu)
    }
}

impl BackendChoice {
    /// All of them, compiled in or not.
    pub const ALL: [Self; 6] = [Self::Cpu, Self::Ndarray, Self::Cuda, Self::Vulkan, Self::Metal, Self::Rocm];

    /// Whether this build has it.
    pub fn is_compiled(self) -> bool {
        match self {
            Self::Cpu => cfg!(feature = "cpu"),
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Rocm => cfg!(feature = "rocm"),
        }
    }

    /// The name on the command line, which is also the cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Ndarray => "ndarray",
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Rocm => "rocm",
        }
    }
}

/// A backend that was not compiled in.
#[derive(Debug, thiserror::Error)]
#[error("this build has no {0} backend: build with `cargo build --release --features {0}`, or use --backend cpu")]
pub(crate) struct NotCompiled(pub(crate) &'static str);

/// Runs `$body` with `$B` standing for the chosen backend's type; an `Err(NotCompiled)` when this build lacks it.
macro_rules! with_backend {
    ($choice:expr, $B:ident => $body:expr) => {{
        macro_rules! arm {
            ($feature:literal, $type:ident) => {{
                #[cfg(feature = $feature)]
                {
                    type $B = mvl::core::$type;
                    Ok($body)
                }
                #[cfg(not(feature = $feature))]
                {
                    Err($crate::backends::NotCompiled($feature))
                }
            }};
        }
        match $choice {
            $crate::backends::BackendChoice::Cpu => arm!("cpu", Cpu),
            $crate::backends::BackendChoice::Ndarray => arm!("ndarray", NdArray),
            $crate::backends::BackendChoice::Cuda => arm!("cuda", Cuda),
            $crate::backends::BackendChoice::Vulkan => arm!("vulkan", Vulkan),
            $crate::backends::BackendChoice::Metal => arm!("metal", Metal),
            $crate::backends::BackendChoice::Rocm => arm!("rocm", Rocm),
        }
    }};
}
pub(crate) use with_backend;
