//! The observer pattern: the list that a loop notifies, and the observers that come with it.

mod append_file;
mod confusion;
mod csv_log;
mod curves;
#[cfg(feature = "dashboard")]
mod dashboard;
mod early_stopping;
mod history;
mod learning_rate_monitor;
#[cfg(feature = "remote")]
mod mlflow;
mod nan_guard;
mod progress_bar;
#[cfg(feature = "remote")]
mod prometheus;
#[cfg(feature = "remote")]
mod recording;
#[cfg(feature = "remote")]
mod remote;
mod sample_predictions;
mod tensorboard;
mod thinned;
mod throughput;
#[cfg(feature = "remote")]
mod webhook;

pub use confusion::ConfusionMatrixPlot;
pub use csv_log::CsvLog;
pub use curves::Curves;
#[cfg(feature = "dashboard")]
pub use dashboard::Dashboard;
pub use early_stopping::EarlyStopping;
pub use history::History;
pub use learning_rate_monitor::LearningRateMonitor;
#[cfg(feature = "remote")]
pub use mlflow::{MlflowExperiment, MlflowFile, MlflowPoint, MlflowReader, MlflowRecorder, MlflowRun};
pub use nan_guard::NanGuard;
pub use progress_bar::ProgressBar;
#[cfg(feature = "remote")]
pub use prometheus::PrometheusExporter;
#[cfg(feature = "remote")]
pub use recording::RunLogger;
#[cfg(feature = "remote")]
pub use remote::OnServerTrouble;
pub use sample_predictions::SamplePredictions;
pub use tensorboard::{EventPicture, EventPoint, EventRun, TensorBoard, TensorBoardRecorder};
pub use throughput::Throughput;
#[cfg(feature = "remote")]
pub use webhook::{Webhook, WebhookEvent, WebhookFormat};

use std::collections::BTreeMap;

use mvl_core::{Flow, ObserverError, StopReason, TrainingEvent, TrainingObserver};
use serde_json::Value;

use crate::{OnObserverError, TrainError};

/// The observers of a run, told of every event in the order they were added.
///
/// # Example
/// ```
/// use mvl_core::TrainingEvent;
/// use mvl_train::{Observers, OnObserverError, ProgressBar};
/// let mut observers = Observers::new(OnObserverError::Stop).with(ProgressBar::new());
/// observers.notify(&TrainingEvent::EpochStarted { epoch: 0 })?;
/// assert!(observers.stop_reason().is_none()); // nobody wants to stop
/// # Ok::<(), mvl_train::TrainError>(())
/// ```
pub struct Observers {
    list: Vec<Watcher>,
    policy: OnObserverError,
    stop: Option<StopReason>,
}

struct Watcher {
    observer: Box<dyn TrainingObserver>,
    /// The last failure that was warned of, so that one that repeats is not repeated.
    warned: Option<String>,
}

impl Observers {
    /// No observers yet.
    pub fn new(policy: OnObserverError) -> Self {
        Self { list: Vec::new(), policy, stop: None }
    }

    /// Adds one at the end.
    pub fn with(mut self, observer: impl TrainingObserver + 'static) -> Self {
        self.push(observer);
        self
    }

    /// Adds one at the end.
    pub fn push(&mut self, observer: impl TrainingObserver + 'static) {
        self.list.push(Watcher { observer: Box::new(observer), warned: None });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Drops all but the first `count`, and forgets who wanted to stop.
    pub fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
        self.stop = None;
    }

    /// Tells all of them; all hear it, even when one fails.
    ///
    /// # Errors
    /// [`TrainError::Observer`] with the first failure, when the policy is to stop then.
    pub fn notify(&mut self, event: &TrainingEvent<'_>) -> Result<(), TrainError> {
        let mut failure = None;
        for watcher in &mut self.list {
            match watcher.observer.update(event) {
                Ok(Flow::Continue) => {}
                Ok(Flow::Stop { reason }) => {
                    let name = watcher.observer.name().to_owned();
                    self.stop.get_or_insert(StopReason::Observer { name, reason });
                }
                Err(error) if self.policy == OnObserverError::Warn => watcher.warn(error),
                Err(source) => {
                    let name = watcher.observer.name().to_owned();
                    failure.get_or_insert(TrainError::Observer { name, source });
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Tells all of them that the run ends with `error`; what they say to that no longer matters.
    pub fn notify_failure(&mut self, error: &TrainError) {
        let message = error.full_message();
        for watcher in &mut self.list {
            if let Err(error) = watcher.observer.update(&TrainingEvent::RunFailed { error: &message }) {
                watcher.warn(error);
            }
        }
    }

    /// What they want to be given back after a resume, by their names.
    pub fn states(&self) -> BTreeMap<String, Value> {
        let named = self.list.iter().map(|watcher| (watcher.observer.name(), watcher.observer.state()));
        named.filter_map(|(name, state)| Some((name.to_owned(), state?))).collect()
    }

    /// Gives back what [`states`](Self::states) gathered; what is nobody's any more is left.
    ///
    /// # Errors
    /// [`TrainError::Observer`] with the first failure, when the policy is to stop then.
    pub fn restore(&mut self, states: &BTreeMap<String, Value>) -> Result<(), TrainError> {
        let mut failure = None;
        for watcher in &mut self.list {
            let Some(state) = states.get(watcher.observer.name()) else { continue };
            match watcher.observer.restore(state) {
                Ok(()) => {}
                Err(error) if self.policy == OnObserverError::Warn => watcher.warn(error),
                Err(source) => {
                    let name = watcher.observer.name().to_owned();
                    failure.get_or_insert(TrainError::Observer { name, source });
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Who asked first to stop, and why.
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.stop.as_ref()
    }
}

impl Watcher {
    fn warn(&mut self, source: ObserverError) {
        let name = self.observer.name().to_owned();
        let message = TrainError::Observer { name, source }.full_message();
        if self.warned.as_ref() != Some(&message) {
            eprintln!("warning: {message}");
            self.warned = Some(message);
        }
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.list.iter().map(|watcher| watcher.observer.name());
        f.debug_list().entries(names).finish()
    }
}
