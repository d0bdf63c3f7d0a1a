//! Models of ML Vision Lab: layers, backbones, heads, losses, the classification task, weights, and the zoo that names them.
//!
//! - [`create_model`]: a model by name, in one line.
//! - [`zoo()`]: the registry of all built-in models and heads; put your own in with
//!   [`register_model`](mvl_core::Registry::register_model).
//! - [`layers`]: blocks that backbones are made of.
//! - [`backbones`]: images to features.
//! - [`necks`]: features to features.
//! - [`heads`]: features to answers.
//! - [`losses`], [`ClassificationTask`], [`MultiLabelTask`], [`DistillationTask`]: what is minimised, and the tasks that training,
//!   evaluation and serving share.
//! - [`ClassifierSpec`], [`save_classifier`], [`load_classifier`], [`load_with_task`]: a model as a folder that needs nothing else.
//! - [`summarize`]: parameters, multiply-adds and activations of a model, part by part.
//! - [`weights`]: `.pth` and `.safetensors` files of torchvision and others, cards of published weights, and their downloads.
//!
//! # Example
//! ```
//! use burn::tensor::{Distribution, Tensor};
//! use mvl_core::{Backend, Cpu, ModelConfig};
//!
//! let device = Cpu::device(0)?;
//! let config = ModelConfig::new("resnet8", 10).with_in_channels(1);
//! let model = mvl_models::zoo().create_classifier(&config, &device)?;
//! let logits = model.forward(Tensor::random([2, 1, 28, 28], Distribution::Default, &device)); // [N, K]
//! assert_eq!(logits.dims(), [2, 10]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | backend |
//! |---|---|
//! | `cpu` (default), `ndarray`, `cuda`, `cuda-nvrtc`, `vulkan`, `metal`, `rocm` | forwarded to `mvl-core` |

pub mod backbones;
pub mod heads;
pub mod layers;
pub mod losses;
pub mod necks;
mod saved_model;
mod summary;
mod tasks;
pub mod weights;
mod zoo;

pub use mvl_core::ClassifierSpec;
pub use saved_model::{load_classifier, load_with_task, save_classifier, saved_model_in};
pub use summary::{ModelSummary, PartSummary, summarize};
pub use tasks::{
    ClassificationTask, ClassificationTaskFactory, DistillationTask, DistillationTaskFactory, MultiLabelTask,
    MultiLabelTaskFactory,
};
pub use zoo::{create_model, zoo};
