//! `runs/log-batch`: the request that trainings send all the time, so it is read without taking it apart into fields first.

use std::borrow::Cow;

use axum::extract::State;
use mvl_track::{Batch, Metric, Param, Tag, TrackError};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::answer::nothing;
use super::app::App;
use super::error::Answer;
use super::metrics::{bounded, metric};
use super::request::{Fields, JsonBody};

/// How many of a kind may be logged at once.
const METRICS: usize = 1000;
const PARAMS: usize = 100;

pub(super) async fn log(State(app): State<App>, JsonBody(bytes): JsonBody) -> Answer {
    // What the straight way does not take is read again with leniency, and with words for what is wrong.
    let (run_id, batch) = match serde_json::from_slice::<Straight<'_>>(&bytes) {
        Ok(straight) => straight.into_batch(),
        Err(_) => lenient(&bytes)?,
    };
    app.tracker.log_batch(&run_id, &batch).await?;
    nothing()
}

/// A batch as MLflow's client writes it. A text that has to be filled is checked by the tracker, but for keys, whose absence has words
/// of its own: an empty one goes the lenient way.
#[derive(Deserialize)]
struct Straight<'a> {
    #[serde(borrow, deserialize_with = "filled")]
    run_id: Cow<'a, str>,
    #[serde(default, borrow)]
    metrics: Vec<StraightMetric<'a>>,
    #[serde(default, borrow)]
    params: Vec<StraightPair<'a>>,
    #[serde(default, borrow)]
    tags: Vec<StraightPair<'a>>,
}

#[derive(Deserialize)]
struct StraightMetric<'a> {
    #[serde(borrow, deserialize_with = "filled")]
    key: Cow<'a, str>,
    #[serde(deserialize_with = "exact")]
    value: f64,
    timestamp: i64,
    #[serde(default)]
    step: i64,
    model_id: Option<String>,
    dataset_name: Option<String>,
    dataset_digest: Option<String>,
}

#[derive(Deserialize)]
struct StraightPair<'a> {
    #[serde(borrow, deserialize_with = "filled")]
    key: Cow<'a, str>,
    #[serde(default, borrow)]
    value: Cow<'a, str>,
}

/// The number that stands there, to its last digit, which serde_json's own reading of numbers may miss; or a word for one, as `"NaN"`.
fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().map_err(serde::de::Error::custom)
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    /// serde borrows a `Cow` only where it is told to.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(text) = Text::deserialize(deserializer)?;
    if text.is_empty() { Err(serde::de::Error::custom("empty")) } else { Ok(text) }
}

impl Straight<'_> {
    fn into_batch(self) -> (String, Batch) {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let metric = |metric: StraightMetric<'_>| Metric {
            key: metric.key.into_owned(),
            value: bounded(metric.value),
            timestamp: metric.timestamp,
            step: metric.step,
            model_id: filled(metric.model_id),
            dataset_name: filled(metric.dataset_name),
            dataset_digest: filled(metric.dataset_digest),
            run_id: None,
        };
        let pair = |StraightPair { key, value }: StraightPair<'_>| (key.into_owned(), value.into_owned());
        let batch = Batch {
            metrics: self.metrics.into_iter().map(metric).collect(),
            params: self.params.into_iter().map(pair).map(|(key, value)| Param { key, value }).collect(),
            tags: self.tags.into_iter().map(pair).map(|(key, value)| Tag { key, value }).collect(),
        };
        (self.run_id.into_owned(), batch)
    }
}

fn lenient(bytes: &[u8]) -> Answer<(String, Batch)> {
    let fields = Fields::of_json(bytes)?;
    let run_id = fields.required("run_id")?.to_owned();
    for (name, limit) in [("metrics", METRICS), ("params", PARAMS), ("tags", PARAMS)] {
        let count = fields.list(name)?.len();
        if count > limit {
            return Err(TrackError::invalid(format!(
                "A batch logging request can contain at most {limit} {name}. Got {count} {name}. Please split up {name} across \
                 multiple requests and try again."
            ))
            .into());
        }
    }
    let metrics = fields.objects("metrics")?.iter().map(metric).collect::<Answer<_>>()?;
    Ok((run_id, Batch { metrics, params: fields.params("params")?, tags: fields.tags("tags")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn straight(text: &str) -> Option<(String, Batch)> {
        serde_json::from_str::<Straight<'_>>(text).ok().map(Straight::into_batch)
    }

    #[test]
    fn both_ways_come_to_the_same() {
        for text in [
            r#"{"run_id": "r"}"#,
            r#"{"run_id": "r", "metrics": [{"key": "a", "value": 1, "timestamp": 2, "step": 3, "model_id": ""}], "more": 1}"#,
            r#"{"run_id": "r", "params": [{"key": "a", "value": "\u00e9\n"}, {"key": "b"}], "tags": [{"key": "c", "value": "d"}]}"#,
        ] {
            let lenient = lenient(text.as_bytes()).map_err(|error| error.message).expect("lenient");
            assert_eq!(straight(text).expect("straight"), lenient, "{text}");
        }
    }

    #[test]
    fn what_needs_leniency_gets_it() {
        let text = r#"{"runId": "r", "metrics": [{"key": "a", "value": "Infinity", "timestamp": "2", "step": "3"}], "params": null}"#;
        assert!(straight(text).is_none());
        let (run_id, batch) = lenient(text.as_bytes()).map_err(|error| error.message).expect("lenient");
        assert_eq!((run_id.as_str(), &batch.metrics[0]), ("r", &Metric::new("a", f64::MAX, 2, 3)));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, field) in [
            (r#"{"run_id": ""}"#, "'run_id'"),
            (r#"{"run_id": "r", "metrics": [{"key": "", "value": 1, "timestamp": 2}]}"#, "'metrics[0].key'"),
            (r#"{"run_id": "r", "metrics": [{"key": "a", "timestamp": 2}]}"#, "'metrics[0].value'"),
            (r#"{"run_id": "r", "tags": [{"value": "a"}]}"#, "'tags[0].key'"),
        ] {
            assert!(straight(text).is_none(), "{text}");
            let message = lenient(text.as_bytes()).expect_err(text).message;
            assert!(message.contains(field), "{message}");
        }
    }
}
