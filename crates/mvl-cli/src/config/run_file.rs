//! What a person writes in a TOML file or as flags: every key optional, unknown ones refused.

use std::path::PathBuf;

use mvl::core::{HeadConfig, Options, Preprocess, ResourceConfig};
use mvl::data::{OnCorrupt, SamplerConfig, StrategyConfig, TransformConfig};
use mvl::train::TrainConfig;
use serde::{Deserialize, Serialize};

use super::observers::ObserversConfig;
use super::tracking::TrackingConfig;
use crate::backends::BackendChoice;

/// A run's config as typed. See `recipes/` for whole ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunFile {
    /// Format of this file; 1.
    pub version: Option<u32>,
    /// Where to compute.
    pub backend: Option<BackendChoice>,
    /// Which device of the backend.
    pub device: Option<usize>,
    /// Folder that the run is written to.
    pub run_dir: Option<PathBuf>,
    /// What of the machine the run may use.
    pub resources: ResourceConfig,
    /// What to train on.
    pub data: DataTable,
    /// How an image becomes the network's input.
    pub preprocess: Option<Preprocess>,
    /// What to train.
    pub model: ModelTable,
    /// What to train it for.
    pub task: TaskTable,
    /// How to train it.
    pub train: TrainConfig,
    /// Who watches.
    pub observers: ObserversConfig,
    /// Where the run is recorded.
    pub tracking: TrackingConfig,
}

/// `[data]` as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataTable {
    /// A folder, an IDX folder, a .csv or .jsonl file, or `embedded:fashion-mnist`.
    pub path: Option<String>,
    /// Share of the training data held out for validation, when there is no validation split.
    pub validation: Option<f64>,
    /// Images a step.
    pub batch_size: Option<usize>,
    /// Threads that read and prepare images; 0 means one a core.
    pub workers: Option<usize>,
    /// Memory for prepared images that wait, in MiB.
    pub queue_mib: Option<usize>,
    /// Lets libjpeg-turbo decode large pictures at a fraction of their size where they are shrunk anyway.
    pub reduced_decoding: Option<bool>,
    /// What to do with images that cannot be read.
    pub on_corrupt: Option<OnCorrupt>,
    /// In which order an epoch goes through the training images; shuffled unless said otherwise.
    pub order: Option<SamplerConfig>,
    /// What is between the files and the threads that prepare images, such as a cache, nearest to the files first; for training and
    /// validation each.
    pub strategy: Vec<StrategyConfig>,
    /// Height and width the network sees, when there is no `[preprocess]`.
    pub image_size: Option<[u32; 2]>,
    /// Random changes to training images, in order.
    pub augment: Vec<TransformConfig>,
}

/// `[model]` as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelTable {
    /// Name in `mvl models list`.
    pub name: Option<String>,
    /// A weights name (`mobilenet_v2.imagenet1k_v1`) a `.pth` or `.safetensors` file, or a registered model
    /// (`models:/flowers@champion`) to start from.
    pub weights: Option<String>,
    /// Whether only the head learns.
    pub freeze_backbone: Option<bool>,
    /// The head.
    pub head: Option<HeadConfig>,
    /// Options of the model's family.
    pub options: Options,
}

/// `[task]` as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskTable {
    /// `classification` (without), `multi_label`, or one that a plugin registered.
    pub name: Option<String>,
    /// Figures that are measured in validation beside the task's own, by name.
    pub metrics: Vec<String>,
    /// Everything else is for the task: `label_smoothing` and so on.
    #[serde(flatten)]
    pub options: Options,
}
