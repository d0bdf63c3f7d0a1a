//! Ends a run that no longer gets better.

use mvl_core::{Flow, Monitor, ObserverError, TrainingEvent, TrainingObserver};

use crate::{EarlyStoppingConfig, EpochSummary};

/// Stops after `patience` epochs in which the monitored figure did not improve by more than `min_delta`.
///
/// The figure is that of validation or, without validation, of training. After a resume it goes on from the run's history
/// when it is given to [`after`](Self::after), as the [`Trainer`](crate::Trainer) does.
#[derive(Debug, Clone)]
pub struct EarlyStopping {
    monitor: Monitor,
    config: EarlyStoppingConfig,
    best: Option<f64>,
    waited: usize,
}

impl EarlyStopping {
    /// Watches a figure.
    pub fn new(monitor: Monitor, config: EarlyStoppingConfig) -> Self {
        Self { monitor, config, best: None, waited: 0 }
    }

    /// Takes in the epochs of the run before it was resumed.
    pub fn after(mut self, history: &[EpochSummary]) -> Self {
        for epoch in history {
            if let Some(value) = epoch.figure(&self.monitor.metric) {
                self.take_in(value);
            }
        }
        self
    }

    fn take_in(&mut self, value: f64) {
        if self.monitor.improves(value, self.best, self.config.min_delta) {
            (self.best, self.waited) = (Some(value), 0);
        } else {
            self.waited += 1;
        }
    }

    fn flow(&self) -> Flow {
        if self.waited < self.config.patience {
            return Flow::Continue;
        }
        let best = self.best.map_or_else(|| "it never was a number".to_owned(), |best| format!("best {best:.4}"));
        let plural = if self.waited == 1 { "" } else { "s" };
        Flow::Stop {
            reason: format!("{} has not improved for {} epoch{plural}, {best}", self.monitor.metric, self.waited),
        }
    }
}

impl TrainingObserver for EarlyStopping {
    fn name(&self) -> &str {
        "early stopping"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match event {
            TrainingEvent::RunStarted { .. } => Ok(self.flow()),
            TrainingEvent::EpochFinished { train, valid, .. } => {
                let figures = valid.unwrap_or(train);
                let Some(value) = figures.get(&self.monitor.metric) else {
                    let known: Vec<&str> = figures.iter().map(|(name, _)| name).collect();
                    let (metric, known) = (&self.monitor.metric, known.join(", "));
                    return Err(ObserverError::new(format!("expected a figure {metric:?} to watch, got {known}")));
                };
                self.take_in(value);
                Ok(self.flow())
            }
            _ => Ok(Flow::Continue),
        }
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::{Metrics, conformance};

    use super::*;

    fn epoch(loss: f64) -> EpochSummary {
        EpochSummary {
            epoch: 0,
            train: Metrics(vec![("loss".to_owned(), loss)]),
            valid: None,
            learning_rate: 0.1,
            samples: 1,
            train_seconds: 1.0,
            seconds: 1.0,
        }
    }

    fn watch(patience: usize, min_delta: f64) -> EarlyStopping {
        EarlyStopping::new(Monitor::min("loss"), EarlyStoppingConfig { patience, min_delta })
    }

    fn run(mut observer: EarlyStopping, losses: &[f64]) -> Vec<bool> {
        let flow = |loss: &f64| observer.update(&epoch(*loss).event()).expect("has a loss") != Flow::Continue;
        losses.iter().map(flow).collect()
    }

    #[test]
    fn waits_as_long_as_it_is_told() {
        assert_eq!(run(watch(2, 0.0), &[1.0, 1.0, 0.9, 0.9, f64::NAN]), [false, false, false, false, true]);
        assert_eq!(run(watch(1, 0.2), &[1.0, 0.7, 0.6]), [false, false, true]);
    }

    #[test]
    fn history_counts_and_a_spent_run_does_not_start_again() {
        let history = [epoch(1.0), epoch(1.1)];
        assert_eq!(run(watch(2, 0.0).after(&history), &[1.2]), [true]);
        let started = TrainingEvent::RunStarted {
            epochs: 9,
            steps_per_epoch: 1,
            samples_per_epoch: 1,
            start_epoch: 2,
            start_step: 0,
            settings: &serde_json::Value::Null,
        };
        let flow = watch(1, 0.0).after(&history).update(&started).expect("no figure is needed");
        assert_eq!(flow, Flow::Stop { reason: "loss has not improved for 1 epoch, best 1.0000".to_owned() });
    }

    #[test]
    fn an_unknown_figure_is_named() {
        let mut observer = EarlyStopping::new(Monitor::max("accuracy"), EarlyStoppingConfig::default());
        let error = observer.update(&epoch(1.0).event()).expect_err("there is only a loss");
        assert_eq!(error.to_string(), r#"expected a figure "accuracy" to watch, got loss"#);
    }

    #[test]
    fn keeps_the_contract() {
        conformance::observer(|| watch(1, 0.0));
    }
}
