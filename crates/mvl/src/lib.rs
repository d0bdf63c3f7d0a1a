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
pub use mvl_models as models;
pub use mvl_train as train;

/// README's example, compiled and run by the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub mod prelude {
    //! What most programs use.
    pub use mvl_core::*;
    pub use mvl_data::{
        ImageFolder, LabelledDataset, Loader, LoaderConfig, OnCorrupt, Parallel, Sequential, Split, Subset,
        decode_file, fashion_mnist_part, open_dataset, preprocess, split_balanced,
    };
    pub use mvl_infer::{InferError, Input, Prediction, Predictor};
    pub use mvl_models::{ClassificationTask, ClassifierSpec, load_classifier, save_classifier, zoo};
    pub use mvl_train::{
        Curves, EarlyStopping, History, OptimizerConfig, ProgressBar, ScheduleConfig, StopToken, TrainConfig,
        TrainError, Trainer, evaluate,
    };
}
