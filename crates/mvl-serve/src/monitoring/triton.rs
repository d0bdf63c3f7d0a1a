//! Triton's `nv_inference_*`, so that dashboards made for it work. Their names break Prometheus's customs, which is why they have a page
//! of their own.

use std::fmt::Write;
use std::time::Duration;

use mvl_infer::Statistics;

use crate::models::{LoadedModel, Repository};

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

type Read = fn(&LoadedModel, &Statistics) -> u64;

/// Name, kind, help, and how it is read.
const FIGURES: [(&str, &str, &str, Read); 10] = [
    ("nv_inference_request_success", "counter", "Number of successful inference requests, all batch sizes", |_, s| {
        s.success.count
    }),
    ("nv_inference_request_failure", "counter", "Number of failed inference requests, all batch sizes", |_, s| {
        s.failure.count + s.refused
    }),
    ("nv_inference_count", "counter", "Number of inferences performed", |_, s| s.rows),
    ("nv_inference_exec_count", "counter", "Number of model executions performed", |_, s| s.passes),
    ("nv_inference_request_duration_us", "counter", "Cumulative request duration in microseconds", |_, s| {
        micros(s.success.time)
    }),
    ("nv_inference_queue_duration_us", "counter", "Cumulative queuing duration in microseconds", |_, s| {
        micros(s.queue.time)
    }),
    ("nv_inference_compute_input_duration_us", "counter", "Cumulative input duration in microseconds", |_, s| {
        micros(s.input.time)
    }),
    ("nv_inference_compute_infer_duration_us", "counter", "Cumulative inference duration in microseconds", |_, s| {
        micros(s.infer.time)
    }),
    ("nv_inference_compute_output_duration_us", "counter", "Cumulative output duration in microseconds", |_, s| {
        micros(s.output.time)
    }),
    ("nv_inference_pending_request_count", "gauge", "Number of rows that await execution", |model, _| {
        model.batcher.queued_rows() as u64
    }),
];

/// The page as text.
pub(super) fn page(repository: &Repository) -> String {
    let models = repository.loaded(None);
    let read: Vec<_> = models.iter().map(|model| (model, model.batcher.statistics())).collect();
    let mut text = String::new();
    for (name, kind, help, value) in FIGURES {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}"); // text can always be written
        for (model, statistics) in &read {
            // Names and versions hold no characters that would have to be escaped.
            let (model_name, version) = (&model.name, model.version.replace(['"', '\\', '\n'], "_"));
            let value = value(model, statistics);
            let _ = writeln!(text, "{name}{{model=\"{model_name}\",version=\"{version}\"}} {value}");
        }
    }
    text
}
