//! What is recorded of a run, in the order it is sent.

use std::path::PathBuf;

use bytes::Bytes;
use mvl_core::Image;
use serde_json::{Value, json};

use crate::observers::remote::Parcel;

/// One thing to record.
#[derive(Debug)]
pub(crate) enum Entry {
    /// The run itself; always the first.
    Begin(Begin),
    /// Names and values; at most a hundred.
    Params(Vec<(String, String)>),
    /// Names and values.
    Tags(Vec<(String, String)>),
    /// Figures of a step, which may be thinned out, or of an epoch.
    Figures { metrics: Vec<Figure>, of_step: bool },
    /// A file below the run, at this path.
    Artifact { path: String, content: Content },
    /// How it ended.
    End { status: RunStatus, time_ms: u64 },
}

/// How a run begins.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) experiment: String,
    pub(crate) run_name: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) time_ms: u64,
    /// The run that it goes on with.
    pub(crate) resumed: Option<String>,
    /// A name that no other run has, to find a run again whose creation was not answered.
    pub(crate) start_id: String,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) time_ms: u64,
    pub(crate) step: usize,
}

impl Figure {
    /// As MLflow reads it: what is no number in words, since JSON has none for it.
    pub(crate) fn to_json(&self) -> Value {
        let value = match self.value {
            value if value.is_nan() => json!("NaN"),
            value if value.is_infinite() => json!(if value > 0.0 { "Infinity" } else { "-Infinity" }),
            value => json!(value),
        };
        json!({"key": self.name, "value": value, "timestamp": self.time_ms, "step": self.step})
    }
}

/// What is in an artifact.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// A file, read when it is sent; one that is not there is left out.
    File(PathBuf),
    /// A picture, sent as PNG.
    Picture(Image),
}

/// MLflow's words for how a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunStatus {
    Running,
    Finished,
    Failed,
    Killed,
}

impl RunStatus {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

impl Parcel for Entry {
    fn is_spare(&self) -> bool {
        matches!(self, Self::Figures { of_step: true, .. } | Self::Artifact { content: Content::Picture(_), .. })
    }

    fn replaces(&self, waiting: &Self) -> bool {
        match (self, waiting) {
            (Self::Artifact { path, .. }, Self::Artifact { path: older, .. }) => path == older,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_no_numbers_are_words() {
        let value = |value| Figure { name: "loss".to_owned(), value, time_ms: 1, step: 2 }.to_json()["value"].clone();
        assert_eq!(value(0.1 + 0.2), json!(0.30000000000000004));
        assert_eq!(value(f64::NAN), json!("NaN"));
        assert_eq!(value(f64::NEG_INFINITY), json!("-Infinity"));
    }
}
