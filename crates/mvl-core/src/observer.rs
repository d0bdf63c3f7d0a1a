//! The observer pattern: looks at training, does not touch it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::{BoxError, Histogram, MetricDetail, Metrics, PredictedSample, SkippedSample};

/// Told of everything that happens in a run: progress, logs, plots, early stopping.
///
/// An observer gets host numbers, never tensors, and steers only by its answer. What changes training (schedule, clipping,
/// checkpoints) is a named piece of the loop instead. The contract is proven by
/// [`conformance::observer`](crate::conformance::observer).
///
/// # Example
/// ```
/// use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver};
///
/// /// Stops once the loss is good enough.
/// struct GoodEnough;
/// impl TrainingObserver for GoodEnough {
///     fn name(&self) -> &str { "good enough" }
///     fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
///         match event {
///             TrainingEvent::EpochFinished { train, .. } if train.get("loss").is_some_and(|loss| loss < 0.1) => {
///                 Ok(Flow::Stop { reason: "loss below 0.1".to_owned() })
///             }
///             _ => Ok(Flow::Continue),
///         }
///     }
/// }
/// ```
pub trait TrainingObserver: Send {
    /// A short name, for messages.
    fn name(&self) -> &str;

    /// Takes in one event and says whether to go on.
    ///
    /// # Errors
    /// Reported to the user with the observer's name; whether the run stops then is the user's policy.
    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError>;

    /// What a resumed run must give back to it; it is kept in every checkpoint under the observer's name. Nothing by default.
    fn state(&self) -> Option<Value> {
        None
    }

    /// Takes up what [`state`](Self::state) once said, before the resumed run begins.
    ///
    /// # Errors
    /// When that is not a state of its own.
    fn restore(&mut self, _state: &Value) -> Result<(), ObserverError> {
        Ok(())
    }
}

impl<O: TrainingObserver + ?Sized> TrainingObserver for Box<O> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        (**self).update(event)
    }

    fn state(&self) -> Option<Value> {
        (**self).state()
    }

    fn restore(&mut self, state: &Value) -> Result<(), ObserverError> {
        (**self).restore(state)
    }
}

/// An observer's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Go on.
    Continue,
    /// End the run cleanly, with a checkpoint.
    Stop {
        /// Why, for the user.
        reason: String,
    },
}

/// What happened. Epochs and steps count from 0; a step is one optimiser update.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum TrainingEvent<'a> {
    /// The run begins, or goes on after a resume.
    RunStarted {
        /// Epochs in all.
        epochs: usize,
        /// Steps in each epoch.
        steps_per_epoch: usize,
        /// Samples in each epoch.
        samples_per_epoch: usize,
        /// The epoch it begins with; above 0, or with `start_step` above 0, the run was resumed.
        start_epoch: usize,
        /// The step in that epoch it begins with.
        start_step: usize,
        /// Everything that was set for the run, as an object: `train` with the settings of training, `model` with what the task
        /// says of its model, and whatever else the program adds.
        settings: &'a Value,
    },
    /// Something that people should know of, and that does not end the run.
    Notice {
        /// What, in one line or a few.
        message: &'a str,
    },
    /// An epoch begins.
    EpochStarted {
        /// Which.
        epoch: usize,
    },
    /// One update was made.
    StepFinished {
        /// The epoch.
        epoch: usize,
        /// The step in the epoch.
        step: usize,
        /// The step in the run.
        global_step: usize,
        /// Mean loss of the batch.
        loss: f64,
        /// Named parts of the loss; empty when it has one part.
        parts: &'a [(&'static str, f64)],
        /// The learning rate that was used.
        learning_rate: f64,
        /// Samples in the batch.
        samples: usize,
        /// The norm of all gradients before clipping, where they are clipped by it.
        gradient_norm: Option<f64>,
        /// The factor on the loss, where a precision needs one.
        loss_scale: Option<f64>,
        /// Whether the weights were changed; they are not where the gradients of a scaled loss overflow.
        updated: bool,
    },
    /// How the numbers of each parameter are spread, after a step; only where the run was asked for it.
    Histograms {
        /// The step in the run.
        global_step: usize,
        /// Each under the path of its parameter.
        histograms: &'a [(String, Histogram)],
    },
    /// A pass over the validation set begins.
    ValidationStarted {
        /// The epoch.
        epoch: usize,
        /// Batches to come.
        batches: usize,
    },
    /// One validation batch is done.
    ValidationStep {
        /// The batch.
        batch: usize,
    },
    /// Some samples of the validation set with what was predicted; only where the run was asked for them.
    SamplesPredicted {
        /// The epoch.
        epoch: usize,
        /// The first ones of the set.
        samples: &'a [PredictedSample],
    },
    /// A pass over the validation set is done; [`EpochFinished`](Self::EpochFinished) follows.
    ValidationFinished {
        /// The epoch.
        epoch: usize,
        /// Its figures.
        metrics: &'a Metrics,
        /// What metrics know beyond figures.
        details: &'a [MetricDetail],
    },
    /// Samples that could not be read were left out.
    SamplesSkipped {
        /// The epoch.
        epoch: usize,
        /// Which, and why.
        skipped: &'a [SkippedSample],
    },
    /// An epoch is done, with its validation.
    EpochFinished {
        /// Which.
        epoch: usize,
        /// Figures of the training pass; `loss` at least.
        train: &'a Metrics,
        /// Figures of the validation pass, if there was one; `loss` at least.
        valid: Option<&'a Metrics>,
        /// The learning rate of the last step.
        learning_rate: f64,
        /// Samples trained on in this epoch, by this process.
        samples: usize,
        /// Time spent on training steps, data loading included.
        train_time: Duration,
        /// Time for the whole epoch.
        time: Duration,
    },
    /// A checkpoint is on disk, whole.
    CheckpointSaved {
        /// The epoch it belongs to.
        epoch: usize,
        /// Its folder.
        path: &'a Path,
        /// Whether it is the best by the monitored figure.
        best: bool,
    },
    /// The run is over; it was not cut short by an error.
    RunFinished {
        /// Why it ended.
        reason: &'a StopReason,
        /// The time since it began or was resumed.
        time: Duration,
    },
    /// The run ends with an error.
    RunFailed {
        /// What went wrong.
        error: &'a str,
    },
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum StopReason {
    /// All epochs are done.
    Completed,
    /// An observer said so.
    Observer {
        /// Which.
        name: String,
        /// Its reason.
        reason: String,
    },
    /// The user said so (Ctrl-C, a stop token).
    Interrupted,
}

/// What went wrong in an observer.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ObserverError {
    /// What it was doing.
    pub what: String,
    /// The cause.
    #[source]
    pub source: Option<BoxError>,
}

impl ObserverError {
    /// An error without a cause.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// An error with its cause.
    pub fn with_source(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}
