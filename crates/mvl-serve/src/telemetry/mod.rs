//! Logs and traces: a line for every request, and where its time went, for whoever collects traces over OTLP.
//!
//! Everything goes through [`tracing`], so a program of your own may set up something else. Where nothing is set up it costs nothing.

mod exporter;
mod options;
mod stages;
mod start;
mod trace_parent;

pub use options::{LogFormat, TelemetryOptions};
pub(crate) use stages::{is_exporting, record_answer};
pub use start::{Telemetry, TelemetryError};
pub(crate) use trace_parent::continue_trace;
