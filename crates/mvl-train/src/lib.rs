//! The training loop of ML Vision Lab: public pieces, and the [`Trainer`] made of them.
//!
//! Generic over [`Task`](mvl_core::Task) and [`DataLoader`](mvl_core::DataLoader); no model family or data set is named here.
//!
//! # A loop of your own
//! The pieces do without the [`Trainer`]. This is all it takes to learn a straight line:
//!
//! ```
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Tensor};
//! use mvl_core::{Backend, BatchIter, Cpu, DataError, DataLoader, Loss, Metric, Monitor, SkippedSample, Task};
//! use mvl_train::{
//!     MeanLoss, OptimizerConfig, RunPlan, TrainConfig, Updater, epoch_batches, evaluate, prepare_model, train_step,
//! };
//!
//! type Batch = (Tensor<2>, Tensor<2>); // inputs and targets, [N, 1]
//!
//! struct Line;
//! impl Task for Line {
//!     type Model = Linear;
//!     type Batch = Batch;
//!     type Output = Tensor<2>;
//!     type Prediction = ();
//!     type Truth = ();
//!     fn name(&self) -> &str { "line" }
//!     fn describe(&self) -> serde_json::Value { serde_json::json!({"kind": "line"}) }
//!     fn batch_len(&self, batch: &Batch) -> usize { batch.0.dims()[0] }
//!     fn forward(&self, model: &Linear, batch: &Batch) -> Tensor<2> { model.forward(batch.0.clone()) }
//!     fn loss(&self, output: &Tensor<2>, batch: &Batch) -> Loss {
//!         Loss::new((output.clone() - batch.1.clone()).square().mean())
//!     }
//!     fn decode(&self, _: Tensor<2>) -> Vec<()> { Vec::new() }
//!     fn truths(&self, _: &Batch) -> Vec<()> { Vec::new() }
//!     fn metrics(&self) -> Vec<Box<dyn Metric<(), ()>>> { Vec::new() }
//!     fn monitor(&self) -> Monitor { Monitor::min("loss") }
//! }
//!
//! /// Four points of y = 2 x + 1, in one batch.
//! struct Points(Device);
//! impl DataLoader for Points {
//!     type Batch = Batch;
//!     fn batches_per_epoch(&self) -> usize { 1 }
//!     fn samples_per_epoch(&self) -> usize { 4 }
//!     fn epoch(&self, _epoch: usize, _first: usize) -> Result<BatchIter<Batch>, DataError> {
//!         let x = Tensor::<2>::from_floats([[-1.0], [0.0], [1.0], [2.0]], &self.0);
//!         Ok(Box::new(std::iter::once(Ok((x.clone(), x * 2.0 + 1.0)))))
//!     }
//!     fn take_skipped(&self) -> Vec<SkippedSample> { Vec::new() }
//! }
//!
//! let config = TrainConfig { epochs: 100, optimizer: OptimizerConfig::sgd(0.1), ..TrainConfig::default() };
//! let device = Cpu::device(0)?;
//! let (train, valid) = (Points(device.clone().autodiff()), Points(device.clone()));
//!
//! let plan = RunPlan::new(&config, train.batches_per_epoch());
//! let mut model = prepare_model(LinearConfig::new(1, 1).init(&device), &train.0, config.seed);
//! let mut updater = Updater::new(&config, &model);
//! for epoch in 0..config.epochs {
//!     let mut mean = MeanLoss::default();
//!     for (step, batch) in epoch_batches(&train, "training", epoch, 0)?.enumerate() {
//!         let (updated, report) = train_step(&Line, model, &[batch?], &mut updater, plan.step(epoch, step))?;
//!         model = updated;
//!         mean.add(&report.loss, report.samples);
//!     }
//! }
//! let metrics = evaluate(&Line, &model, &valid, |_predictions, _truths, _batch| ())?;
//! assert!(metrics.get("loss").is_some_and(|loss| loss < 0.01), "{metrics:?}");
//! # Ok::<(), mvl_train::TrainError>(())
//! ```
//!
//! # The pieces
//! | to | there is |
//! |---|---|
//! | say how to train | [`TrainConfig`], [`OptimizerConfig`], [`ScheduleConfig`], [`GradientClipConfig`] |
//! | know each step beforehand | [`RunPlan`] → [`StepPlan`] |
//! | find a rate or a batch size first | [`find_learning_rate`], [`find_batch_size`] |
//! | get a model ready | [`prepare_model`], [`freeze_for_epoch`] |
//! | go through the data | [`epoch_batches`] |
//! | update once | [`train_step`] with an [`Updater`]; [`clip_gradients`], [`unscale_gradients`], [`perturb`], [`seed_step`] |
//! | average weights | [`WeightAverage`], [`refresh_statistics`] |
//! | measure | [`evaluate`], [`Evaluation`], [`MeanLoss`], [`weight_histograms`] |
//! | tell others, and let them stop the run | [`Observers`]: [`ProgressBar`], [`EarlyStopping`], [`NanGuard`] |
//! | keep figures | [`History`], [`CsvLog`], [`TensorBoard`], [`LearningRateMonitor`], [`Throughput`] |
//! | look at a run | [`Curves`], [`ConfusionMatrixPlot`], [`SamplePredictions`] |
//! | record it with a tracker, show it to Prometheus, post it to a chat | `RunLogger` (`MlflowRecorder`), `PrometheusExporter`, `Webhook` |
//! | be told to stop | [`StopToken`] |
//! | save, and go on | [`Moment`], [`Checkpoints`], made of [`CheckpointWriter`], [`Checkpointer`], [`Snapshot`]; [`CheckpointFiles`] |
//! | draw | [`plots`] |
//! | have it all | [`Trainer`] |
//!
//! | feature | what |
//! |---|---|
//! | `dashboard` (default) | `Dashboard`, an observer that fills the terminal; brings ratatui |
//! | `remote` (default) | checkpoints in object stores; `RunLogger`, `PrometheusExporter`, `Webhook` |
//! | `cpu` (default), `ndarray`, `cuda`, `cuda-nvrtc`, `vulkan`, `metal`, `rocm` | backends, as in `mvl-core` |

