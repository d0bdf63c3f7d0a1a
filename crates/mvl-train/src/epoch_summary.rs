//! One epoch in figures.

use std::time::Duration;

use mvl_core::{Metrics, TrainingEvent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::exact;

/// What came of one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSummary {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Means over the training pass: `loss`, then its parts.
    #[serde(with = "exact_metrics")]
    pub train: Metrics,
    /// Figures of the validation pass, if there was one: `loss`, its parts, the task's own.
    #[serde(with = "exact_optional_metrics")]
    pub valid: Option<Metrics>,
    /// The learning rate of the last step.
    #[serde(with = "exact::float")]
    pub learning_rate: f64,
    /// Samples trained on; after a resume within the epoch, only those since.
    pub samples: usize,
    /// Time for these, data loading included, in seconds.
    #[serde(with = "exact::float")]
    pub train_seconds: f64,
    /// Time for the epoch with validation, in seconds; after a resume within the epoch, only that since.
    #[serde(with = "exact::float")]
    pub seconds: f64,
}

impl EpochSummary {
    /// The summary in an [`TrainingEvent::EpochFinished`]; `None` for other events.
    pub fn from_event(event: &TrainingEvent<'_>) -> Option<Self> {
        let &TrainingEvent::EpochFinished { epoch, train, valid, learning_rate, samples, train_time, time, .. } = event
        else {
            return None;
        };
        Some(Self {
            epoch,
            train: train.clone(),
            valid: valid.cloned(),
            learning_rate,
            samples,
            train_seconds: train_time.as_secs_f64(),
            seconds: time.as_secs_f64(),
        })
    }

    /// The event that tells observers of it.
    pub fn event(&self) -> TrainingEvent<'_> {
        TrainingEvent::EpochFinished {
            epoch: self.epoch,
            train: &self.train,
            valid: self.valid.as_ref(),
            learning_rate: self.learning_rate,
            samples: self.samples,
            train_time: Duration::try_from_secs_f64(self.train_seconds).unwrap_or_default(),
            time: Duration::try_from_secs_f64(self.seconds).unwrap_or_default(),
        }
    }

    /// A figure of the validation pass, or of training when there was none.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.valid.as_ref().unwrap_or(&self.train).get(name)
    }

    /// Samples a second in training.
    pub fn samples_per_second(&self) -> f64 {
        self.samples as f64 / self.train_seconds
    }

    /// As an object for people's own tools: plain numbers, `null` for what is none.
    pub fn to_json(&self) -> Value {
        let figures = |metrics: &Metrics| {
            Value::Object(metrics.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>())
        };
        json!({
            "epoch": self.epoch,
            "train": figures(&self.train),
            "valid": self.valid.as_ref().map(figures),
            "learning_rate": self.learning_rate,
            "samples": self.samples,
            "train_seconds": self.train_seconds,
            "seconds": self.seconds,
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote; `null` is read as NaN. `None` when it is something else.
    pub fn from_json(value: &Value) -> Option<Self> {
        let number = |value: &Value| if value.is_null() { Some(f64::NAN) } else { value.as_f64() };
        let figures = |value: &Value| {
            let pairs = value.as_object()?.iter().map(|(name, value)| Some((name.clone(), number(value)?)));
            pairs.collect::<Option<Vec<_>>>().map(Metrics)
        };
        Some(Self {
            epoch: usize::try_from(value.get("epoch")?.as_u64()?).ok()?,
            train: figures(value.get("train")?)?,
            valid: match value.get("valid")? {
                Value::Null => None,
                valid => Some(figures(valid)?),
            },
            learning_rate: number(value.get("learning_rate")?)?,
            samples: usize::try_from(value.get("samples")?.as_u64()?).ok()?,
            train_seconds: number(value.get("train_seconds")?)?,
            seconds: number(value.get("seconds")?)?,
        })
    }
}

mod exact_metrics {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(metrics: &Metrics, serializer: S) -> Result<S::Ok, S::Error> {
        exact::named::serialize(&metrics.0, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Metrics, D::Error> {
        exact::named::deserialize(deserializer).map(Metrics)
    }
}

mod exact_optional_metrics {
    use serde::{Deserializer, Serializer};

    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Wrapped(#[serde(with = "super::exact_metrics")] Metrics);

    pub(super) fn serialize<S: Serializer>(metrics: &Option<Metrics>, serializer: S) -> Result<S::Ok, S::Error> {
        metrics.clone().map(Wrapped).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Metrics>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> EpochSummary {
        EpochSummary {
            epoch: 3,
            train: Metrics(vec![("loss".to_owned(), 0.1 + 0.2)]),
            valid: Some(Metrics(vec![("loss".to_owned(), 0.5), ("accuracy".to_owned(), f64::NAN)])),
            learning_rate: 0.05,
            samples: 10,
            train_seconds: 2.0,
            seconds: 2.5,
        }
    }

    #[test]
    fn people_get_numbers_and_state_gets_every_bit() {
        let summary = summary();
        let line = summary.to_json().to_string();
        assert!(
            line.starts_with(r#"{"epoch":3,"train":{"loss":0.30000000000000004},"valid":{"loss":0.5,"accuracy":null}"#),
            "{line}"
        );
        let read = EpochSummary::from_json(&summary.to_json()).expect("what was written");
        assert!(read.figure("accuracy").is_some_and(f64::is_nan));

        let state = serde_json::to_string(&summary).expect("plain data");
        let read: EpochSummary = serde_json::from_str(&state).expect("what was written");
        assert_eq!(read.train, summary.train);
        let without = EpochSummary { valid: None, ..summary };
        let state = serde_json::to_string(&without).expect("plain data");
        assert_eq!(serde_json::from_str::<EpochSummary>(&state).expect("what was written"), without);
    }

    #[test]
    fn an_event_and_back() {
        let summary = EpochSummary { valid: None, ..summary() };
        assert_eq!(EpochSummary::from_event(&summary.event()), Some(summary));
        assert_eq!(EpochSummary::from_event(&TrainingEvent::EpochStarted { epoch: 0 }), None);
    }
}
