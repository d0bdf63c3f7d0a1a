//! [`Telemetry`]: sets up what hears of spans and events.

use std::io;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Dispatch, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{EnvFilter, Registry, fmt};

use super::{LogFormat, TelemetryOptions, exporter, stages};
use crate::LineWriter;

/// What spans of requests are filed under.
const REQUESTS: &str = "mvl_serve::request";

/// Why there are no logs or traces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// An option is not as expected.
    #[error("{field}: {what}")]
    Option {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The process has something that hears already.
    #[error("logs were set up before")]
    Twice,
}

/// What hears of spans and events. Dropped, it hands over what it has.
#[derive(Debug)]
pub struct Telemetry {
    dispatch: Dispatch,
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Makes ready. Traces are sent on the runtime, which must be there until this is dropped.
    ///
    /// # Errors
    /// When an option is not as expected.
    pub fn new(options: &TelemetryOptions, log: LineWriter, runtime: Handle) -> Result<Self, TelemetryError> {
        let wrong = |field| move |what| TelemetryError::Option { field, what };
        if !(0.0..=1.0).contains(&options.sample) {
            return Err(wrong("sample")(format!("expected 0 to 1, got {}", options.sample)));
        }
        let filter = EnvFilter::builder().parse(&options.level).map_err(|error| wrong("level")(error.to_string()))?;
        let writer = move || ToLines(log.clone());
        let lines = match options.format {
            LogFormat::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
            LogFormat::Json => fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .with_writer(writer)
                .boxed(),
        };
        let provider = options.otlp.as_ref().map(|address| exporter::provider(address, options.sample, runtime));
        let provider = provider.transpose().map_err(wrong("otlp"))?;
        let traces = provider.as_ref().map(|provider| {
            stages::export_to(provider.clone());
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("mvl-serve"));
            // Nothing but requests: what sends spans makes none.
            layer
                .with_location(false)
                .with_tracked_inactivity(false)
                .with_filter(Targets::new().with_target(REQUESTS, Level::INFO))
        });
        let dispatch = Dispatch::new(Registry::default().with(traces).with(lines.with_filter(filter)));
        Ok(Self { dispatch, provider })
    }

    /// Hears everything in this process from now on.
    ///
    /// # Errors
    /// [`TelemetryError::Twice`].
    pub fn install(&self) -> Result<(), TelemetryError> {
        tracing::dispatcher::set_global_default(self.dispatch.clone()).map_err(|_| TelemetryError::Twice)
    }

    /// What hears, for a single thread.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Hands every event's line to the writer as a whole.
struct ToLines(LineWriter);

impl io::Write for ToLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.say(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
