//! What a factor is drawn from, in a config file: one number for as much to both sides, or `[least, largest]`.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or [least, largest]")]
enum FactorRange {
    Around(f64),
    Between([f64; 2]),
}

/// For `#[serde(deserialize_with)]`: x means `[1 - x, 1 + x]`, and not below 0.
pub(super) fn around_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 2], D::Error> {
    Ok(match FactorRange::deserialize(deserializer)? {
        FactorRange::Around(x) => [(1.0 - x).max(0.0), 1.0 + x],
        FactorRange::Between(range) => range,
    })
}

/// For `#[serde(deserialize_with)]`: x means `[-x, x]`.
pub(super) fn around_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 2], D::Error> {
    Ok(match FactorRange::deserialize(deserializer)? {
        FactorRange::Around(x) => [-x, x],
        FactorRange::Between(range) => range,
    })
}

/// What is wrong with a range of factors, if anything.
pub(super) fn factor_problem(field: &str, range: [f64; 2]) -> Option<String> {
    let [least, largest] = range;
    let proper = 0.0 <= least && least <= largest && largest.is_finite();
    (!proper).then(|| format!("{field}: expected 0 <= least <= largest, got {range:?}"))
}

/// What is wrong with a range of turns of the colour wheel, if anything.
pub(super) fn hue_problem(range: [f64; 2]) -> Option<String> {
    let [least, largest] = range;
    let proper = -0.5 <= least && least <= largest && largest <= 0.5;
    (!proper).then(|| format!("hue: expected -0.5 <= least <= largest <= 0.5, got {range:?}"))
}
