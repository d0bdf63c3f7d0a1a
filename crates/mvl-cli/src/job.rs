//! From a resolved config to a trained model in a run's folder: the path that every training verb takes.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use burn::module::Module;
use burn::tensor::Device;
use mvl::core::{
    Backend, BoxedTask, Classifier, Flow, Metrics, ModelConfig, ObserverError, Registry, StopReason, TrainingEvent,
    TrainingObserver, count_parameters, write_atomically,
};
use mvl::data::LabelledDataset;
use mvl::infer::{Predictor, TrainedClassifier};
use mvl::models::weights::{LoadPolicy, WeightsHub, load_weights};
use mvl::models::{ClassifierSpec, load_with_task, saved_model_in};
use mvl::train::{Checkpointer, StopToken, Trainer};
use serde::Serialize;

use crate::config::RunConfig;
use crate::downloads::weights_hub;
use crate::judge::{Measure, figures, judge};
use crate::observers;
use crate::output::say;
use crate::plugins::Plugins;
use crate::reference;
use crate::tracking::{Figures, Recorded, data_digest};
use crate::training_data::TrainingData;

/// Files in a run's folder, beside its checkpoints.
pub(crate) const CONFIG_FILE: &str = "config.toml";
pub(crate) const SUMMARY_FILE: &str = "summary.json";
pub(crate) const HISTORY_FILE: &str = "history.jsonl";
pub(crate) const CURVES_FILE: &str = "curves.svg";

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
    plugins: Plugins,
    resume: bool,
    test: bool,
    stop: StopToken,
    stop_after: Option<usize>,
    hub: WeightsHub,
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
    /// The best epoch and its monitored figure, if there was a validation.
    pub best: Option<BestFigure>,
    /// Figures of the best checkpoint on the test split, if the data has one.
    pub test: Option<Metrics>,
    /// Test images that could not be read and were left out.
    pub test_skipped: usize,
    /// The run's id in the workspace, if it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The version that it was registered as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<String>,
    /// Seconds spent in training and validation, in this process.
    pub train_seconds: f64,
}

/// The best epoch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BestFigure {
    /// From 0.
    pub epoch: usize,
    /// Its monitored figure.
    pub value: f64,
}

impl TrainingJob {
    /// A run with these plugins, or with models from this registry.
    pub fn new(config: RunConfig, plugins: impl Into<Plugins>) -> Self {
        Self {
            config,
            plugins: plugins.into(),
            resume: false,
            test: true,
            stop: StopToken::new(),
            stop_after: None,
            hub: weights_hub(false),
        }
    }

    /// Goes on from the run's last checkpoint, if there is one.
    pub fn with_resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Whether to judge the best checkpoint on the test split at the end, if there is one; so it is by default.
    pub fn with_test(mut self, test: bool) -> Self {
        self.test = test;
        self
    }

    /// Ends cleanly when the token is set.
    pub fn with_stop(mut self, stop: StopToken) -> Self {
        self.stop = stop;
        self
    }

    /// Ends after so many epochs of the run, with a checkpoint to go on from; the schedule stays that of the whole run.
    pub fn with_stop_after(mut self, epochs: Option<usize>) -> Self {
        self.stop_after = epochs;
        self
    }

    /// Where weights to start from are kept and fetched; by default as the environment says.
    pub fn with_hub(mut self, hub: WeightsHub) -> Self {
        self.hub = hub;
        self
    }

    /// Trains with the usual observers, which are progress, history and curves, and those that the config names.
    ///
    /// # Errors
    /// Anything the world does wrong: data, weights, device, disk. Nothing is written before the model and its data are there.
    pub fn run<B: Backend>(self) -> anyhow::Result<JobSummary> {
        self.run_observed::<B>(Vec::new())
    }

