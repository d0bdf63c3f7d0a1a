//! A run's config once resolved and checked: nothing optional is left but what is optional by nature.

use std::path::{Path, PathBuf};

use mvl::core::{
    Backend, HeadConfig, ModelConfig, ModelError, Options, Preprocess, Registry, Resize, ResizeTo, ResourceConfig,
};
use mvl::data::{OnCorrupt, SamplerConfig, StrategyConfig, TransformConfig};
use mvl::metrics::{TruthKind, unknown_metrics};
use mvl::models::weights::{WeightsCard, weights_card};
use mvl::train::TrainConfig;
use serde::Serialize;

use super::observers::ObserversConfig;
use super::reader::ConfigProblems;
use super::run_file::RunFile;
use super::tracking::TrackingConfig;
use crate::backends::{BackendChoice, with_backend};

/// Everything that decides a run. Written in full beside its checkpoints as `config.toml`, which is a [`RunFile`] again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunConfig {
    /// Format of the file; 1.
    pub version: u32,
    /// Where to compute.
    pub backend: BackendChoice,
    /// Which device of the backend.
    pub device: usize,
    /// Folder that the run is written to.
    pub run_dir: PathBuf,
    /// What of the machine the run may use.
    pub resources: ResourceConfig,
    /// What to train on.
    pub data: DataConfig,
    /// What to train; the number of classes comes from the data.
    pub model: ModelChoice,
    /// What to train it for.
    pub task: TaskConfig,
    /// How to train it.
    pub train: TrainConfig,
    /// How an image becomes the network's input.
    pub preprocess: Preprocess,
    /// Who watches beside history and curves; may change when the run is resumed.
    pub observers: ObserversConfig,
    /// Where the run is recorded; may change when it is resumed.
    pub tracking: TrackingConfig,
}

/// What to train on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataConfig {
    /// A path, or `embedded:fashion-mnist`.
    pub path: String,
    /// Share of the training data held out for validation, when there is no validation split.
    pub validation: f64,
    /// Images a step.
    pub batch_size: usize,
    /// Threads that read and prepare images; 0 means one a core.
    pub workers: usize,
    /// Memory for prepared images that wait, in MiB.
    pub queue_mib: usize,
    /// Lets libjpeg-turbo decode large pictures at a fraction of their size where they are shrunk anyway.
    pub reduced_decoding: bool,
    /// What to do with images that cannot be read.
    pub on_corrupt: OnCorrupt,
    /// In which order an epoch goes through the training images.
    pub order: SamplerConfig,
    /// What is between the files and the threads that prepare images, nearest to the files first; for training and validation each.
    pub strategy: Vec<StrategyConfig>,
    /// Random changes to training images, in order.
    pub augment: Vec<TransformConfig>,
}

/// What to train.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelChoice {
    /// Name in the registry.
    pub name: String,
    /// What to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<StartingWeights>,
    /// Whether only the head learns.
    pub freeze_backbone: bool,
    /// The head.
    pub head: HeadConfig,
    /// Options of the model's family.
    #[serde(skip_serializing_if = "Options::is_empty")]
    pub options: Options,
}

/// What a run is trained for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskConfig {
    /// Name in the registry.
    pub name: String,
    /// Figures that are measured in validation beside its own: names of [`metric_names`](mvl::metrics::metric_names).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Its options.
    #[serde(flatten)]
    pub options: Options,
}

impl TaskConfig {
    /// Names that are no figures of this task.
    fn metric_problems(&self) -> Vec<String> {
        let name = &self.name;
        match TruthKind::of_task(name) {
            Some(kind) => {
                let unknown = unknown_metrics(self.metrics.iter().map(String::as_str), kind);
                unknown.iter().map(|unknown| format!("task.metrics: {unknown}")).collect()
            }
            None if self.metrics.is_empty() => Vec::new(),
            None => vec![format!("task.metrics: there are none by name for the task {name:?}, leave them out")],
        }
    }
}

/// Weights to start from: a name in the zoo, a file, or an address (`https://`, `hf://` …).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct StartingWeights(pub String);

impl StartingWeights {
    /// The zoo's card, if it is a name.
    pub(crate) fn card(&self) -> Option<&'static WeightsCard> {
        weights_card(&self.0).ok()
    }
}

