//! What a run does at its beginning, at its end, and between steps.

use mvl_core::{Backend, Task, TrainingEvent, keep_problems, nearest};
use serde_json::json;

use crate::fit::Data;
use crate::live::Live;
use crate::{
    CheckpointNews, Checkpoints, EarlyStopping, Moment, Restored, RunIdentity, RunPlan, StepReport, TrainError,
    Trainer, prepare_model,
};

impl<B: Backend, T: Task> Trainer<B, T> {
    /// What can only be said of settings once data is there.
    pub(crate) fn check(&self, data: &Data<'_, T::Batch>) -> Result<(), TrainError> {
        if let Some(problem) = self.misspelt_figure() {
            return Err(TrainError::Config { problems: vec![problem] });
        }
        if data.valid.is_some() {
            return Ok(());
        }
        let schedule = self.config.schedule.watches(&self.monitor);
        let best = self.config.checkpoints.best_by.first().map(|best| &best.metric);
        let watching = [
            ("early_stopping", "monitor", self.config.early_stopping.as_ref().map(|_| &self.monitor.metric)),
            ("schedule", "schedule.monitor", schedule.map(|monitor| &monitor.metric)),
        ];
        if let Some((what, setting, Some(metric))) =
            watching.into_iter().find(|(_, _, metric)| metric.is_some_and(|metric| metric != "loss"))
        {
            return Err(nothing_to_watch(what, setting, metric));
        }
        best.map_or(Ok(()), |metric| {
            let problem =
                format!("checkpoints.best_by: watches {metric:?}, which only validation gives; give validation data");
            Err(TrainError::Config { problems: vec![problem] })
        })
    }

    /// Says so when the monitored figure is misspelt, before an epoch is spent to find out. Parts of the loss are not known yet; the
    /// loop asks again after the first validation.
    fn misspelt_figure(&self) -> Option<String> {
        let metrics = self.task.metrics().into_iter().chain((self.metrics)());
        let figures: Vec<String> = metrics.flat_map(|metric| metric.compute()).map(|(name, _)| name).collect();
        let typed = &self.monitor.metric;
        let similar = nearest(typed, figures.iter().map(String::as_str).chain(["loss"]))?;
        (similar != typed).then(|| format!("monitor.metric: unknown figure {typed:?}, did you mean {similar:?}"))
    }

    pub(crate) fn open_checkpoints(&self) -> Result<Option<Checkpoints>, TrainError> {
        let open = |run_dir: &std::path::PathBuf| {
            Checkpoints::open(run_dir, &self.config.checkpoints, &self.monitor, self.resume, self.overwrite)
        };
        self.run_dir.as_ref().map(open).transpose()
    }

    /// The moment to begin with: that of the latest checkpoint, or the very first.
    pub(crate) fn begin(
        &mut self,
        model: T::Model,
        data: &Data<'_, T::Batch>,
        checkpoints: Option<&mut Checkpoints>,
    ) -> Result<Moment<T::Model>, TrainError> {
        let model = prepare_model(model, &self.training_device()?, self.config.seed);
        let problems = keep_problems(&model, &self.config.keep_f32);
        if !problems.is_empty() {
            return Err(TrainError::Config { problems });
        }
        let identity = RunIdentity::new(&self.config, &self.task, data.train);
        let mut moment = Moment::new(&self.config, model, identity);
        if let (Some(checkpoints), true) = (checkpoints, self.resume)
            && let Some(restored) = checkpoints.restore(&moment)?
        {
            let Restored { moment: saved, observers, passed_over } = restored;
            moment = saved;
            self.observers.restore(&observers)?;
            for message in &passed_over {
                self.observers.notify(&TrainingEvent::Notice { message })?;
            }
        }
        if let Some(config) = &self.config.early_stopping {
            let stopping = EarlyStopping::new(self.monitor.clone(), config.clone());
            self.observers.push(stopping.after(&moment.state.history));
        }
        Ok(moment)
    }

    pub(crate) fn tell_started(
        &mut self,
        live: &Live<T::Model>,
        plan: &RunPlan,
        data: &Data<'_, T::Batch>,
    ) -> Result<(), TrainError> {
        let mut settings = json!({"train": self.config, "model": self.task.describe()});
        if let (Some(all), Some(more)) = (settings.as_object_mut(), self.settings.as_object()) {
            all.extend(more.clone());
        }
        self.observers.notify(&TrainingEvent::RunStarted {
            epochs: self.config.epochs,
            steps_per_epoch: plan.steps_per_epoch(),
            samples_per_epoch: data.train.samples_per_epoch(),
            start_epoch: live.state.epoch,
            start_step: live.state.step,
            settings: &settings,
        })
    }

    pub(crate) fn tell_step(&mut self, report: &StepReport) -> Result<(), TrainError> {
        if report.samples == 0 {
            return Ok(());
        }
        if !report.updated {
            let scale = report.loss_scale.unwrap_or(1.0);
            let step = report.plan.global_step + 1;
            let message =
                format!("step {step}: gradients overflowed at a loss scale of {scale}, the update was left out");
            self.observers.notify(&TrainingEvent::Notice { message: &message })?;
        }
        self.observers.notify(&report.event())
    }

    /// Hands the moment in to be written.
    pub(crate) fn save(&self, checkpoints: Option<&mut Checkpoints>, live: &Live<T::Model>) {
        if let Some(checkpoints) = checkpoints {
            checkpoints.save(&self.task, live, self.observers.states());
        }
    }

    /// Tells observers what came of checkpoints.
    pub(crate) fn tell_news(&mut self, checkpoints: Option<&mut Checkpoints>) -> Result<(), TrainError> {
        match checkpoints {
            Some(checkpoints) => {
                let news = checkpoints.news()?;
                self.tell_all(news)
            }
            None => Ok(()),
        }
    }

    fn tell_all(&mut self, news: Vec<CheckpointNews>) -> Result<(), TrainError> {
        for news in news {
            match news {
                CheckpointNews::Saved { epoch, path, best } => {
                    self.observers.notify(&TrainingEvent::CheckpointSaved { epoch, path: &path, best })?;
                }
                CheckpointNews::Failed(error) => {
                    let message = format!("the run goes on without a checkpoint: {}", error.full_message());
                    self.observers.notify(&TrainingEvent::Notice { message: &message })?;
                }
                CheckpointNews::NotCopied(error) => {
                    let message = format!("a checkpoint is on the disk only: {}", error.full_message());
                    self.observers.notify(&TrainingEvent::Notice { message: &message })?;
                }
            }
        }
        Ok(())
    }

    /// Writes the last checkpoint of a run that was told to stop or failed, if its weights are whole, and waits for all of them.
    pub(crate) fn close(
        &mut self,
        outcome: Result<(), TrainError>,
        live: &Live<T::Model>,
        checkpoints: Option<Checkpoints>,
    ) -> Result<(), TrainError> {
        let Some(mut checkpoints) = checkpoints else { return outcome };
        if let Some(moment) = live.whole() {
            checkpoints.save_if_new(&self.task, moment, self.observers.states());
        }
        let told_to_stop = self.stop.is_stopped();
        let finished = checkpoints.finish(told_to_stop);
        outcome?;
        self.tell_all(finished?)
    }
}

/// What is to watch a figure of validation, in a run without one.
fn nothing_to_watch(what: &str, setting: &str, metric: &str) -> TrainError {
    let problem = format!(
        "{what}: watches {metric:?}, which only validation gives; give validation data, or set {setting}.metric to \"loss\""
    );
    TrainError::Config { problems: vec![problem] }
}
