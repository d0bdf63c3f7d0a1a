//! Probabilities where a config file is silent, for `#[serde(default)]`.

/// Every other time.
pub(super) fn half() -> f64 {
    0.5
}

/// Every time.
pub(super) fn always() -> f64 {
    1.0
}
