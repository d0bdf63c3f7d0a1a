//! Where a request's time went within the batcher, as spans: it is known when the answer is there, so they are made afterwards.

use std::sync::OnceLock;
use std::time::SystemTime;

use mvl_infer::Timing;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::models::LoadedModel;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Spans of stages go there too from now on; the first that is named stays.
pub(super) fn export_to(provider: SdkTracerProvider) {
    TRACER.get_or_init(|| provider.tracer("mvl-serve"));
}

/// Whether spans are sent anywhere.
pub(crate) fn is_exporting() -> bool {
    TRACER.get().is_some()
}

/// Notes with the request's span who answered and where the time went.
pub(crate) fn record_answer(model: &LoadedModel, timing: &Timing, batch_rows: usize) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("model", &model.name).record("version", &model.version);
    span.record("queue_ms", timing.queue.as_secs_f64() * 1e3).record("infer_ms", timing.infer.as_secs_f64() * 1e3);
    let Some(tracer) = TRACER.get() else { return };
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return;
    }
    let mut begin = SystemTime::now() - timing.queue - timing.input - timing.infer - timing.output;
    for (name, time) in
        [("queue", timing.queue), ("input", timing.input), ("infer", timing.infer), ("output", timing.output)]
    {
        let mut stage = tracer.span_builder(name).with_start_time(begin).start_with_context(tracer, &context);
        if name == "infer" {
            stage.set_attribute(KeyValue::new("batch.rows", i64::try_from(batch_rows).unwrap_or(i64::MAX)));
            stage.set_attribute(KeyValue::new("engine", model.batcher.platform().to_owned()));
        }
        begin += time;
        stage.end_with_timestamp(begin);
    }
}
