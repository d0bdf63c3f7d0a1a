//! [`EnginePrecision`]: what a model is computed in, and its weights are kept in.

use std::fmt;
use std::str::FromStr;

use mvl_core::Precision;
use serde::{Deserialize, Serialize};

/// What a model is computed in, and its weights are kept in. burn has all of them where the device has; the other engines `f32` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EnginePrecision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of `f32`; half the memory. Normalisations that are left stay in `f32`.
    Bf16,
    /// 16 bits, finer than `bf16`; half the memory. Normalisations that are left stay in `f32`.
    F16,
    /// Weights are kept in 8 bits, a quarter of the memory, and brought back to `f32` each time they are used
    /// ([`quantize_weights`](mvl_core::quantize_weights)). Answers move a little and come no sooner. On the backend `cpu`.
    Int8,
}

impl EnginePrecision {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::F32, Self::Bf16, Self::F16, Self::Int8];

    /// The name, as config and command line have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    /// The type that flows through the net.
    pub(super) fn computed_in(self) -> Precision {
        match self {
            Self::F32 | Self::Int8 => Precision::F32,
            Self::Bf16 => Precision::Bf16,
            Self::F16 => Precision::F16,
        }
    }
}

impl fmt::Display for EnginePrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EnginePrecision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| format!("expected a precision (f32, bf16, f16, int8), got {name:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_config() {
        for precision in EnginePrecision::ALL {
            assert_eq!(precision.name().parse(), Ok(precision));
            assert_eq!(serde_json::to_value(precision).expect("JSON"), precision.name());
        }
        "int4".parse::<EnginePrecision>().expect_err("not one of them");
    }
}