mod average;
mod batches;
mod checkpoint;
mod clip;
mod config;
mod epoch_summary;
mod error;
mod evaluate;
mod exact;
mod finders;
mod fit;
mod freezing;
mod histograms;
mod live;
mod loss_values;
mod moment;
mod observers;
mod optimizer;
mod plan;
pub mod plots;
mod prepare;
mod problems;
mod resumable_optimizer;
mod run_parts;
mod schedule;
mod seed;
mod statistics;
mod step;
mod stop;
mod train_state;
mod trainer;
mod updater;
mod validation;

pub use average::{SwaConfig, WeightAverage};
pub use batches::{EpochBatches, epoch_batches};
pub use checkpoint::{
    BestBy, CHECKPOINTS_DIR, CheckpointConfig, CheckpointFiles, CheckpointKind, CheckpointNews, CheckpointWriter,
    Checkpointer, Checkpoints, OPTIMIZER_FILE, OnCheckpointError, Place, Restored, Snapshot, leaders,
};
pub use clip::{
    AdaptiveClipConfig, GradientClipConfig, clip_adaptively, clip_global_norm, clip_gradients, clip_value, global_norm,
};
pub use config::{EarlyStoppingConfig, FreezeConfig, OnObserverError, TrainConfig, WatchConfig};
pub use epoch_summary::EpochSummary;
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use finders::{
    BatchSizeConfig, BatchSizeReport, BatchSizeTrial, LearningRateConfig, LearningRateCurve, find_batch_size,
    find_learning_rate,
};
pub use freezing::freeze_for_epoch;
pub use histograms::weight_histograms;
pub use loss_values::{LossValues, MeanLoss};
pub use moment::Moment;
#[cfg(feature = "dashboard")]
pub use observers::Dashboard;
pub use observers::{
    ConfusionMatrixPlot, CsvLog, Curves, EarlyStopping, EventPicture, EventPoint, EventRun, History,
    LearningRateMonitor, NanGuard, Observers, ProgressBar, SamplePredictions, TensorBoard, TensorBoardRecorder,
    Throughput,
};
#[cfg(feature = "remote")]
pub use observers::{
    MlflowExperiment, MlflowFile, MlflowPoint, MlflowReader, MlflowRecorder, MlflowRun, OnServerTrouble,
    PrometheusExporter, RunLogger, Webhook, WebhookEvent, WebhookFormat,
};
pub use optimizer::{
    AdaGradConfig, AdafactorConfig, AdamConfig, AdamWConfig, AdanConfig, LambConfig, LionConfig, MuonAdjustment,
    MuonConfig, OptimizerConfig, RmsPropConfig, SgdConfig,
};
pub use plan::{RunPlan, StepPlan};
pub use prepare::prepare_model;
pub use schedule::{
    Anneal, ComposedSchedule, ConstantSchedule, CosineRestartsSchedule, CosineSchedule, ExponentialSchedule,
    LinearSchedule, MultiStepSchedule, OneCycleSchedule, PlateauSchedule, PolynomialSchedule, Schedule, ScheduleConfig,
    ScheduleShape, ScheduleUnit, StepSchedule, ThresholdMode,
};
pub use seed::{seed_initialization, seed_step};
pub use statistics::refresh_statistics;
pub use step::{StepReport, train_step};
pub use stop::StopToken;
pub use train_state::{BestEpoch, RunIdentity, TrainState};
pub use trainer::{Trained, Trainer};
pub use updater::{
    LookAhead, LookAheadConfig, LossScaleConfig, LossScaler, SharpnessConfig, Updater, UpdaterState, perturb,
    unscale_gradients,
};
