//! What a version must show before it is promoted.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ModelManifest;

/// Bounds on figures of a model's card. A figure that is missing or not a number does not pass.
///
/// # Example
/// ```
/// use mvl_track::manifest::{Bound, Gate, ModelManifest};
///
/// let gate: Gate = "test:accuracy>=0.9,test:loss<0.5".parse()?;
/// assert_eq!(gate.bounds[1], Bound { set: "test".into(), metric: "loss".into(), least: None, below: Some(0.5) });
/// assert!(!gate.judge(&ModelManifest::default()).passed()); // nothing was measured
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// All of them must hold.
    pub bounds: Vec<Bound>,
}

/// A bound on one figure of one evaluation set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The set's name in the card.
    pub set: String,
    /// The figure's name.
    pub metric: String,
    /// It must be at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// It must be below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// What came of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    /// One for each bound.
    pub verdicts: Vec<Verdict>,
}

/// What came of one bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The bound.
    pub bound: Bound,
    /// The figure, if the card has it.
    pub value: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
}

impl Gate {
    /// Holds the card of a model against it.
    #[must_use]
    pub fn judge(&self, manifest: &ModelManifest) -> GateReport {
        let judge = |bound: &Bound| {
            let value = manifest.card.metrics.get(&bound.set).and_then(|set| set.get(&bound.metric)).copied();
            let holds = |value: f64| {
                bound.least.is_none_or(|least| value >= least) && bound.below.is_none_or(|below| value < below)
            };
            Verdict { bound: bound.clone(), value, passed: value.is_some_and(|value| !value.is_nan() && holds(value)) }
        };
        GateReport { verdicts: self.bounds.iter().map(judge).collect() }
    }
}

impl GateReport {
    /// Whether all bounds hold.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.passed)
    }
}

impl std::str::FromStr for Gate {
    type Err = String;

    /// `SET:METRIC>=LEAST` or `SET:METRIC<BELOW`, commas between.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).map(bound).collect::<Result<_, _>>().map(|bounds| Self { bounds })
    }
}

fn bound(text: &str) -> Result<Bound, String> {
    let expected =
        || format!("expected SET:METRIC>=NUMBER or SET:METRIC<NUMBER, such as test:accuracy>=0.9, got {text:?}");
    let (name, number, is_least) = match (text.split_once(">="), text.split_once('<')) {
        (Some((name, number)), _) => (name, number, true),
        (None, Some((name, number))) => (name, number, false),
        (None, None) => return Err(expected()),
    };
    let (set, metric) = name.trim().split_once(':').ok_or_else(expected)?;
    let number: f64 = number.trim().parse().map_err(|_| expected())?;
    if set.is_empty() || metric.is_empty() || number.is_nan() {
        return Err(expected());
    }
    let (least, below) = if is_least { (Some(number), None) } else { (None, Some(number)) };
    Ok(Bound { set: set.to_owned(), metric: metric.to_owned(), least, below })
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.set, self.metric)?;
        self.least.map_or(Ok(()), |least| write!(f, " >= {least}"))?;
        self.below.map_or(Ok(()), |below| write!(f, " < {below}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn all_bounds_must_hold() {
        let gate: Gate = "test:accuracy>=0.9, test:loss<0.5".parse().expect("a gate");
        let judged = |figures: &[(&str, f64)]| {
            let figures: BTreeMap<_, _> = figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            let mut manifest = ModelManifest::default();
            manifest.card.metrics.insert("test".to_owned(), figures);
            gate.judge(&manifest).passed()
        };
        assert!(judged(&[("accuracy", 0.9), ("loss", 0.4)]));
        assert!(!judged(&[("accuracy", 0.899), ("loss", 0.4)]));
        assert!(!judged(&[("accuracy", 0.95), ("loss", 0.5)]));
        assert!(!judged(&[("accuracy", 0.95)]));
        assert!(!judged(&[("accuracy", f64::NAN), ("loss", 0.4)]));
    }

    #[test]
    fn what_is_no_gate_is_refused() {
        for text in
            ["", "accuracy>=0.9", "test:accuracy", "test:accuracy>=", "test:accuracy>=high", ":a<1", "test:a>=NaN"]
        {
            assert!(text.parse::<Gate>().is_err(), "{text}");
        }
    }
}
