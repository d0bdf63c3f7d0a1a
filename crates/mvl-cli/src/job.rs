//! From a resolved config to a trained model in a run's folder: the path that every training verb takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use burn::module::Module;
use burn::tensor::Device;
use mvl::core::{Backend, Classifier, Labels, Metrics, ModelConfig, Order, Registry, StopReason, TrainingObserver};
use mvl::data::{
    LabelledDataset, Loader, LoaderConfig, OnCorrupt, Split, Subset, available_splits, open_dataset, split_balanced,
};
use mvl::models::weights::{HeadPolicy, load_weights};
use mvl::models::{ClassificationTask, ClassifierSpec, load_classifier};
use mvl::train::{Curves, History, ProgressBar, StopToken, Trained, Trainer, evaluate};
use serde::Serialize;

use crate::config::RunConfig;

/// Names the data set that mvl carries.
pub(crate) const EMBEDDED: &str = "embedded:fashion-mnist";

/// Files in a run's folder, beside its checkpoints.
pub(crate) const CONFIG_FILE: &str = "config.toml";
const SUMMARY_FILE: &str = "summary.json";
const HISTORY_FILE: &str = "history.jsonl";
const CURVES_FILE: &str = "curves.svg";

/// One training run, ready to start.
///
/// # Example
/// ```no_run
/// use mvl::prelude::*;
/// use mvl_cli::{RunConfig, RunFile, TrainingJob};
///
/// let mut file = RunFile::default();
/// file.data.path = Some("photos".to_owned());
/// let config = RunConfig::resolve(file, &zoo())?;
/// let summary = TrainingJob::new(config, zoo()).run::<Cpu>()?;
/// println!("{:?}", summary.test);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TrainingJob {
    config: RunConfig,
    registry: Registry,
    resume: bool,
    stop: StopToken,
}

/// What a run came to. Written as `summary.json` in its folder.
#[derive(Debug, Clone, Serialize)]
pub struct JobSummary {
    /// The run's folder.
    pub run_dir: PathBuf,
    /// The model's name.
    pub model: String,
    /// Its learnable parameters.
    pub parameters: usize,
    /// Epochs that were trained, resumed ones included.
    pub epochs: usize,
    /// Why training ended.
    pub stop_reason: StopReason,
    /// The best epoch (from 0) and its monitored figure.
    pub best: Option<(usize, f64)>,
    /// Figures of the best checkpoint on the test split, if the data has one.
    pub test: Option<Metrics>,
    /// Seconds spent in training and validation, in this process.
    pub train_seconds: f64,
}

impl TrainingJob {
    /// A run with models from this registry.
    pub fn new(config: RunConfig, registry: Registry) -> Self {
        Self { config, registry, resume: false, stop: StopToken::new() }
    }

    /// Goes on from the run's last checkpoint, if there is one.
    pub fn with_resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Ends cleanly when the token is set.
    pub fn with_stop(mut self, stop: StopToken) -> Self {
        self.stop = stop;
        self
    }

    /// Trains with the usual observers: progress, history, curves.
    ///
    /// # Errors
    /// Anything the world does wrong: data, weights, device, disk.
    pub fn run<B: Backend>(self) -> anyhow::Result<JobSummary> {
        self.run_observed::<B>(Vec::new())
    }

    /// The same, with observers of your own.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub fn run_observed<B: Backend>(self, observers: Vec<Box<dyn TrainingObserver>>) -> anyhow::Result<JobSummary> {
        let Self { config, registry, resume, stop } = self;
        let run_dir = &config.run_dir;
        let device = B::device(config.device)?;
        let data = TrainingData::open(&config)?;
        prepare_folder(run_dir, resume)?;
        write(&run_dir.join(CONFIG_FILE), &config.to_toml()?)?;

        let spec =
            ClassifierSpec::new(config.model_config(data.labels.len()), data.labels.clone(), config.preprocess.clone());
        let task = ClassificationTask::new(spec.clone()).with_label_smoothing(config.task.label_smoothing);
        let model = starting_model(&config, &registry, &spec.model, &device)?;
        let parameters = mvl::core::count_parameters(&model);

