//! Our own figures, read from the models when Prometheus asks.

use std::fmt;
use std::sync::Arc;

use mvl_infer::{LATENCY_BOUNDS, ReplicaHealth, Statistics};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::models::{LoadedModel, ModelState, Repository};

/// | name | is |
/// |---|---|
/// | `mvl_serve_requests_total{model,version,outcome}` | requests by what came of them: `answered`, `failed`, `refused`, `cancelled` |
/// | `mvl_serve_rows_total`, `mvl_serve_passes_total` | rows answered, forward passes |
/// | `mvl_serve_request_seconds` | a histogram of answered requests' times, waiting included |
/// | `mvl_serve_stage_seconds_total{stage}` | where the time went: `queue`, `input`, `infer`, `output` |
/// | `mvl_serve_queued_rows` | rows that wait now |
/// | `mvl_serve_replicas{health}` | replicas: `healthy`, `ejected`, `draining` |
/// | `mvl_serve_input_drift{figure}`, `mvl_serve_prediction_drift{figure}` | how far pictures and answers are from those that the model was made with |
/// | `mvl_serve_drift_rows` | pictures that were compared |
/// | `mvl_serve_models{state}` | models: `ready`, `loading`, `unavailable` |
pub(super) struct Figures {
    repository: Arc<Repository>,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Figures {
    pub(super) fn new(repository: Arc<Repository>) -> Self {
        Self { repository }
    }
}

/// A version with what it has done so far.
struct Read {
    model: Arc<LoadedModel>,
    statistics: Statistics,
}

impl Read {
    fn labels(&self) -> [(&'static str, &str); 2] {
        [("model", &self.model.name), ("version", &self.model.version)]
    }
}

/// A name, what it is, and how it is read.
type Counter = (&'static str, &'static str, fn(&Statistics) -> u64);

impl Figures {
    /// How far pictures and answers are from those that models were made with, of models that have a reference.
    fn drifts(&self, read: &[Read], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let watched: Vec<_> = read.iter().filter_map(|read| Some((read, read.model.drift.as_ref()?))).collect();
        if watched.is_empty() {
            return Ok(());
        }
        let drifts: Vec<_> = watched.iter().map(|(read, drift)| (read, drift.drifts())).collect();
        let families = [
            ("input_drift", "Population stability index of pictures against the reference", true),
            ("prediction_drift", "Population stability index of answers against the reference", false),
        ];
        for (name, help, of_input) in families {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (read, drifts) in &drifts {
                for drift in drifts.iter().filter(|drift| drift.of_input == of_input) {
                    let [model, version] = read.labels();
                    let labels = [model, version, ("figure", drift.figure.as_str())];
                    family.encode_family(&labels)?.encode_gauge(&drift.index)?;
                }
            }
        }
        let help = "Pictures that are compared with the reference";
        let mut rows = encoder.encode_descriptor("drift_rows", help, None, MetricType::Gauge)?;
        for (read, drift) in &watched {
            let count = i64::try_from(drift.rows()).unwrap_or(i64::MAX);
            rows.encode_family(&read.labels())?.encode_gauge(&count)?;
        }
        Ok(())
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let models = self.repository.loaded(None).into_iter();
        let read: Vec<Read> = models.map(|model| Read { statistics: model.batcher.statistics(), model }).collect();
        let counters: [Counter; 2] = [
            ("rows", "Rows answered", |statistics| statistics.rows),
            ("passes", "Forward passes", |statistics| statistics.passes),
        ];
        for (name, help, value) in counters {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for read in &read {
                family
                    .encode_family(&read.labels())?
                    .encode_counter::<NoLabelSet, _, u64>(&value(&read.statistics), None)?;
            }
        }
        let mut requests =
            encoder.encode_descriptor("requests", "Requests by what came of them", None, MetricType::Counter)?;
        for read in &read {
            let statistics = &read.statistics;
            let outcomes = [
                ("answered", statistics.success.count),
                ("failed", statistics.failure.count),
                ("refused", statistics.refused),
                ("cancelled", statistics.cancelled),
            ];
            for (outcome, count) in outcomes {
                let [model, version] = read.labels();
                let labels = [model, version, ("outcome", outcome)];
                requests.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        let help = "Where answered requests' time went";
        let mut stages = encoder.encode_descriptor("stage", help, Some(&Unit::Seconds), MetricType::Counter)?;
        for read in &read {
            let Statistics { queue, input, infer, output, .. } = &read.statistics;
            for (stage, total) in [("queue", queue), ("input", input), ("infer", infer), ("output", output)] {
                let [model, version] = read.labels();
                let seconds = total.time.as_secs_f64();
                let labels = [model, version, ("stage", stage)];
                stages.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&seconds, None)?;
            }
        }
        let help = "Times of answered requests, waiting included";
        let mut times = encoder.encode_descriptor("request", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for read in &read {
            let success = &read.statistics.success;
            let bounds = LATENCY_BOUNDS.iter().map(|bound| bound.as_secs_f64()).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(read.statistics.latencies).collect();
            times.encode_family(&read.labels())?.encode_histogram::<NoLabelSet>(
                success.time.as_secs_f64(),
                success.count,
                &buckets,
                None,
            )?;
        }
        let mut queued = encoder.encode_descriptor("queued_rows", "Rows that wait now", None, MetricType::Gauge)?;
        for read in &read {
            let rows = i64::try_from(read.model.batcher.queued_rows()).unwrap_or(i64::MAX);
            queued.encode_family(&read.labels())?.encode_gauge(&rows)?;
        }
        let mut replicas = encoder.encode_descriptor("replicas", "Replicas by health", None, MetricType::Gauge)?;
        for read in &read {
            let reports = read.model.batcher.replicas();
            let kinds = [
                ("healthy", ReplicaHealth::Healthy),
                ("ejected", ReplicaHealth::Ejected),
                ("draining", ReplicaHealth::Draining),
            ];
            for (name, health) in kinds {
                let count = reports.iter().filter(|report| report.health == health).count() as i64;
                let [model, version] = read.labels();
                replicas.encode_family(&[model, version, ("health", name)])?.encode_gauge(&count)?;
            }
        }
        self.drifts(&read, &mut encoder)?;
        let mut states = encoder.encode_descriptor("models", "Models by state", None, MetricType::Gauge)?;
        let mut index = self.repository.index();
        index.dedup_by(|a, b| a.name == b.name);
        for name in ["ready", "loading", "unavailable"] {
            let is = |state: &ModelState| match state {
                ModelState::Ready => name == "ready",
                ModelState::Loading => name == "loading",
                ModelState::Unloaded | ModelState::Unavailable(_) => name == "unavailable",
            };
            let count = index.iter().filter(|entry| is(&entry.state)).count() as i64;
            states.encode_family(&[("state", name)])?.encode_gauge(&count)?;
        }
        Ok(())
    }
}
