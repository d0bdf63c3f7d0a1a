//! Our observers where burn wants a logger of metrics.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use burn_train::Interrupter;
use burn_train::logger::{EvaluationProgressLogger, InMemoryMetricLogger, MetricLogger, TrainingProgressLogger};
use burn_train::metric::store::{EpochSummary as BurnEpoch, MetricsUpdate, Split};
use burn_train::metric::{MetricDefinition, MetricId, NumericEntry};
use burn_train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};
use mvl::prelude::{ClassificationTask, Metrics, StopReason, Task, TrainError, TrainingEvent};
use mvl::train::{CheckpointFiles, EpochSummary, Observers, RunIdentity, TrainState};
use serde_json::json;

/// A run of burn's, as our observers and checkpoints see it.
pub struct Run {
    observers: Observers,
    state: TrainState,
    monitor: mvl::prelude::Monitor,
    interrupter: Interrupter,
    begun: Instant,
    epoch_begun: Instant,
    /// Figures of the epoch under way.
    train: Metrics,
    valid: Metrics,
    learning_rate: f64,
    steps_per_epoch: usize,
    samples_per_epoch: usize,
    failure: Option<TrainError>,
}

impl Run {
    /// A run of `[epochs, steps an epoch, samples an epoch]`; one that was saved goes on where it stood.
    pub fn new(
        task: &ClassificationTask,
        mut observers: Observers,
        [epochs, steps_per_epoch, samples_per_epoch]: [usize; 3],
        interrupter: Interrupter,
        saved: Option<&CheckpointFiles>,
    ) -> Result<Self> {
        let settings = json!({ "model": task.describe(), "steps_per_epoch": steps_per_epoch, "epochs": epochs });
        let mut state = TrainState::new(RunIdentity::of(settings.clone()));
        if let Some(saved) = saved {
            let differences = saved.state().identity.differences(&state.identity);
            ensure!(differences.is_empty(), "the checkpoint is of another run: {}", differences.join(", "));
            state = saved.state().clone();
            observers.restore(saved.observers())?;
        }
        let started = TrainingEvent::RunStarted {
            epochs,
            steps_per_epoch,
            samples_per_epoch,
            start_epoch: state.epoch,
            start_step: 0,
            settings: &settings,
        };
        observers.notify(&started)?;
        let now = Instant::now();
        Ok(Self {
            observers,
            state,
            monitor: task.monitor(),
            interrupter,
            begun: now,
            epoch_begun: now,
            train: Metrics::default(),
            valid: Metrics::default(),
            learning_rate: 0.0,
            steps_per_epoch,
            samples_per_epoch,
            failure: None,
        })
    }

    pub fn state(&self) -> &TrainState {
        &self.state
    }

    pub fn observers(&mut self) -> &mut Observers {
        &mut self.observers
    }

    /// Tells the observers that the run is over.
    pub fn finish(&mut self) -> Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error.into());
        }
        let reason = self.observers.stop_reason().cloned().unwrap_or(StopReason::Completed);
        let time = self.begun.elapsed();
        Ok(self.observers.notify(&TrainingEvent::RunFinished { reason: &reason, time })?)
    }

    /// Tells the observers; the first that wants to stop, or fails by a policy that stops, stops burn's loop.
    pub fn tell(&mut self, event: &TrainingEvent<'_>) {
        if let Err(error) = self.observers.notify(event) {
            self.interrupter.stop(Some(&error.to_string()));
            self.failure.get_or_insert(error);
        } else if let Some(StopReason::Observer { reason, .. }) = self.observers.stop_reason() {
            self.interrupter.stop(Some(reason));
        }
    }

    fn step(&mut self, loss: f64, samples: usize) {
        let (epoch, step) = (self.state.epoch, self.state.step);
        if step == 0 {
            self.epoch_begun = Instant::now();
            self.tell(&TrainingEvent::EpochStarted { epoch });
        }
        self.state.step += 1;
        let learning_rate = self.learning_rate;
        self.tell(&TrainingEvent::StepFinished {
            epoch,
            step,
            global_step: epoch * self.steps_per_epoch + step,
            loss,
            parts: &[],
            learning_rate,
            samples,
            gradient_norm: None,
            loss_scale: None,
            updated: true,
        });
    }

    fn epoch(&mut self) {
        let time = self.epoch_begun.elapsed();
        let summary = EpochSummary {
            epoch: self.state.epoch,
            train: std::mem::take(&mut self.train),
            valid: Some(std::mem::take(&mut self.valid)),
            learning_rate: self.learning_rate,
            samples: self.samples_per_epoch,
            train_seconds: time.as_secs_f64(),
            seconds: time.as_secs_f64(),
        };
        self.state.epoch_done(summary.clone(), &self.monitor);
        self.tell(&TrainingEvent::EpochFinished {
            epoch: summary.epoch,
            train: &summary.train,
            valid: summary.valid.as_ref(),
            learning_rate: summary.learning_rate,
            samples: summary.samples,
            train_time: Duration::from_secs_f64(summary.train_seconds),
            time,
        });
    }
}

