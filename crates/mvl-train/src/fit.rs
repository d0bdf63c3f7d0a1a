//! The loop. Copy it to write your own: what it honours (early stop, resume, errors, observers) comes from the pieces.

use std::time::Instant;

use burn::module::Module;
use mvl_core::{Backend, DataLoader, StopReason, Task, TrainingEvent};

use crate::live::Live;
use crate::{
    Checkpoints, EpochSummary, Moment, RunPlan, TrainError, Trained, Trainer, epoch_batches, freeze_for_epoch,
    refresh_statistics, train_step, weight_histograms,
};

/// What a run trains and is judged on.
pub(crate) struct Data<'a, B> {
    pub(crate) train: &'a dyn DataLoader<Batch = B>,
    pub(crate) valid: Option<&'a dyn DataLoader<Batch = B>>,
}

impl<B: Backend, T: Task> Trainer<B, T> {
    /// Trains a model: a fresh one, whose lazy weights are drawn from the seed, or one with loaded weights.
    ///
    /// `train` must be on the [`training_device`](Self::training_device), `valid` on the plain [`device`](Self::device).
    /// Without `valid` there is no best checkpoint.
    ///
    /// # Errors
    /// Any [`TrainError`]; the observers hear of it. Where the weights are whole, as after an error of the data or of an observer, a
    /// checkpoint is written first.
    pub fn fit(
        &mut self,
        model: T::Model,
        train: &dyn DataLoader<Batch = T::Batch>,
        valid: Option<&dyn DataLoader<Batch = T::Batch>>,
    ) -> Result<Trained<T::Model>, TrainError> {
        let observers = self.observers.len();
        let outcome = self.run(model, &Data { train, valid });
        if let Err(error) = &outcome {
            self.observers.notify_failure(error);
        }
        self.observers.truncate(observers); // without this run's early stopping
        outcome
    }

    fn run(&mut self, model: T::Model, data: &Data<'_, T::Batch>) -> Result<Trained<T::Model>, TrainError> {
        let began = Instant::now();
        self.check(data)?;
        let mut plan = RunPlan::new(&self.config, data.train.batches_per_epoch());
        if plan.steps_per_epoch() == 0 {
            return Err(TrainError::NoBatches { pass: "training" });
        }
        let mut checkpoints = self.open_checkpoints()?;
        let mut live = Live::new(self.begin(model, data, checkpoints.as_mut())?);
        let outcome = self.epochs(&mut live, &mut plan, data, &mut checkpoints);
        self.close(outcome, &live, checkpoints)?;

        let Moment { model, average, state, .. } = live.into_moment();
        let completed = state.epoch == self.config.epochs;
        let stopped = if completed { None } else { self.stop_request() };
        let stop_reason = stopped.unwrap_or(StopReason::Completed);
        self.observers.notify(&TrainingEvent::RunFinished { reason: &stop_reason, time: began.elapsed() })?;
        let model = average.and_then(|average| average.into_model()).unwrap_or_else(|| model.valid());
        Ok(Trained { model, best: state.best, history: state.history, stop_reason })
    }

    fn epochs(
        &mut self,
        live: &mut Live<T::Model>,
        plan: &mut RunPlan,
        data: &Data<'_, T::Batch>,
        checkpoints: &mut Option<Checkpoints>,
    ) -> Result<(), TrainError> {
        self.tell_started(live, plan, data)?;
        while live.state.epoch < self.config.epochs && self.stop_request().is_none() {
            let (epoch, began, samples_before) = (live.state.epoch, Instant::now(), live.state.train.samples());
            plan.after(&live.state.history, &self.monitor)?;
            live.step(|model, _| Ok((freeze_for_epoch(model, &self.config.freeze, epoch)?, ())))?;
            self.observers.notify(&TrainingEvent::EpochStarted { epoch })?;
            let first_batch = live.state.step * plan.gradient_accumulation();
            let mut batches = epoch_batches(data.train, "training", epoch, first_batch)?;
            while let Some(group) = batches.next_group(plan.gradient_accumulation())? {
                let step = plan.step(epoch, live.state.step);
                let report = live.step(|model, updater| train_step(&self.task, model, &group, updater, step))?;
                let Moment { model, average, state, .. } = &mut **live;
                state.step_done(&report);
                if report.updated {
                    average.iter_mut().for_each(|average| average.after_update(model, step.global_step + 1));
                }
                self.tell_step(&report)?;
                self.tell_news(checkpoints.as_mut())?;
                let due = checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.due(step.global_step + 1));
                if self.stop_request().is_some() {
                    break;
                }
                if due && live.state.step < plan.steps_per_epoch() {
                    self.save(checkpoints.as_mut(), live);
                }
            }
            let train_time = began.elapsed();
            self.tell_skipped(epoch, data.train)?;
            if self.stop_request().is_some() {
                break;
            }
            self.average_epoch(live, epoch, data)?;
            if self.config.watch.histograms {
                let global_step = plan.step(epoch, live.state.step - 1).global_step; // the last one made
                let histograms = weight_histograms(&live.model);
                self.observers.notify(&TrainingEvent::Histograms { global_step, histograms: &histograms })?;
            }
            let valid = data.valid.map(|valid| self.validate(live.judged(), epoch, valid)).transpose()?;
            let valid = match valid {
                Some(None) => break, // told to stop; validation comes first when the run goes on
                valid => valid.flatten(),
            };
            let state = &mut live.state;
            let summary = EpochSummary {
                epoch,
                train: state.train_metrics(),
                valid,
                learning_rate: plan.step(epoch, state.step - 1).learning_rate,
                samples: state.train.samples() - samples_before,
                train_seconds: train_time.as_secs_f64(),
                seconds: began.elapsed().as_secs_f64(),
            };
            self.observers.notify(&summary.event())?;
            state.epoch_done(summary, &self.monitor);
            self.save(checkpoints.as_mut(), live);
        }
        Ok(())
    }

    /// What averages once an epoch takes in its weights, with running statistics of its own.
    fn average_epoch(
        &self,
        live: &mut Live<T::Model>,
        epoch: usize,
        data: &Data<'_, T::Batch>,
    ) -> Result<(), TrainError> {
        let device = self.training_device()?;
        let Moment { model, average: Some(average), state, .. } = &mut **live else { return Ok(()) };
        if state.averaged_epoch == Some(epoch) {
            return Ok(()); // the run was told to stop while this epoch was validated
        }
        if let Some(most) = average.after_epoch(model, epoch)
            && let Some(averaged) = average.model()
        {
            let batches = epoch_batches(data.train, "training", epoch, 0)?.take(most);
            let refreshed = refresh_statistics(&self.task, averaged, &device, batches)?;
            drop(data.train.take_skipped()); // they were told of when they were trained on
            average.set_model(refreshed);
            state.averaged_epoch = Some(epoch);
        }
        Ok(())
    }
}
