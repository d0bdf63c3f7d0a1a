//! The loop. Copy it to write your own: what it honours (early stop, resume, errors, observers) comes from the pieces.

use std::time::Instant;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use mvl_core::{Backend, DataLoader, Metrics, ModelEma, StopReason, Task, TrainingEvent};

use serde_json::json;

use crate::{
    CheckpointKind, Checkpointer, EarlyStopping, EpochSummary, Restored, RunIdentity, RunPlan, Snapshot, TrainError,
    TrainState, Trained, Trainer, epoch_batches, evaluate, prepare_model, train_step,
};

/// Everything that a checkpoint holds.
struct Moment<'a, M> {
    model: &'a M,
    average: Option<&'a ModelEma<M>>,
    optimizer: &'a ModuleOptimizer,
    state: &'a TrainState,
}

impl<B: Backend, T: Task> Trainer<B, T> {
    /// Trains a model: a fresh one, whose lazy weights are drawn from the seed, or one with loaded weights.
    ///
    /// `train` must be on the [`training_device`](Self::training_device), `valid` on the plain [`device`](Self::device).
    /// Without `valid` there is no best checkpoint.
    ///
    /// # Errors
    /// Any [`TrainError`]; the observers hear of it, and the checkpoints on disk stay as they are.
    pub fn fit(
        &mut self,
        model: T::Model,
        train: &dyn DataLoader<Batch = T::Batch>,
        valid: Option<&dyn DataLoader<Batch = T::Batch>>,
    ) -> Result<Trained<T::Model>, TrainError> {
        let observers = self.observers.len();
        let outcome = self.run(model, train, valid);
        if let Err(error) = &outcome {
            self.observers.notify_failure(error);
        }
        self.observers.truncate(observers); // without this run's early stopping
        outcome
    }

    fn run(
        &mut self,
        model: T::Model,
        train: &dyn DataLoader<Batch = T::Batch>,
        valid: Option<&dyn DataLoader<Batch = T::Batch>>,
    ) -> Result<Trained<T::Model>, TrainError> {
        let (began, epochs) = (Instant::now(), self.config.epochs);
        if let (Some(_), None, true) = (&self.config.early_stopping, valid, self.monitor.metric != "loss") {
            return Err(nothing_to_watch("early_stopping", "monitor", &self.monitor.metric));
        }
        if let (Some(monitor), None) = (self.config.schedule.watches(&self.monitor), valid)
            && monitor.metric != "loss"
        {
            return Err(nothing_to_watch("schedule", "schedule.monitor", &monitor.metric));
        }
        let mut plan = RunPlan::new(&self.config, train.batches_per_epoch());
        if plan.steps_per_epoch() == 0 {
            return Err(TrainError::NoBatches { pass: "training" });
        }
        let checkpoints = self.open_checkpoints()?;
        let identity = RunIdentity::new(&self.config, &self.task, train);
        let mut model = prepare_model(model, &self.training_device()?, self.config.seed);
        let mut optimizer = self.config.optimizer.init();
        let mut average = self.config.ema.map(|config| ModelEma::new(&model, config));
        let mut state = TrainState::new(identity);
        if let (Some(checkpoints), true) = (&checkpoints, self.resume)
            && let Some(restored) = checkpoints.restore(model.clone(), optimizer.clone(), &state.identity)?
        {
            average = restored.average.as_ref().zip(self.config.ema).map(|(kept, config)| ModelEma::new(kept, config));
            Restored { model, optimizer, state, .. } = restored;
        }
        if let Some(config) = &self.config.early_stopping {
            self.observers.push(EarlyStopping::new(self.monitor.clone(), config.clone()).after(&state.history));
        }
        let settings = json!({"train": self.config, "model": self.task.describe()});
        self.observers.notify(&TrainingEvent::RunStarted {
            epochs,
            steps_per_epoch: plan.steps_per_epoch(),
            samples_per_epoch: train.samples_per_epoch(),
            start_epoch: state.epoch,
            start_step: state.step,
            settings: &settings,
        })?;

        while state.epoch < epochs && self.stop_request().is_none() {
            let (epoch, epoch_began, samples_before) = (state.epoch, Instant::now(), state.train.samples());
            plan.after(&state.history, &self.monitor)?;
            self.observers.notify(&TrainingEvent::EpochStarted { epoch })?;
            let first_batch = state.step * plan.gradient_accumulation();
            let mut batches = epoch_batches(train, "training", epoch, first_batch)?;
            while let Some(group) = batches.next_group(plan.gradient_accumulation())? {
                let step = plan.step(epoch, state.step);
                let (updated, report) = train_step(&self.task, model, &group, &mut optimizer, step)?;
                model = updated;
                state.step_done(&report);
                if report.samples > 0 {
                    average.iter_mut().for_each(|average| average.update(&model, step.global_step + 1));
                    self.observers.notify(&report.event())?;
                }
                if self.stop_request().is_some() {
                    break;
                }
                let due = self
                    .config
                    .checkpoint_every_steps
                    .is_some_and(|every| (step.global_step + 1).is_multiple_of(every));
                if due && state.step < plan.steps_per_epoch() {
                    let moment =
                        Moment { model: &model, average: average.as_ref(), optimizer: &optimizer, state: &state };
                    self.save(checkpoints.as_ref(), moment, epoch, false)?;
                }
            }
            let train_time = epoch_began.elapsed();
            self.tell_skipped(epoch, train)?;
            if self.stop_request().is_some() {
                let moment = Moment { model: &model, average: average.as_ref(), optimizer: &optimizer, state: &state };
                self.save(checkpoints.as_ref(), moment, epoch, false)?;
                break;
            }
            let judged = average.as_ref().map_or(&model, ModelEma::model);
            let valid = valid.map(|valid| self.validate(judged, epoch, valid)).transpose()?;
            let summary = EpochSummary {
                epoch,
                train: state.train_metrics(),
                valid,
                learning_rate: plan.step(epoch, state.step - 1).learning_rate,
                samples: state.train.samples() - samples_before,
                train_seconds: train_time.as_secs_f64(),
                seconds: epoch_began.elapsed().as_secs_f64(),
            };
            self.observers.notify(&summary.event())?;
            let best = state.epoch_done(summary, &self.monitor);
            let moment = Moment { model: &model, average: average.as_ref(), optimizer: &optimizer, state: &state };
            self.save(checkpoints.as_ref(), moment, epoch, best)?;
        }

        let completed = state.epoch == epochs;
        let stopped = if completed { None } else { self.stop_request() };
        let stop_reason = stopped.unwrap_or(StopReason::Completed);
        self.observers.notify(&TrainingEvent::RunFinished { reason: &stop_reason, time: began.elapsed() })?;
        let model = average.map_or_else(|| model.valid(), ModelEma::into_model);
        Ok(Trained { model, best: state.best, history: state.history, stop_reason })
    }

