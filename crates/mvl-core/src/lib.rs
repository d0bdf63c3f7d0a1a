//! The vocabulary and the contracts of ML Vision Lab: what every other crate of the family speaks.
//!
//! - [`Backend`]: the type parameter that picks CUDA or CPU.
//! - [`Image`], [`Sample`], [`Annotations`], [`Labels`], [`Preprocess`]: what is seen and known.
//! - [`Backbone`], [`Neck`], [`Head`], [`Network`], [`ModelFactory`], [`Registry`]: models, static or boxed, and their names
//!   (factory).
//! - [`FeatureExtractor`]: a backbone's features at taps chosen by name.
//! - [`fuse()`]: any model in its cheapest equal form for inference.
//! - [`freeze`], [`ParameterGroups`], [`ModelEma`]: which parts of a model learn, how fast, and their average.
//! - [`Precision`], [`lower_precision`], [`MixedForward`]: training in half precision.
//! - [`Task`], [`BoxedTask`], [`Metric`]: what a model is trained, judged and used for.
//! - [`Dataset`], [`Sampler`], [`EpochPlan`], [`DataLoadStrategy`], [`DataLoader`]: what is loaded, when and how (strategy).
//! - [`TrainingObserver`]: who looks on (observer). [`RunRecorder`]: who keeps what is seen.
//! - [`ResourceManager`]: host memory, threads, devices and shared memory, with budgets that can be looked at.
//! - [`write_atomically`]: the one way in which files are written.
//! - [`conformance`]: suites that prove a type keeps its contract; run them on your own.
//!
//! ```
//! use mvl_core::{Backend, Cpu};
//! let device = Cpu::device(0)?;
//! assert!(!device.is_autodiff()); // `device.autodiff()` turns gradients on
//! # Ok::<(), mvl_core::BackendError>(())
//! ```
//!
//! | feature | backend |
//! |---|---|
//! | `cpu` (default) | `Cpu`: burn-flex |
//! | `ndarray` | `NdArray` |
//! | `cuda` | `Cuda` through LLVM |
//! | `cuda-nvrtc` | `Cuda` through NVRTC |
//! | `vulkan`, `metal`, `rocm` | `Vulkan`, `Metal`, `Rocm` |

mod annotations;
mod atomic_file;
mod backend;
mod bounded_file;
mod classification;
mod classifier_spec;
pub mod conformance;
#[cfg(feature = "cpu")]
mod cpu;
mod erased;
mod erased_task;
mod error;
mod factory;
mod feature_extractor;
mod features;
mod fuse;
mod glob;
mod hostile_name;
mod image;
mod loading;
mod metrics;
mod mixed_precision;
mod model;
mod model_config;
mod model_source;
mod neck;
mod observer;
mod predicted_sample;
mod preprocess;
mod recording;
mod resources;
mod sample;
mod surgery;
mod task;
mod with_causes;

pub use annotations::*;
pub use atomic_file::{sync_folder, write_atomically, write_disposable};
pub use backend::*;
pub use bounded_file::read_bounded;
pub use classification::{Classification, ScoredClass};
pub use classifier_spec::{BURN_VERSION, CLASSIFIER_VERSION, ClassifierSpec};
pub use erased::{BackboneTable, Boxed, BoxedBackbone, BoxedHead, HeadTable};
pub use erased_task::{AnyTruth, BoxedTask};
pub use error::{BoxError, nearest};
pub use factory::{Classifier, HeadFactory, KeyMap, ModelError, ModelFactory, Registry, TaskFactory};
pub use feature_extractor::FeatureExtractor;
pub use features::{Feature, Features, Layout, MAX_TAPS, Tap, TapSet};
pub use fuse::{Fusable, Fuse, fuse};
pub use glob::matches_glob;
pub use hostile_name::is_hostile_name;
pub use image::{Channels, Image, ImageSizeError};
pub use loading::*;
pub use metrics::{
    ConfusionMatrix, Histogram, LabelledConfusion, Metric, MetricDetail, Metrics, Monitor, MonitorMode,
    MultiLabelAccuracy, MultiLabelMeanPrecision, TopKAccuracy,
};
pub use mixed_precision::{
    MixedForward, Precision, UnsupportedPrecision, flow_type, full_precision, in_full_precision, in_type_of,
    keep_problems, lower_precision, quantize_weights,
};
pub use model::{Backbone, Head, InputSides, Network, count_parameters, device_of, is_learnt};
pub use model_config::{HeadConfig, ModelConfig, Options};
pub use model_source::ModelSource;
pub use neck::{Neck, NeckedHead};
pub use observer::{Flow, ObserverError, StopReason, TrainingEvent, TrainingObserver};
pub use predicted_sample::PredictedSample;
pub use preprocess::{ChannelOrder, Filter, IMAGENET_MEAN, IMAGENET_STD, MAX_SIDE_PX, Preprocess, Resize, ResizeTo};
pub use recording::{
    ArtifactContent, BegunRun, MAX_FIGURES, MAX_PARAMS, RecordFailure, RecordFailureKind, RunBatch, RunBegin,
    RunFigure, RunRecorder, RunStatus,
};
pub use resources::*;
pub use sample::{ByteSize, EncodedSample, Sample};
pub use surgery::{
    ModelEma, ModelEmaConfig, ParameterGroup, ParameterGroups, ParameterGroupsConfig, average_towards, freeze,
    matches_path, unfreeze,
};
pub use task::{ImageBatch, Loss, MODEL_FILE, Task, WEIGHTS_FILE};
pub use with_causes::with_causes;
