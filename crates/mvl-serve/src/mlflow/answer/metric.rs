//! A metric.

use mvl_track::Metric;
use serde::Serialize;

use super::number::double;

/// A metric: the point alone, with its run, or with all that is known.
#[derive(Serialize)]
pub(crate) struct MetricJson<'a> {
    key: &'a str,
    #[serde(serialize_with = "double")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
}

impl<'a> MetricJson<'a> {
    pub(crate) fn point(metric: &'a Metric) -> Self {
        let Metric { key, value, timestamp, step, .. } = metric;
        let (dataset_name, dataset_digest, model_id, run_id) = (None, None, None, None);
        Self { key, value: *value, timestamp: *timestamp, step: *step, dataset_name, dataset_digest, model_id, run_id }
    }

    pub(crate) fn of_run(metric: &'a Metric) -> Self {
        Self { run_id: metric.run_id.as_deref(), ..Self::point(metric) }
    }

    pub(crate) fn whole(metric: &'a Metric) -> Self {
        Self {
            dataset_name: metric.dataset_name.as_deref(),
            dataset_digest: metric.dataset_digest.as_deref(),
            model_id: metric.model_id.as_deref(),
            ..Self::of_run(metric)
        }
    }
}
