//! Where a run stands: everything beside weights and optimiser that an exact resume needs.

use mvl_core::{DataLoader, Metrics, Monitor, Precision, Task};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{EpochSummary, MeanLoss, StepReport, TrainConfig, exact};

/// The epoch and step that come next, and what is known so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainState {
    /// The epoch that comes next or is under way, from 0.
    pub epoch: usize,
    /// The step in it that comes next, from 0.
    pub step: usize,
    /// Mean losses of the epoch under way.
    pub train: MeanLoss,
    /// The best epoch so far by the monitored figure.
    pub best: Option<BestEpoch>,
    /// The finished epochs.
    pub history: Vec<EpochSummary>,
    /// The last epoch whose weights were averaged at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaged_epoch: Option<usize>,
    /// What may not change when the run is resumed.
    pub identity: RunIdentity,
}

/// The epoch with the best figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestEpoch {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Its figure.
    #[serde(with = "exact::float")]
    pub value: f64,
}

impl TrainState {
    /// The beginning of a run.
    pub fn new(identity: RunIdentity) -> Self {
        Self {
            epoch: 0,
            step: 0,
            train: MeanLoss::default(),
            best: None,
            history: Vec::new(),
            averaged_epoch: None,
            identity,
        }
    }

    /// Takes note of a step.
    pub fn step_done(&mut self, report: &StepReport) {
        if report.updated {
            self.train.add(&report.loss, report.samples);
        }
        self.step += 1;
    }

    /// Closes the epoch under way. Answers whether its figure is the best so far.
    pub fn epoch_done(&mut self, summary: EpochSummary, monitor: &Monitor) -> bool {
        let value = summary.valid.as_ref().and_then(|valid| valid.get(&monitor.metric));
        let best = self.best.map(|best| best.value);
        let value = value.filter(|value| monitor.improves(*value, best, 0.0));
        if let Some(value) = value {
            self.best = Some(BestEpoch { epoch: self.epoch, value });
        }
        self.history.push(summary);
        (self.epoch, self.step, self.train) = (self.epoch + 1, 0, MeanLoss::default());
        value.is_some()
    }

    /// Means of the epoch under way.
    pub fn train_metrics(&self) -> Metrics {
        self.train.metrics()
    }
}

/// What makes a run the same run: settings that shape its path, the size of its data, its model.
///
/// `epochs`, `early_stopping` and `on_observer_error` may change at a resume, and so may `monitor` where no schedule waits
/// for its figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunIdentity(Value);

impl RunIdentity {
    /// The identity of a run.
    pub fn new<T: Task>(config: &TrainConfig, task: &T, train: &dyn DataLoader<Batch = T::Batch>) -> Self {
        let usual = config.monitor.clone().unwrap_or_else(|| task.monitor());
        let identity = json!({
            "seed": config.seed,
            "optimizer": config.optimizer,
            "schedule": config.schedule,
            "schedule_watches": config.schedule.watches(&usual),
            "gradient_clip": config.gradient_clip,
            "gradient_accumulation": config.gradient_accumulation,
            "ema": config.ema,
            "swa": config.swa,
            "parameter_groups": config.parameter_groups,
            "freeze": config.freeze,
            "look_ahead": config.look_ahead,
            "sharpness": config.sharpness,
            "precision": config.precision,
            "keep_f32": config.keep_f32,
            "loss_scale": (config.precision == Precision::F16).then_some(config.loss_scale),
            "batches_per_epoch": train.batches_per_epoch(),
            "samples_per_epoch": train.samples_per_epoch(),
            "task": task.name(),
            "model": task.describe(),
        });
        Self::as_read(identity)
    }

    /// The identity of a run of another loop, of whatever shapes its path.
    pub fn of(settings: Value) -> Self {
        Self::as_read(settings)
    }

    /// Through text and back, so that a fresh identity and a saved one went through the same rounding.
    fn as_read(identity: Value) -> Self {
        Self(serde_json::from_str(&identity.to_string()).unwrap_or(identity))
    }

    /// Where `self`, the saved one, differs from `now`: `seed was 1, is 2`.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        compare("", &self.0, &now.0, &mut differences);
        differences
    }
}

fn compare(path: &str, was: &Value, is: &Value, differences: &mut Vec<String>) {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let new = is.keys().filter(|key| !was.contains_key(*key));
            for key in was.keys().chain(new) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, was.get(key).unwrap_or(&Value::Null), is.get(key).unwrap_or(&Value::Null), differences);
            }
        }
        _ if !same(was, is) => differences.push(format!("{path} was {}, is {}", brief(was), brief(is))),
        _ => {}
    }
}

/// Equal, but for the last digit of a float, which does not always survive the way through text.
fn same(was: &Value, is: &Value) -> bool {
    const ROUNDING: f64 = 1e-15; // relative
    match (was, is) {
        (Value::Array(was), Value::Array(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| same(was, is))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            a == b || (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
        }
        _ => was == is,
    }
}

/// A value for a message; long lists are only counted.
fn brief(value: &Value) -> String {
    const LONG: usize = 60; // characters
    match value {
        Value::Null => "not set".to_owned(),
        Value::Array(items) if value.to_string().len() > LONG => format!("a list of {}", items.len()),
        Value::Object(_) if value.to_string().len() > LONG => "set otherwise".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_by_path() {
        let was =
            RunIdentity::as_read(json!({"seed": 1, "optimizer": {"name": "sgd", "learning_rate": 0.1}, "clip": null}));
        let is =
            RunIdentity::as_read(json!({"seed": 1, "optimizer": {"name": "sgd", "learning_rate": 0.2}, "clip": 1.0}));
        assert_eq!(was.differences(&is), ["optimizer.learning_rate was 0.1, is 0.2", "clip was not set, is 1.0"]);
        assert_eq!(was.differences(&was), [""; 0]);
        let (typed, read_back) = (json!({"epsilon": [1e-30]}), json!({"epsilon": [9.999_999_999_999_999e-31]}));
        assert_eq!(RunIdentity(typed).differences(&RunIdentity(read_back)), [""; 0]);
    }

    #[test]
    fn the_best_epoch_is_the_first_of_equals() {
        let mut state = TrainState::new(RunIdentity(Value::Null));
        let monitor = Monitor::max("accuracy");
        let mut finish = |accuracy: f64| {
            let valid = Some(Metrics(vec![("accuracy".to_owned(), accuracy)]));
            let summary = EpochSummary {
                epoch: state.epoch,
                train: Metrics::default(),
                valid,
                learning_rate: 0.1,
                samples: 1,
                train_seconds: 1.0,
                seconds: 1.0,
            };
            state.epoch_done(summary, &monitor)
        };
        assert_eq!([f64::NAN, 0.5, 0.5, 0.4, 0.6].map(&mut finish), [false, true, false, false, true]);
        assert_eq!((state.best, state.epoch, state.history.len()), (Some(BestEpoch { epoch: 4, value: 0.6 }), 5, 5));
    }
}