    /// The same, with observers of your own.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub fn run_observed<B: Backend>(self, more: Vec<Box<dyn TrainingObserver>>) -> anyhow::Result<JobSummary> {
        let Self { config, plugins, resume, test, stop, stop_after, hub } = self;
        let registry = plugins.registry.clone();
        let run_dir = &config.run_dir;
        let has_checkpoint = Checkpointer::new(run_dir).has_any();
        anyhow::ensure!(
            resume || !has_checkpoint,
            "there is a run in this folder already: go on with `mvl train --resume {0}`, or choose another --run-dir; {0}",
            run_dir.display()
        );
        let device = B::device(config.device)?;
        // A resumed run has its weights in the checkpoint.
        let Start { data, task, model } = Start::new(&config, &registry, &hub, !has_checkpoint, &device)?;
        let parameters = count_parameters(&model);
        let train = data.training_loader::<B>(&config, &plugins)?;
        let valid = data.validation_loader::<B>(&config)?;
        let mut trainer = Trainer::<B, _>::new(task, observers::train_config(&config))?
            .with_device_ordinal(config.device)
            .with_run_dir(run_dir)
            .with_resume(resume)
            .with_stop(stop)
            .with_settings(observers::settings(&config)?);
        if !config.task.metrics.is_empty() {
            let (names, task, classes) = (config.task.metrics.clone(), config.task.name.clone(), data.labels.len());
            figures(&names, &task, classes)?; // whose names were checked
            trainer = trainer.with_metrics(move || figures(&names, &task, classes).unwrap_or_default());
        }
        if let Some(epochs) = stop_after {
            trainer = trainer.with_observer(StopAfter { epochs });
        }
        let own = observers::observers(&config)?;
        let data_digest = data_digest(&config.data.path, &*data.train);
        let recorded = Recorded::open(&config)?;
        if let Some(recorded) = &recorded {
            trainer = trainer.with_observer(recorded.observer(&config, &data_digest));
        }
        for observer in own.into_iter().chain(plugins.observers(&config)).chain(more) {
            trainer = trainer.with_observer(observer);
        }

        write_text(&run_dir.join(CONFIG_FILE), &config.to_toml()?)
            .context("cannot write to the run's folder, choose another with --run-dir")?;
        let begun = Instant::now();
        let machine = recorded.as_ref().and_then(|recorded| recorded.machine(&config));
        let trained = trainer.fit(model, &train, valid.as_ref().map(|loader| loader as _))?;
        drop(machine);
        let mut summary = JobSummary {
            run_dir: run_dir.clone(),
            model: config.model.name.clone(),
            parameters,
            epochs: trained.history.len(),
            stop_reason: trained.stop_reason,
            best: trained.best.map(|best| BestFigure { epoch: best.epoch, value: best.value }),
            test: None,
            test_skipped: 0,
            run_id: None,
            registered: None,
            train_seconds: begun.elapsed().as_secs_f64(),
        };
        let finished = summary.stop_reason != StopReason::Interrupted;
        // What people will predict with.
        let best = Predictor::<B>::builder(run_dir).with_registry(registry.clone()).with_device_ordinal(config.device);
        let best = if finished { Some(best.load_trained()?) } else { None };
        if let (Some(dataset), Some(best), true) = (data.test, &best, test) {
            // On data that no decision was based on.
            let measure = Measure {
                batch_size: config.data.batch_size,
                ordinal: config.device,
                on_corrupt: config.data.on_corrupt,
                metrics: &config.task.metrics,
            };
            let judged = judge::<B>(best, dataset, &measure)?;
            judged.skipped.iter().for_each(|sample| eprintln!("left out of the test: {}", sample.reason));
            summary.test_skipped = judged.skipped.len();
            summary.test = Some(judged.metrics);
        }
        if let Some(best) = best {
            // The model is there; what drift is measured against can be made later.
            let data = data.valid.as_deref().unwrap_or(&*data.train);
            if let Err(error) = write_reference::<B>(&config, &best, data) {
                say(format!("no reference for drift was written, `mvl models reference` makes one: {error:#}"));
            }
        }
        if let Some(recorded) = &recorded {
            summary.run_id = recorded.run_id().map(str::to_owned);
            if let Some(test) = &summary.test {
                recorded.test_figures(test, trained.best.map_or(summary.epochs, |best| best.epoch))?;
            }
            if let (Some(name), false) = (&config.tracking.register, summary.stop_reason == StopReason::Interrupted) {
                let best = trained.best.map(|best| best.epoch);
                let validated = trained.history.iter().rfind(|epoch| best.is_none_or(|best| best == epoch.epoch));
                let figures = Figures {
                    test: summary.test.as_ref(),
                    validation: validated.and_then(|epoch| epoch.valid.as_ref()),
                    parent: config.model.weights.as_ref().map(|weights| weights.0.as_str()),
                };
                let version = recorded.register(name, run_dir, &figures, &data_digest)?;
                summary.registered = Some(format!("models:/{}/{}", version.name, version.version));
            }
        }
        write_text(&run_dir.join(SUMMARY_FILE), &serde_json::to_string_pretty(&summary)?)?;
        Ok(summary)
    }
}