const FORMAT: u32 = 1;
const DEFAULT_SIZE_PX: u32 = 224;
const DEFAULT_BATCH: usize = 64;
const MAX_BATCH: usize = 1 << 16;
const MAX_WORKERS: usize = 1024;
const DEFAULT_QUEUE_MIB: usize = 256;
const DEFAULT_VALIDATION: f64 = 0.1;
const DEFAULT_MODEL: &str = "resnet18";
const DEFAULT_TASK: &str = "classification";

impl RunConfig {
    /// Fills in what was not typed and checks everything.
    ///
    /// # Errors
    /// [`ConfigProblems`] with every problem and its path.
    pub fn resolve(file: RunFile, registry: &Registry) -> Result<Self, ConfigProblems> {
        Self::resolve_from(file, registry, StartingPoint::Weights, Vec::new())
    }

    /// The same, after problems that were found in what was typed; what they are about is not reported twice.
    pub(crate) fn resolve_from(
        file: RunFile,
        registry: &Registry,
        start: StartingPoint,
        typed: Vec<String>,
    ) -> Result<Self, ConfigProblems> {
        let mut problems = Vec::new();
        let name = file.model.name.unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        let weights = file.model.weights.map(StartingWeights);
        let card = weights.as_ref().and_then(StartingWeights::card);
        let decided = file.preprocess.is_some() || card.is_some();
        if let (Some(size), true) = (file.data.image_size, decided) {
            problems.push(format!(
                "data.image_size: [preprocess] or the weights decide the size already, leave it out, got {size:?}"
            ));
        }
        let preprocess = match (file.preprocess, card) {
            (Some(preprocess), _) => preprocess,
            (None, Some(card)) => card.preprocess(),
            (None, None) => {
                let [height, width] = file.data.image_size.unwrap_or([DEFAULT_SIZE_PX; 2]);
                let mut spec = Preprocess::imagenet(DEFAULT_SIZE_PX, DEFAULT_SIZE_PX);
                spec.crop = None;
                spec.resize = spec.resize.map(|resize| Resize { to: ResizeTo::Exact([height, width]), ..resize });
                spec
            }
        };
        let config = Self {
            version: file.version.unwrap_or(FORMAT),
            backend: file.backend.unwrap_or_default(),
            device: file.device.unwrap_or(0),
            run_dir: file.run_dir.unwrap_or_else(|| Path::new("runs").join(&name)),
            resources: file.resources,
            data: DataConfig {
                path: file.data.path.unwrap_or_else(|| {
                    problems
                        .push("data.path: expected a folder, a file or embedded:fashion-mnist, got nothing".to_owned());
                    String::new()
                }),
                validation: file.data.validation.unwrap_or(DEFAULT_VALIDATION),
                batch_size: file.data.batch_size.unwrap_or(DEFAULT_BATCH),
                workers: file.data.workers.unwrap_or(0),
                queue_mib: file.data.queue_mib.unwrap_or(DEFAULT_QUEUE_MIB),
                reduced_decoding: file.data.reduced_decoding.unwrap_or(false),
                on_corrupt: file.data.on_corrupt.unwrap_or(OnCorrupt::Fail),
                order: file.data.order.unwrap_or(SamplerConfig::Shuffled),
                strategy: file.data.strategy,
                augment: file.data.augment,
            },
            model: ModelChoice {
                name,
                weights,
                freeze_backbone: file.model.freeze_backbone.unwrap_or(false),
                head: file.model.head.unwrap_or_default(),
                options: file.model.options,
            },
            task: TaskConfig {
                name: file.task.name.unwrap_or_else(|| DEFAULT_TASK.to_owned()),
                metrics: file.task.metrics,
                options: file.task.options,
            },
            train: file.train,
            preprocess,
            observers: file.observers,
            tracking: file.tracking,
        };
        config.check(registry, start, &mut problems);
        problems.retain(|problem| !typed.iter().any(|typed| about_the_same(typed, problem)));
        problems.splice(0..0, typed);
        if problems.is_empty() { Ok(config) } else { Err(ConfigProblems::new(problems)) }
    }

    /// The model for this many classes.
    pub fn model_config(&self, num_classes: usize) -> ModelConfig {
        ModelConfig {
            name: self.model.name.clone(),
            num_classes,
            in_channels: self.preprocess.channels.count(),
            head: self.model.head.clone(),
            options: self.model.options.clone(),
        }
    }