        let training = device.clone().autodiff();
        let train = data.loader::<B>(&config, data.train.clone(), true)?.on_device(training);
        let valid = data.valid.clone().map(|valid| data.loader::<B>(&config, valid, false)).transpose()?;

        let mut trainer = Trainer::<B, _>::new(task, config.train.clone())?
            .with_device_ordinal(config.device)
            .with_run_dir(run_dir)
            .with_resume(resume)
            .with_stop(stop)
            .with_observer(ProgressBar::new())
            .with_observer(History::new(run_dir.join(HISTORY_FILE)))
            .with_observer(Curves::new(run_dir.join(CURVES_FILE)).with_history(run_dir.join(HISTORY_FILE)));
        for observer in observers {
            trainer = trainer.with_observer(observer);
        }

        let begun = Instant::now();
        let trained: Trained<Classifier> = trainer.fit(model, &train, valid.as_ref().map(|loader| loader as _))?;
        let train_seconds = begun.elapsed().as_secs_f64();
        let test = match trained.stop_reason {
            StopReason::Interrupted => None,
            _ => test_figures::<B>(&config, &registry, &data, trained.model)?,
        };
        let summary = JobSummary {
            run_dir: run_dir.clone(),
            model: config.model.name.clone(),
            parameters,
            epochs: trained.history.len(),
            stop_reason: trained.stop_reason,
            best: trained.best.map(|best| (best.epoch, best.value)),
            test,
            train_seconds,
        };
        write(&run_dir.join(SUMMARY_FILE), &serde_json::to_string_pretty(&summary)?)?;
        Ok(summary)
    }
}

/// The parts of a data set that a run needs.
struct TrainingData {
    labels: Labels,
    train: Arc<dyn LabelledDataset>,
    valid: Option<Arc<dyn LabelledDataset>>,
    test: Option<Arc<dyn LabelledDataset>>,
}

impl TrainingData {
    /// Trains on the training split, or on everything where there are no splits; validates on a share of that; tests on the
    /// test split, which training never sees.
    fn open(config: &RunConfig) -> anyhow::Result<Self> {
        let path = &config.data.path;
        let has_test = has_split(path, Split::Test)?;
        let whole = open_split(path, if has_split(path, Split::Train)? { Split::Train } else { Split::All })?;
        let test = has_test.then(|| open_split(path, Split::Test)).transpose()?;
        let labels = whole.labels().clone();
        anyhow::ensure!(
            labels.len() > 1,
            "expected at least two classes to tell apart, got {} ({}); {path}",
            labels.len(),
            labels.iter().collect::<Vec<_>>().join(", ")
        );
        if let Some(test) = &test {
            anyhow::ensure!(
                test.labels() == &labels,
                "the test split has other classes than the training split: expected {:?}, got {:?}; {path}",
                labels.iter().collect::<Vec<_>>(),
                test.labels().iter().collect::<Vec<_>>()
            );
        }
        let share = config.data.validation;
        if share == 0.0 {
            return Ok(Self { labels, train: whole, valid: None, test });
        }
        let (train, held) = split_balanced(&*whole, share, config.train.seed);
        let part = |indices: Vec<usize>| -> anyhow::Result<Arc<dyn LabelledDataset>> {
            Ok(Arc::new(Subset::new(whole.clone(), indices)?))
        };
        let valid = if held.is_empty() { None } else { Some(part(held)?) };
        Ok(Self { labels, train: part(train)?, valid, test })
    }

    fn loader<B: Backend>(
        &self,
        config: &RunConfig,
        dataset: Arc<dyn LabelledDataset>,
        training: bool,
    ) -> anyhow::Result<Loader<B>> {
        let settings = LoaderConfig {
            workers: config.data.workers,
            queue_bytes: config.data.queue_mib << 20,
            shuffle: if training { Order::Shuffled } else { Order::Sequential },
            seed: config.train.seed,
            on_corrupt: config.data.on_corrupt,
            ..LoaderConfig::new(config.data.batch_size)
        };
        let loader = Loader::<B>::new(dataset, config.preprocess.clone(), config.device, settings)?;
        Ok(if training { loader.with_augment(&config.data.augment)? } else { loader })
    }
}

