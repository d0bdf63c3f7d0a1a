//! Numbers as proto3's JSON writes them.

use serde::Serializer;

/// A number; JSON has no NaN, so that is a string. Infinities become the largest numbers, as MLflow stores them.
pub(super) fn double<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_nan() {
        return serializer.serialize_str("NaN");
    }
    serializer.serialize_f64(value.clamp(-f64::MAX, f64::MAX))
}
