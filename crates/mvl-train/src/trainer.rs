//! The stock training loop: options here, the loop itself in `fit.rs`.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use mvl_core::{Backend, BackendError, Metric, Monitor, Precision, StopReason, Task, TrainingObserver};
use serde_json::Value;

use crate::{BestEpoch, EpochSummary, Observers, StopToken, TrainConfig, TrainError};

/// Trains a task's model on backend `B`.
///
/// The training loader must be on [`training_device`](Self::training_device), the validation loader on the plain
/// [`device`](Self::device): burn's normalisation and dropout layers learn only from input on an autodiff device.
/// For a loop of your own, copy the one in [`fit`](Self::fit); it is made of this crate's public pieces.
///
/// With the same seed, data and number of threads two runs give the same weights bit for bit, and so does a run that was
/// interrupted anywhere and resumed.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use mvl_core::{Backend, DataLoader, Task};
/// use mvl_train::{ProgressBar, StopToken, TrainConfig, TrainError, Trainer};
///
/// fn train<B: Backend, T: Task, L: DataLoader<Batch = T::Batch>>(
///     task: T,
///     model: T::Model,
///     loader: impl Fn(&Device) -> L,
/// ) -> Result<T::Model, TrainError> {
///     let mut trainer = Trainer::<B, _>::new(task, TrainConfig::default())?
///         .with_run_dir("runs/first")
///         .with_resume(true)
///         .with_stop(StopToken::on_ctrl_c()?)
///         .with_observer(ProgressBar::new());
///     let (train, valid) = (loader(&trainer.training_device()?), loader(&trainer.device()?));
///     let trained = trainer.fit(model, &train, Some(&valid))?;
///     println!("best epoch: {:?}", trained.best);
///     Ok(trained.model)
/// }
/// ```
pub struct Trainer<B, T: Task> {
    pub(crate) task: T,
    pub(crate) config: TrainConfig,
    pub(crate) monitor: Monitor,
    pub(crate) observers: Observers,
    pub(crate) run_dir: Option<PathBuf>,
    pub(crate) resume: bool,
    pub(crate) overwrite: bool,
    pub(crate) stop: StopToken,
    pub(crate) metrics: Box<MakeMetrics<T>>,
    pub(crate) settings: Value,
    ordinal: usize,
    backend: PhantomData<B>,
}

/// Makes fresh metrics for one pass.
type MakeMetrics<T> = dyn Fn() -> Vec<Box<dyn Metric<<T as Task>::Prediction, <T as Task>::Truth>>> + Send + Sync;

/// What came of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Trained<M> {
    /// The model after the last step, without autodiff: ready for inference.
    pub model: M,
    /// The best epoch by the monitored validation figure, if there was one; its weights are in `checkpoints/best`.
    pub best: Option<BestEpoch>,
    /// The finished epochs, from the very first, whenever the run was resumed.
    pub history: Vec<EpochSummary>,
    /// Why it ended.
    pub stop_reason: StopReason,
}

impl<B: Backend, T: Task> Trainer<B, T> {
    /// A trainer on device 0, without observers, run folder or a way to stop it early.
    ///
    /// # Errors
    /// [`TrainError::Config`] with everything that is wrong.
    pub fn new(task: T, config: TrainConfig) -> Result<Self, TrainError> {
        let mut problems = config.problems();
        let monitor = config.monitor.clone().unwrap_or_else(|| task.monitor());
        problems.extend(unsupported::<B>(&config));
        if !problems.is_empty() {
            return Err(TrainError::Config { problems });
        }
        let observers = Observers::new(config.on_observer_error);
        Ok(Self {
            task,
            config,
            monitor,
            observers,
            run_dir: None,
            resume: false,
            overwrite: false,
            stop: StopToken::new(),
            metrics: Box::new(Vec::new),
            settings: Value::Null,
            ordinal: 0,
            backend: PhantomData,
        })
    }

    /// Sets which of the backend's devices to use.
    pub fn with_device_ordinal(mut self, ordinal: usize) -> Self {
        self.ordinal = ordinal;
        self
    }

    /// Adds an observer.
    pub fn with_observer(mut self, observer: impl TrainingObserver + 'static) -> Self {
        self.observers.push(observer);
        self
    }

    /// Measures more in validation than the task does: figures that can be watched, and details for observers. `make` answers fresh
    /// metrics for each pass. `mvl_metrics::metrics_by_name` makes those of classifiers.
    pub fn with_metrics(
        mut self,
        make: impl Fn() -> Vec<Box<dyn Metric<T::Prediction, T::Truth>>> + Send + Sync + 'static,
    ) -> Self {
        self.metrics = Box::new(make);
        self
    }

    /// Adds an object of settings of the program to what observers are told at the start.
    pub fn with_settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the folder in which checkpoints are kept; without one there are none.
    pub fn with_run_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.run_dir = Some(path.into());
        self
    }

    /// Whether to go on from `checkpoints/last` in the run folder, if there is one.
    pub fn with_resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Whether a new run may remove the checkpoints of an earlier one in its folder; otherwise that is an error.
    pub fn with_overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Ends the run after the current step once the token says so, with a checkpoint; a validation under way is finished first.
    pub fn with_stop(mut self, stop: StopToken) -> Self {
        self.stop = stop;
        self
    }

    /// The plain device, for validation data.
    ///
    /// # Errors
    /// When this machine has none.
    pub fn device(&self) -> Result<Device, BackendError> {
        B::device(self.ordinal)
    }

    /// The autodiff device, for training data.
    ///
    /// # Errors
    /// When this machine has none.
    pub fn training_device(&self) -> Result<Device, BackendError> {
        let device = self.device()?.autodiff();
        Ok(if self.config.gradient_checkpointing { device.gradient_checkpointing() } else { device })
    }

    /// The task.
    pub fn task(&self) -> &T {
        &self.task
    }

    /// The settings.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The folder of the run, if it has one.
    pub fn run_dir(&self) -> Option<&Path> {
        self.run_dir.as_deref()
    }

    /// Who asks to stop: the user, or an observer.
    pub(crate) fn stop_request(&self) -> Option<StopReason> {
        if self.stop.is_stopped() { Some(StopReason::Interrupted) } else { self.observers.stop_reason().cloned() }
    }
}

impl<B, T: Task> std::fmt::Debug for Trainer<B, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer")
            .field("task", &self.task.name())
            .field("config", &self.config)
            .field("observers", &self.observers)
            .field("run_dir", &self.run_dir)
            .finish_non_exhaustive()
    }
}

/// What this backend cannot do of the settings.
fn unsupported<B: Backend>(config: &TrainConfig) -> Vec<String> {
    let mut problems = Vec::new();
    if config.precision != Precision::F32 {
        match B::device(0).map(|device| config.precision.supported_by(&device)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => problems.push(format!("precision: {error}")),
            Err(error) => problems.push(format!("precision: cannot ask the device: {error}")),
        }
    }
    if config.deterministic && !B::ON_HOST {
        let name = B::NAME;
        problems.push(format!("deterministic: {name} does not promise equal bits, only backends on the CPU do"));
    }
    problems
}