/// Writes beside the model what pictures and answers are like on data that it was not fitted to, where there is such data and enough of it.
/// It is looked at as it is, without random changes.
fn write_reference<B: Backend>(
    config: &RunConfig,
    best: &TrainedClassifier,
    data: &dyn LabelledDataset,
) -> anyhow::Result<()> {
    let Some(folder) = saved_model_in(&config.run_dir) else { return Ok(()) };
    if let Some(reference) = reference::gather(&Predictor::<B>::of(best), data, reference::ROWS) {
        reference.write(&folder)?;
    }
    Ok(())
}

/// What a run begins with.
pub(crate) struct Start {
    pub(crate) data: TrainingData,
    pub(crate) task: BoxedTask,
    pub(crate) model: Classifier,
}

impl Start {
    /// Opens the data and makes the task and the model, with the weights that the config names if the run is `fresh`.
    pub(crate) fn new(
        config: &RunConfig,
        registry: &Registry,
        hub: &WeightsHub,
        fresh: bool,
        device: &Device,
    ) -> anyhow::Result<Self> {
        let data = TrainingData::open(config)?;
        let spec =
            ClassifierSpec::new(config.model_config(data.labels.len()), data.labels.clone(), config.preprocess.clone())
                .with_task(config.task.name.clone(), config.task.options.clone());
        let task = registry.create_task(&spec, device)?;
        let model = starting_model(config, registry, hub, &spec.model, fresh, device)?;
        Ok(Self { data, task, model })
    }
}

/// Ends a run after so many epochs.
struct StopAfter {
    epochs: usize,
}

impl TrainingObserver for StopAfter {
    fn name(&self) -> &str {
        "--stop-after"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        let done = match event {
            TrainingEvent::RunStarted { start_epoch, .. } => *start_epoch,
            TrainingEvent::EpochFinished { epoch, .. } => epoch + 1,
            _ => 0,
        };
        let reason = || format!("{done} of its epochs are done");
        Ok(if done >= self.epochs { Flow::Stop { reason: reason() } } else { Flow::Continue })
    }
}

fn starting_model(
    config: &RunConfig,
    registry: &Registry,
    hub: &WeightsHub,
    model: &ModelConfig,
    fresh: bool,
    device: &Device,
) -> anyhow::Result<Classifier> {
    let mut classifier = registry.create_classifier(model, device)?;
    let weights = config.model.weights.as_ref().filter(|_| fresh);
    let saved = weights.map(|weights| registry.fetch(&weights.0)).transpose()?.flatten();
    if let Some(folder) = saved {
        classifier = start_from_saved(classifier, model, &folder, registry, device)?;
    } else if let Some(weights) = weights {
        let file = hub.resolve(&weights.0)?;
        if let Some(card) = weights.card() {
            card.verify(&file)?;
        }
        let (loaded, report) =
            load_weights(classifier, model, registry, &file, LoadPolicy::strict().with_fresh_head())?;
        eprintln!("starting from {}: {report}", file.display());
        classifier = loaded;
    }
    if config.model.freeze_backbone {
        classifier.backbone = classifier.backbone.freeze();
    }
    Ok(classifier)
}

/// The backbone of a saved model, and its head where that tells as many classes apart.
fn start_from_saved(
    mut classifier: Classifier,
    model: &ModelConfig,
    folder: &Path,
    registry: &Registry,
    device: &Device,
) -> anyhow::Result<Classifier> {
    let (saved, _, spec) = load_with_task(folder, registry, device)?;
    let known = &spec.model;
    anyhow::ensure!(
        (&known.name, &known.options, known.in_channels) == (&model.name, &model.options, model.in_channels),
        "the saved model is a {} with other options than this {}; name the same model to start from it; {}",
        known.name,
        model.name,
        folder.display()
    );
    classifier.backbone = saved.backbone;
    let same_head = (&known.head, known.num_classes) == (&model.head, model.num_classes);
    if same_head {
        classifier.head = saved.head;
    }
    eprintln!("starting from {}{}", folder.display(), if same_head { "" } else { ", with a fresh head" });
    Ok(classifier)
}

/// Writes a small text file whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    write_atomically(path, |out| out.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
