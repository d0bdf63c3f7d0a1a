//! The types in which a model can be trained.

use std::fmt;

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};

/// The type of the numbers that flow through a model in training. Weights are kept in `f32` in any case.
///
/// # Example
/// ```
/// use burn::tensor::DType;
/// use mvl_core::{Backend, Cpu, Precision};
///
/// let precision: Precision = serde_json::from_str("\"bf16\"")?;
/// assert_eq!((precision, precision.dtype()), (Precision::Bf16, DType::BF16));
/// precision.supported_by(&Cpu::device(0)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 8 bits of exponent, 23 of fraction: everything in one type.
    #[default]
    F32,
    /// 8 bits of exponent, 7 of fraction: the range of `f32`.
    Bf16,
    /// 5 bits of exponent, 10 of fraction: finer than `bf16`, but from about 6·10⁻⁸ to 65504 only, so that losses must be scaled.
    F16,
}

impl Precision {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// burn's type.
    #[must_use]
    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    /// The name in a config file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// Asks the device's backend whether it stores, converts and computes in this type.
    ///
    /// # Errors
    /// [`UnsupportedPrecision`] when it does not.
    pub fn supported_by(self, device: &Device) -> Result<(), UnsupportedPrecision> {
        if device.supports_dtype(self.dtype()) {
            return Ok(());
        }
        let supported = Self::ALL.into_iter().filter(|precision| device.supports_dtype(precision.dtype())).collect();
        Err(UnsupportedPrecision { precision: self, supported, device: format!("{device:?}") })
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A device cannot compute in a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this device computes in {}, not in {precision}: {device}", names(.supported))]
pub struct UnsupportedPrecision {
    /// What was asked for.
    pub precision: Precision,
    /// What the device computes in.
    pub supported: Vec<Precision>,
    /// The device, as burn writes it.
    pub device: String,
}

fn names(supported: &[Precision]) -> String {
    match supported {
        [] => "none of our types".to_owned(),
        supported => supported.iter().map(|precision| precision.name()).collect::<Vec<_>>().join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Cpu};

    #[test]
    fn names_are_those_of_files() {
        for precision in Precision::ALL {
            let written = serde_json::to_value(precision).expect("a name");
            assert_eq!(written, precision.name());
            assert_eq!(serde_json::from_value::<Precision>(written).expect("its own name"), precision);
        }
        assert_eq!(Precision::default(), Precision::F32);
    }

    #[test]
    fn the_cpu_computes_in_all_with_gradients_too() {
        let device = Cpu::device(0).expect("a CPU");
        for precision in Precision::ALL {
            assert_eq!(precision.supported_by(&device), Ok(()));
            assert_eq!(precision.supported_by(&device.clone().autodiff()), Ok(()));
        }
    }

    #[test]
    fn an_error_says_what_would_do() {
        let error = |supported| UnsupportedPrecision { precision: Precision::Bf16, supported, device: "D".to_owned() };
        let some = error(vec![Precision::F32, Precision::F16]).to_string();
        assert_eq!(some, "this device computes in f32 and f16, not in bf16: D");
        assert_eq!(error(Vec::new()).to_string(), "this device computes in none of our types, not in bf16: D");
    }
}
