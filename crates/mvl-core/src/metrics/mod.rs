//! Figures of merit, gathered batch by batch on the host.

mod accuracy;
mod confusion_matrix;
mod histogram;
mod multi_label;

pub use accuracy::TopKAccuracy;
pub use confusion_matrix::{ConfusionMatrix, LabelledConfusion};
pub use histogram::Histogram;
pub use multi_label::{MultiLabelAccuracy, MultiLabelMeanPrecision};

use serde::{Deserialize, Serialize, Serializer};

/// Accumulates one or more figures over a pass.
pub trait Metric<P, T>: Send {
    /// Takes in one batch; predictions and truths come in the same order.
    fn update(&mut self, predictions: &[P], truths: &[T]);

    /// The figures so far, named: `accuracy`, `top5_accuracy` …
    fn compute(&self) -> Vec<(String, f64)>;

    /// What it knows beyond figures, for pictures and reports. Nothing by default.
    fn detail(&self) -> Option<MetricDetail> {
        None
    }
}

/// What a metric knows beyond figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum MetricDetail {
    /// Which class was taken for which.
    ConfusionMatrix {
        /// The classes' names in order; empty when the metric does not know them.
        labels: Vec<String>,
        /// The counts.
        matrix: ConfusionMatrix,
    },
}

/// Named figures in a fixed order. As JSON an object; what is not a number is `null` there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(pub Vec<(String, f64)>);

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Metrics {
    /// The figure of a name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The names and figures in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// Which figure decides, and which way is better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// The figure's name among the validation metrics, such as `accuracy` or `loss`.
    pub metric: String,
    /// Which way is better.
    pub mode: MonitorMode,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MonitorMode {
    /// More is better.
    Max,
    /// Less is better.
    Min,
}

impl Monitor {
    /// More of `metric` is better.
    pub fn max(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), mode: MonitorMode::Max }
    }

    /// Less of `metric` is better.
    pub fn min(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), mode: MonitorMode::Min }
    }

    /// Whether `value` beats `best` by more than `delta`; a NaN never does, and anything else beats nothing.
    pub fn improves(&self, value: f64, best: Option<f64>, delta: f64) -> bool {
        match (best, self.mode) {
            _ if value.is_nan() => false,
            (None, _) => true,
            (Some(best), MonitorMode::Max) => value > best + delta,
            (Some(best), MonitorMode::Min) => value < best - delta,
        }
    }
}
