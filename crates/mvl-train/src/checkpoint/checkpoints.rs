//! When a run's checkpoints are written, and what becomes of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use burn::module::Module;
use mvl_core::{Monitor, Task};
use serde_json::Value;

use super::writer::{CheckpointNews, CheckpointWriter};
use super::{CheckpointConfig, Checkpointer, OnCheckpointError, Place, Restored, Snapshot, leaders};
use crate::{Moment, TrainError};

/// The checkpoints of a run under way: this tells when one is due, hands it to the [`CheckpointWriter`], and passes on what came of it.
#[derive(Debug)]
pub struct Checkpoints {
    checkpointer: Checkpointer,
    writer: CheckpointWriter,
    config: CheckpointConfig,
    /// What tells the best, for each name.
    figures: Vec<(Option<String>, Monitor, usize)>,
    last: Instant,
    /// Epoch and step of the moment that was handed in last, or resumed from.
    at: Option<(usize, usize)>,
    /// Why the latest one was not written.
    failure: Option<TrainError>,
}

impl Checkpoints {
    /// Opens a run's folder. Checkpoints of an earlier run are kept to resume from, removed to begin anew, or an error, as the
    /// caller says.
    ///
    /// # Errors
    /// [`TrainError::RunExists`], [`TrainError::Write`], [`TrainError::Config`].
    pub fn open(
        run_dir: &Path,
        config: &CheckpointConfig,
        monitor: &Monitor,
        resume: bool,
        overwrite: bool,
    ) -> Result<Self, TrainError> {
        let checkpointer = Checkpointer::new(run_dir);
        if !resume && checkpointer.has_any() {
            if !overwrite {
                return Err(TrainError::RunExists { path: run_dir.to_owned() });
            }
            checkpointer.clear()?;
        }
        checkpointer.create()?;
        #[cfg(feature = "remote")]
        if let (Some(address), true, false) = (&config.mirror, resume, checkpointer.has_any()) {
            super::mirror::Mirror::parse(address)?.fetch(&checkpointer)?;
        }
        let others = config.best_by.iter().map(|best| (Some(best.metric.clone()), best.monitor(), best.keep));
        let figures = [(None, monitor.clone(), config.keep_best)].into_iter().chain(others).collect();
        let writer = CheckpointWriter::new(checkpointer.clone(), config.mirror.as_deref(), config.background)?;
        Ok(Self {
            checkpointer,
            writer,
            config: config.clone(),
            figures,
            last: Instant::now(),
            at: None,
            failure: None,
        })
    }

    /// Reads the latest whole checkpoint, if there is one. See [`Checkpointer::restore`].
    ///
    /// # Errors
    /// Those of [`Checkpointer::restore`].
    pub fn restore<M: Module>(&mut self, fresh: &Moment<M>) -> Result<Option<Restored<M>>, TrainError> {
        let restored = self.checkpointer.restore(fresh)?;
        self.at = restored.as_ref().map(|restored| place(&restored.moment));
        Ok(restored)
    }

    /// Whether one is due after so many updates of the run.
    pub fn due(&self, updates: usize) -> bool {
        let by_steps = self.config.every_steps.is_some_and(|every| updates.is_multiple_of(every.max(1)));
        let minutes = self.config.every_minutes.and_then(|minutes| Duration::try_from_secs_f64(60.0 * minutes).ok());
        by_steps || minutes.is_some_and(|time| self.last.elapsed() >= time)
    }

    /// Takes the moment and hands it in: as the latest and, when an epoch was just finished, among the best where it belongs.
    pub fn save<T: Task>(&mut self, task: &T, moment: &Moment<T::Model>, observers: BTreeMap<String, Value>) {
        let history = &moment.state.history;
        let finished = history.last().filter(|_| moment.state.step == 0).map(|last| last.epoch);
        // The best first: a crash between the two then leaves a best that is written again, not one that is forgotten.
        let mut places: Vec<Place> = Vec::new();
        if let Some(epoch) = finished {
            for (metric, monitor, keep) in &self.figures {
                let epochs = leaders(history, monitor, *keep);
                if epochs.contains(&epoch) {
                    places.push(Place::Best { metric: metric.clone(), epochs });
                }
            }
        }
        places.push(Place::Last { keep: self.config.keep });
        self.writer.submit(Snapshot::take(task, moment, observers), places);
        (self.last, self.at) = (Instant::now(), Some(place(moment)));
    }

    /// The same, unless this very moment was handed in already, or nothing was trained yet.
    pub fn save_if_new<T: Task>(&mut self, task: &T, moment: &Moment<T::Model>, observers: BTreeMap<String, Value>) {
        let at = place(moment);
        if self.at != Some(at) && at != (0, 0) {
            self.save(task, moment, observers);
        }
    }

    /// What came of checkpoints since this was last asked.
    ///
    /// # Errors
    /// The first failure, when the policy is to stop then.
    pub fn news(&mut self) -> Result<Vec<CheckpointNews>, TrainError> {
        let mut news = self.writer.news();
        if self.config.on_error == OnCheckpointError::Stop
            && let Some(place) = news.iter().position(|news| !matches!(news, CheckpointNews::Saved { .. }))
            && let CheckpointNews::Failed(error) | CheckpointNews::NotCopied(error) = news.swap_remove(place)
        {
            return Err(error);
        }
        Ok(news)
    }

    /// Waits for all to be written, as long as the settings say when the run was told to stop, and answers what came of them.
    ///
    /// # Errors
    /// When the last one could not be written, or not in time.
    pub fn finish(&mut self, told_to_stop: bool) -> Result<Vec<CheckpointNews>, TrainError> {
        let most = if told_to_stop { self.config.stop_time() } else { None };
        if !self.writer.flush(most) {
            self.writer.abandon();
            let seconds = self.config.stop_seconds.unwrap_or_default();
            let what =
                format!("the last checkpoint was not written within {seconds} s; the run goes on from the one before");
            return Err(TrainError::Other {
                what,
                source: "raise checkpoints.stop_seconds, or use a faster disk".into(),
            });
        }
        let mut news = self.news()?;
        self.failure = match news.pop() {
            Some(CheckpointNews::Failed(error)) => Some(error),
            Some(last) => {
                news.push(last);
                None
            }
            None => self.failure.take(),
        };
        self.failure.take().map_or(Ok(news), Err)
    }
}

/// Epoch and step.
fn place<M>(moment: &Moment<M>) -> (usize, usize) {
    (moment.state.epoch, moment.state.step)
}
