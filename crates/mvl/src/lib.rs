//! ML Vision Lab: computer vision for Rust, on burn. One dependency for the whole family, and nothing but re-exports.
//!
//! ```no_run
//! use mvl::prelude::*;
//!
//! let predictor = Predictor::<Cpu>::load("runs/demo")?;
//! println!("{:?}", predictor.predict("photo.jpg")?.top(3));
//! # Ok::<(), InferError>(())
//! ```
//!
//! | module | crate | what |
//! |---|---|---|
//! | [`core`] | `mvl-core` | vocabulary and contracts |
//! | [`data`] | `mvl-data` | sources, decoding, transforms, loading |
//! | [`models`] | `mvl-models` | backbones, heads, losses, weights |
//! | [`train`] | `mvl-train` | the loop in pieces, `Trainer`, observers |
//! | [`infer`] | `mvl-infer` | `Predictor` |
//! | [`metrics`] | `mvl-metrics` | figures of merit: classification, segmentation, detection, retrieval |
//!
//! | feature | backend |
//! |---|---|
//! | `cpu` (default) | `Cpu` |
//! | `ndarray` | `NdArray` |
//! | `cuda`, `cuda-nvrtc` | `Cuda` |
//! | `vulkan`, `metal`, `rocm` | `Vulkan`, `Metal`, `Rocm` |

pub use mvl_core as core;
pub use mvl_data as data;
pub use mvl_infer as infer;
pub use mvl_metrics as metrics;
pub use mvl_models as models;
#[cfg(feature = "serve")]
pub use mvl_serve as serve;
#[cfg(feature = "track")]
pub use mvl_store as store;
#[cfg(feature = "track")]
pub use mvl_track as track;
pub use mvl_train as train;

/// README's example, compiled by the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub mod prelude {
    //! What most programs use.
    #[cfg(feature = "cpu")]
    pub use mvl_core::Cpu;
    #[cfg(feature = "cuda")]
    pub use mvl_core::Cuda;
    #[cfg(feature = "metal")]
    pub use mvl_core::Metal;
    #[cfg(feature = "ndarray")]
    pub use mvl_core::NdArray;
    #[cfg(feature = "rocm")]
    pub use mvl_core::Rocm;
    #[cfg(feature = "vulkan")]
    pub use mvl_core::Vulkan;
    pub use mvl_core::{
        Annotations, Backbone, Backend, BackendError, BoxXyxy, BoxedBackbone, BoxedHead, BoxedTask, Channels,
        Classification, Classifier, ConfusionMatrix, DataError, DataLoadStrategy, DataLoader, Dataset, EpochPlan,
        Feature, FeatureExtractor, Features, Flow, Head, HeadConfig, HeadFactory, Image, ImageBatch, InputSides,
        ItemIter, KeyMap, Labels, Layout, Loss, Metric, Metrics, MixedForward, ModelConfig, ModelError, ModelFactory,
        Monitor, Network, Object, ObserverError, Options, Order, Precision, Preprocess, Registry, Sample, SampleKey,
        SampleRng, StopReason, Tap, TapSet, Task, TaskFactory, TrainingEvent, TrainingObserver, count_parameters,
    };
    pub use mvl_data::{
        Cached, ImageFolder, LabelledDataset, Loader, LoaderConfig, MemoryMapped, OnCorrupt, Parallel, Prefetch,
        SamplerConfig, Sequential, Split, StrategyConfig, Subset, decode_file, fashion_mnist_part, open_dataset,
        preprocess, split_balanced,
    };
    pub use mvl_infer::{InferError, Input, Prediction, Predictor};
    pub use mvl_models::{ClassificationTask, ClassifierSpec, create_model, load_classifier, save_classifier, zoo};
    pub use mvl_train::{
        Curves, EarlyStopping, History, OptimizerConfig, ProgressBar, ScheduleConfig, StopToken, TrainConfig,
        TrainError, Trainer, evaluate,
    };
}
