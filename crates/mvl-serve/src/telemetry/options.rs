//! [`TelemetryOptions`]: what is logged and where traces go.

use serde::{Deserialize, Serialize};

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object of JSON each.
    Json,
}

/// What is logged and where traces go.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryOptions {
    /// What is logged: `error`, `warn`, `info` (a line for every request), `debug`, or by parts, such as `warn,mvl_serve=info`.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
    /// Where traces go: a collector's address, such as `http://127.0.0.1:4318` (OTLP over HTTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<String>,
    /// Which share of the requests is traced, of those whose callers have not decided: 0 to 1.
    pub sample: f64,
}

impl Default for TelemetryOptions {
    /// Warnings as text, no traces.
    fn default() -> Self {
        Self { level: "warn".to_owned(), format: LogFormat::Text, otlp: None, sample: 1.0 }
    }
}