    /// The whole config as TOML.
    ///
    /// # Errors
    /// When a value has no form in TOML, such as a null in an option.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    fn check(&self, registry: &Registry, start: StartingPoint, problems: &mut Vec<String>) {
        let mut expect = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        expect(self.version == FORMAT, format!("version: expected {FORMAT}, got {}", self.version));
        let data = &self.data;
        expect(
            (0.0..1.0).contains(&data.validation),
            format!("data.validation: expected a share from 0 to below 1, got {}", data.validation),
        );
        expect(
            (1..=MAX_BATCH).contains(&data.batch_size),
            format!("data.batch_size: expected 1 to {MAX_BATCH}, got {}", data.batch_size),
        );
        expect(
            data.workers <= MAX_WORKERS,
            format!("data.workers: expected at most {MAX_WORKERS}, got {}", data.workers),
        );
        expect(data.queue_mib > 0, "data.queue_mib: expected at least 1, got 0".to_owned());
        expect(self.resources.host_mib != Some(0), "resources.host_mib: expected at least 1, got 0".to_owned());
        expect(self.resources.cores != Some(0), "resources.cores: expected at least 1, got 0".to_owned());
        if let (Some(StartingWeights(weights)), StartingPoint::Weights) = (&self.model.weights, start) {
            let known = weights_card(weights).is_ok() || weights.contains(":/") || Path::new(weights).is_file();
            expect(
                known,
                format!("model.weights: expected a weights name, an address or an existing file, got {weights:?}"),
            );
        }
        problems.extend(data.order.problems().into_iter().map(|text| format!("data.order.{text}")));
        problems.extend(StrategyConfig::problems(&data.strategy).into_iter().map(|text| format!("data.{text}")));
        for (place, transform) in data.augment.iter().enumerate() {
            problems.extend(transform.problems().into_iter().map(|text| format!("data.augment[{place}].{text}")));
        }
        problems.extend(self.preprocess.problems().into_iter().map(|text| format!("preprocess.{text}")));
        problems.extend(self.train.problems().into_iter().map(|text| format!("train.{text}")));
        problems.extend(self.observers.problems().into_iter().map(|text| format!("observers.{text}")));
        problems.extend(self.tracking.problems().into_iter().map(|text| format!("tracking.{text}")));
        problems.extend(self.task_problem(registry));
        problems.extend(self.task.metric_problems());
        problems.extend(self.model_problem(registry));
    }

    fn task_problem(&self, registry: &Registry) -> Option<String> {
        let TaskConfig { name, options, .. } = &self.task;
        Some(match registry.task(name).and_then(|task| task.check_options(options)).err()? {
            ModelError::InvalidOptions { what, .. } => format!("task: {what}"),
            error => format!("task.name: {error}"),
        })
    }

    /// Tries the model's name and options: it is created, which is quick, as parameters are only drawn on first use.
    fn model_problem(&self, registry: &Registry) -> Option<String> {
        const ANY_COUNT: usize = 2; // the data will say how many classes there are
        let device = with_backend!(BackendChoice::default(), B => B::device(0)).ok()?.ok()?;
        let error = registry.create_classifier(&self.model_config(ANY_COUNT), &device).err()?;
        Some(match error {
            ModelError::UnknownModel { .. } => format!("model.name: {error}"),
            ModelError::UnknownHead { .. } => format!("model.head.name: {error}"),
            ModelError::InvalidOptions { owner, what } if owner == self.model.name => format!("model.options: {what}"),
            ModelError::InvalidOptions { what, .. } => format!("model.head.options: {what}"),
            error => format!("model: {error}"),
        })
    }
}

/// Where a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartingPoint {
    /// With fresh weights, or those that the config names.
    Weights,
    /// With a checkpoint, which holds everything.
    Checkpoint,
}

/// Whether two problems name the same key, or one a key inside the other's.
fn about_the_same(typed: &str, problem: &str) -> bool {
    let path = |problem: &str| problem.split(": ").next().unwrap_or_default().to_owned();
    let (typed, problem) = (path(typed), path(problem));
    let inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    inside(&typed, &problem) || inside(&problem, &typed)
}