    /// The run folder's checkpoints; one of an earlier run is resumed, removed or an error, as the user said.
    fn open_checkpoints(&self) -> Result<Option<Checkpointer>, TrainError> {
        let Some(run_dir) = &self.run_dir else { return Ok(None) };
        let checkpoints = Checkpointer::new(run_dir);
        if !self.resume && checkpoints.has_any() {
            if !self.overwrite {
                return Err(TrainError::RunExists { path: run_dir.clone() });
            }
            checkpoints.clear()?;
        }
        checkpoints.create()?;
        Ok(Some(checkpoints))
    }

    fn validate(
        &mut self,
        model: &T::Model,
        epoch: usize,
        valid: &dyn DataLoader<Batch = T::Batch>,
    ) -> Result<Metrics, TrainError> {
        let observers = &mut self.observers;
        observers.notify(&TrainingEvent::ValidationStarted { epoch, batches: valid.batches_per_epoch() })?;
        let mut told = Ok(());
        let metrics = evaluate(&self.task, model, valid, |_, _, batch| {
            if told.is_ok() {
                told = observers.notify(&TrainingEvent::ValidationStep { batch });
            }
        })?;
        told?;
        self.tell_skipped(epoch, valid)?;
        let wanted = &self.monitor.metric;
        if metrics.get(wanted).is_none() {
            let known: Vec<&str> = metrics.iter().map(|(name, _)| name).collect();
            let problem = format!("monitor.metric: expected one of {}, got {wanted:?}", known.join(", "));
            return Err(TrainError::Config { problems: vec![problem] });
        }
        Ok(metrics)
    }

    fn tell_skipped(&mut self, epoch: usize, loader: &dyn DataLoader<Batch = T::Batch>) -> Result<(), TrainError> {
        let skipped = loader.take_skipped();
        if skipped.is_empty() {
            return Ok(());
        }
        self.observers.notify(&TrainingEvent::SamplesSkipped { epoch, skipped: &skipped })
    }

    /// The best first: a crash between the two then leaves a best that is written again, not one that is forgotten.
    fn save(
        &mut self,
        checkpoints: Option<&Checkpointer>,
        moment: Moment<'_, T::Model>,
        epoch: usize,
        best: bool,
    ) -> Result<(), TrainError> {
        let Some(checkpoints) = checkpoints else { return Ok(()) };
        let Moment { model, average, optimizer, state } = moment;
        let snapshot = Snapshot::take(&self.task, model, average.map(ModelEma::model), optimizer, state)?;
        if best {
            let path = checkpoints.save(CheckpointKind::Best, &snapshot)?;
            self.observers.notify(&TrainingEvent::CheckpointSaved { epoch, path: &path, best: true })?;
        }
        let path = checkpoints.save(CheckpointKind::Last, &snapshot)?;
        self.observers.notify(&TrainingEvent::CheckpointSaved { epoch, path: &path, best: false })
    }
}

/// What is to watch a figure of validation, in a run without one.
fn nothing_to_watch(what: &str, setting: &str, metric: &str) -> TrainError {
    let problem = format!(
        "{what}: watches {metric:?}, which only validation gives; give validation data, or set {setting}.metric to \"loss\""
    );
    TrainError::Config { problems: vec![problem] }
}
