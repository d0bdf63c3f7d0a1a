//! A training run in the workspace: recorded while it goes on, judged and registered when it has ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use mvl::core::{Dataset, MODEL_FILE, Metrics};
use mvl::data::LabelledDataset;
use mvl::models::ClassifierSpec;
use mvl::store::Digest;
use mvl::track::manifest::{Lineage, ModelCard, ModelManifest, ModelSignature, TensorSpec};
use mvl::track::{Batch, Metric, ModelVersion, NewModel, Tag, Workspace};
use mvl::train::{CheckpointKind, Checkpointer, RunLogger};

use crate::config::RunConfig;
use crate::job::{CONFIG_FILE, CURVES_FILE, HISTORY_FILE};
use crate::output::say;
use crate::system_metrics::SystemMetrics;
use crate::workspace::{self, block};

/// The experiment of runs that name none.
const EXPERIMENT: &str = "Default";
/// The set of a card's figures that were measured on the test split, and on the validation split.
const TEST: &str = "test";
const VALIDATION: &str = "validation";

/// A run that is recorded.
pub(crate) struct Recorded {
    workspace: Workspace,
    run_id: Arc<OnceLock<String>>,
}

impl Recorded {
    /// Opens the workspace, if the run is to be recorded. A workspace that cannot be opened is told, and no reason not to train.
    pub(crate) fn open(config: &RunConfig) -> anyhow::Result<Option<Self>> {
        if !config.tracking.enabled || !workspace::recording_allowed() {
            return Ok(None);
        }
        match workspace::open() {
            Ok(workspace) => Ok(Some(Self { workspace, run_id: Arc::default() })),
            Err(error) if config.tracking.register.is_some() => Err(error),
            Err(error) => {
                say(format!("warning: the run is not recorded: {error:#}"));
                Ok(None)
            }
        }
    }

    /// The observer that records.
    pub(crate) fn observer(&self, config: &RunConfig, data: &Digest) -> RunLogger {
        let (workspace, run_id) = (self.workspace.clone(), self.run_id.clone());
        let (wanted, file) = (&config.tracking, |name: &str| config.run_dir.join(name));
        let name = || config.run_dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut logger = RunLogger::new("tracking", move || Ok(Box::new(workspace.recorder().telling(run_id.clone()))))
            .with_experiment(wanted.experiment.as_deref().unwrap_or(EXPERIMENT))
            .with_every_steps(wanted.every_steps)
            .with_file(file(CONFIG_FILE))
            .with_file(file(HISTORY_FILE))
            .with_file(file(CURVES_FILE))
            .with_tag("mvl.run_dir", config.run_dir.display().to_string())
            .with_tag("mvl.data", config.data.path.clone())
            .with_tag("mvl.data_digest", data.to_string());
        if let Some(name) = wanted.run_name.clone().or_else(name) {
            logger = logger.with_run_name(name);
        }
        for (name, value) in &wanted.tags {
            logger = logger.with_tag(name, value);
        }
        logger
    }

    /// Records the machine's figures, too, until it is dropped, if the run is to have them.
    pub(crate) fn machine(&self, config: &RunConfig) -> Option<SystemMetrics> {
        let start = || SystemMetrics::start(self.workspace.clone(), self.run_id.clone(), &config.run_dir);
        config.tracking.system_metrics.then(start)
    }

    /// The run's id, once it was begun.
    pub(crate) fn run_id(&self) -> Option<&str> {
        self.run_id.get().map(String::as_str)
    }

    /// Adds the figures on the test split.
    pub(crate) fn test_figures(&self, test: &Metrics, epoch: usize) -> anyhow::Result<()> {
        let Some(run) = self.run_id().map(str::to_owned) else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let metric = |(name, value): (&str, f64)| Metric::new(format!("test_{name}"), value, now, epoch as i64);
        let batch = Batch { metrics: test.iter().map(metric).collect(), ..Batch::default() };
        let workspace = self.workspace.clone();
        block(async move { workspace.tracker().log_batch(&run, &batch).await })
    }