/// Opens a path, or the embedded set.
pub(crate) fn open_split(path: &str, split: Split) -> anyhow::Result<Arc<dyn LabelledDataset>> {
    if path == EMBEDDED {
        return Ok(Arc::new(mvl::data::fashion_mnist_part(split)?));
    }
    Ok(Arc::from(open_dataset(Path::new(path), split)?))
}

/// Whether the data is divided and has this part.
pub(crate) fn has_split(path: &str, split: Split) -> anyhow::Result<bool> {
    if path == EMBEDDED {
        return Ok(split != Split::All);
    }
    Ok(available_splits(Path::new(path))?.contains(&split))
}

/// A loader for judging: in order, without random changes, skipping nothing in silence.
pub(crate) fn evaluation_loader<B: Backend>(
    dataset: Arc<dyn LabelledDataset>,
    spec: &ClassifierSpec,
    batch_size: usize,
    ordinal: usize,
    on_corrupt: OnCorrupt,
) -> anyhow::Result<Loader<B>> {
    let settings = LoaderConfig { on_corrupt, ..LoaderConfig::new(batch_size) };
    Ok(Loader::<B>::new(dataset, spec.preprocess.clone(), ordinal, settings)?)
}

fn starting_model(
    config: &RunConfig,
    registry: &Registry,
    model: &ModelConfig,
    device: &Device,
) -> anyhow::Result<Classifier> {
    let mut classifier = registry.create_classifier(model, device)?;
    if let Some(weights) = &config.model.weights {
        let file = match weights.card() {
            Some(card) => mvl::infer::find_weights(card)?,
            None => PathBuf::from(&weights.0),
        };
        let (loaded, report) = load_weights(classifier, model, registry, &file, HeadPolicy::Reinitialise)?;
        eprintln!("starting from {}: {report}", file.display());
        classifier = loaded;
    }
    if config.model.freeze_backbone {
        classifier.backbone = classifier.backbone.freeze();
    }
    Ok(classifier)
}

/// Judges the best checkpoint, which is what people will predict with, on data that no decision was based on.
fn test_figures<B: Backend>(
    config: &RunConfig,
    registry: &Registry,
    data: &TrainingData,
    last: Classifier,
) -> anyhow::Result<Option<Metrics>> {
    let Some(test) = data.test.clone() else { return Ok(None) };
    let device = B::device(config.device)?;
    let best = config.run_dir.join("checkpoints/best");
    let (model, spec) = match best.is_dir() {
        true => load_classifier(&best, registry, &device)?,
        false => {
            let spec = ClassifierSpec::new(
                config.model_config(data.labels.len()),
                data.labels.clone(),
                config.preprocess.clone(),
            );
            (last, spec)
        }
    };
    let loader = evaluation_loader::<B>(test, &spec, config.data.batch_size, config.device, config.data.on_corrupt)?;
    let task = ClassificationTask::new(spec);
    Ok(Some(evaluate(&task, &model, &loader, |_, _, _| {})?))
}

/// A new run needs a folder of its own; a resumed one needs its old folder.
fn prepare_folder(run_dir: &Path, resume: bool) -> anyhow::Result<()> {
    if !resume && run_dir.join(CONFIG_FILE).exists() {
        anyhow::bail!(
            "there is a run in this folder already: go on with `mvl train --resume {0}`, or choose another --run-dir; {0}",
            run_dir.display()
        );
    }
    fs::create_dir_all(run_dir).with_context(|| {
        format!("cannot create the run's folder, choose another with --run-dir; {}", run_dir.display())
    })
}

/// Writes a small text file whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    mvl::core::write_atomically(path, |out| out.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write, is the folder writable and the disk not full? {}", path.display()))
}