/// A burn `MetricLogger` that passes everything on to a [`Run`].
pub struct Watch {
    run: Arc<Mutex<Run>>,
    names: HashMap<MetricId, String>,
    /// What burn itself looks things up in.
    memory: InMemoryMetricLogger,
}

impl Watch {
    pub fn new(run: Arc<Mutex<Run>>) -> Self {
        Self { run, names: HashMap::new(), memory: InMemoryMetricLogger::default() }
    }
}

impl MetricLogger for Watch {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        let mut run = lock(&self.run);
        let mut step = None;
        for update in &update.entries_numeric {
            let name = self.names.get(&update.entry.metric_id).map_or("", String::as_str);
            let Some(entry) = &update.numeric_entry else { continue };
            match (split, name, entry) {
                (Split::Train, "learning_rate", entry) => run.learning_rate = entry.current(),
                (Split::Train, name, NumericEntry::Final(value)) => run.train.0.push((name.to_owned(), *value)),
                (Split::Train, "loss", NumericEntry::Aggregated { aggregated_value, count }) => {
                    step = Some((*aggregated_value, *count));
                }
                // burn says per cent.
                (Split::Valid, "accuracy", NumericEntry::Final(value)) => {
                    run.valid.0.push(("accuracy".to_owned(), value / 100.0));
                }
                (Split::Valid, name, NumericEntry::Final(value)) => run.valid.0.push((name.to_owned(), *value)),
                _ => {}
            }
        }
        if let Some((loss, samples)) = step {
            run.step(loss, samples);
        }
        drop(run);
        self.memory.log(update, epoch, split);
    }

    fn read_numeric(&mut self, name: &str, epoch: usize, split: &Split) -> Result<Vec<NumericEntry>, String> {
        self.memory.read_numeric(name, epoch, split)
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        let name = definition.name.to_lowercase().replace(' ', "_");
        self.names.insert(definition.metric_id.clone(), name);
        self.memory.log_metric_definition(definition);
    }

    fn log_epoch_summary(&mut self, summary: BurnEpoch) {
        if matches!(summary.split, Split::Valid) {
            lock(&self.run).epoch();
        }
        self.memory.log_epoch_summary(summary);
    }
}

/// What a thread of burn's left behind is as good as ever: each field is set in one go.
pub fn lock(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Draws nothing: our observers do.
pub struct Silent;

impl MetricsRendererTraining for Silent {
    fn update_train(&mut self, _: MetricState) {}
    fn update_valid(&mut self, _: MetricState) {}
}

impl MetricsRendererEvaluation for Silent {
    fn update_test(&mut self, _: EvaluationName, _: MetricState) {}
}

impl MetricsRenderer for Silent {
    fn manual_close(&mut self) {}
    fn register_metric(&mut self, _: MetricDefinition) {}
}

impl TrainingProgressLogger for Silent {
    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}
    fn update_epoch(&mut self, _: usize) {}
    fn start_split(&mut self, _: &str, _: usize) {}
    fn update_split(&mut self, _: usize) {}
    fn end_split(&mut self) {}
    fn end(&mut self) {}
    fn log_event_training(&mut self, _: String) {}
}

impl EvaluationProgressLogger for Silent {
    fn start_global_progress(&mut self, _: usize) {}
    fn start_test(&mut self, _: &str, _: usize) {}
    fn update_test_progress(&mut self, _: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _: String) {}
}