    /// Registers the best checkpoint under a name.
    pub(crate) fn register(
        &self,
        name: &str,
        run_dir: &Path,
        figures: &Figures<'_>,
        data: &Digest,
    ) -> anyhow::Result<ModelVersion> {
        let kept = Checkpointer::new(run_dir);
        let best = kept.path(CheckpointKind::Best);
        let folder = if best.is_dir() { best } else { kept.path(CheckpointKind::Last) };
        let config = fs::read(run_dir.join(CONFIG_FILE)).ok().map(|bytes| Digest::of(&bytes));
        let lineage = Lineage {
            run_id: self.run_id().map(str::to_owned),
            code_version: Some(concat!("mvl ", env!("CARGO_PKG_VERSION")).to_owned()),
            data: Some(*data),
            config,
            parent: figures.parent.map(str::to_owned),
        };
        let mut card = ModelCard::default();
        for (set, metrics) in [(TEST, figures.test), (VALIDATION, figures.validation)] {
            if let Some(metrics) = metrics {
                card.metrics.insert(set.to_owned(), finite(metrics));
            }
        }
        let version = register_folder(&self.workspace, name, &folder, card, lineage)?;
        if let Some(run) = self.run_id().map(str::to_owned) {
            let (workspace, tag) =
                (self.workspace.clone(), Tag::new("mvl.model", format!("models:/{name}/{}", version.version)));
            block(async move { workspace.tracker().set_tag(&run, &tag).await })?;
        }
        Ok(version)
    }
}

/// What is known of a model that is registered.
pub(crate) struct Figures<'a> {
    pub(crate) test: Option<&'a Metrics>,
    pub(crate) validation: Option<&'a Metrics>,
    /// What it was fine-tuned from.
    pub(crate) parent: Option<&'a str>,
}

fn finite(metrics: &Metrics) -> BTreeMap<String, f64> {
    metrics.iter().filter(|(_, value)| value.is_finite()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Registers a saved model's folder; what its description says goes into the manifest.
pub(crate) fn register_folder(
    workspace: &Workspace,
    name: &str,
    folder: &Path,
    card: ModelCard,
    lineage: Lineage,
) -> anyhow::Result<ModelVersion> {
    let path = folder.join(MODEL_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("no saved model here; {}", path.display()))?;
    let spec: ClassifierSpec = serde_json::from_str(&text).with_context(|| format!("no model; {}", path.display()))?;
    let manifest = ModelManifest {
        signature: Some(signature(&spec)),
        preprocess: Some(serde_json::to_value(&spec.preprocess)?),
        labels: spec.labels.iter().map(str::to_owned).collect(),
        card,
        lineage,
        ..ModelManifest::default()
    };
    let new = NewModel { name: name.to_owned(), manifest, ..NewModel::default() };
    let (workspace, folder) = (workspace.clone(), folder.to_owned());
    block(async move { workspace.register_model(new, &folder, |_| {}).await })
}

/// What goes in and comes out, for people and programs that look before they load.
fn signature(spec: &ClassifierSpec) -> ModelSignature {
    let [channels, height, width] = spec.preprocess.output_shape().map_or([None; 3], |shape| shape.map(Some));
    let tensor = |name: &str, shape| TensorSpec { name: name.to_owned(), dtype: "float32".to_owned(), shape };
    ModelSignature {
        inputs: vec![tensor("images", vec![None, channels, height, width])],
        outputs: vec![tensor("probabilities", vec![None, Some(spec.model.num_classes)])],
    }
}

/// A digest of what there is to learn from: the classes, and the class of every sample in order. The pictures themselves are not read.
pub(crate) fn data_digest(path: &str, data: &dyn LabelledDataset) -> Digest {
    let mut text = format!("{path}\n{}\n", Dataset::len(data));
    for label in data.labels().iter() {
        text.push_str(label);
        text.push('\n');
    }
    for index in 0..Dataset::len(data) {
        let label = data.label_of(index).map_or_else(|| "-".to_owned(), |label| label.to_string());
        text.push_str(&label);
        text.push('\n');
    }
    Digest::of(text.as_bytes())
}
