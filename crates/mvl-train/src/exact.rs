//! Floats in JSON that come back bit for bit, NaN and infinity included.
//!
//! serde_json's parser may be off by one in the last place and its writer turns NaN into `null`; a resumed run needs the
//! very number. So these are written as strings, in Rust's shortest exact notation.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One float, as a string.
#[derive(Debug, Clone, Copy)]
struct Exact(f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom(format!("expected a number, got {text:?}")))
    }
}

/// For a field of type `f64`.
pub(crate) mod float {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Exact(*value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Exact::deserialize(deserializer).map(|exact| exact.0)
    }
}

/// For a field of named floats.
pub(crate) mod named {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(values: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|(name, value)| (name, Exact(*value))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, f64)>, D::Error> {
        let values = Vec::<(String, Exact)>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|(name, exact)| (name, exact.0)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back() {
        let hard =
            [0.1 + 0.2, 1.0 / 3.0, 5e-324, f64::MAX, -0.0, f64::NAN, f64::INFINITY, 8.41e-21, 9.5367431640625e-7];
        for value in hard {
            let json = serde_json::to_string(&Exact(value)).expect("a string");
            let back: Exact = serde_json::from_str(&json).expect("what was written");
            assert_eq!(back.0.to_bits(), value.to_bits(), "{json}");
        }
        assert!(serde_json::from_str::<Exact>("\"much\"").is_err());
    }
}
