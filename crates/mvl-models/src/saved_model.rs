//! A saved classifier: one folder with [`WEIGHTS_FILE`] and [`MODEL_FILE`], which carries config, labels and preprocessing.
//! Loading needs nothing else but a registry that knows the model's name.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use burn::module::Module;
use burn::store::burn_pack;
use burn::tensor::Device;
use mvl_core::{
    Classifier, Labels, MODEL_FILE, ModelConfig, ModelError, Preprocess, Registry, WEIGHTS_FILE, sync_folder,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::Builder;

use crate::weights::{Misfit, fill, parameter_slots};

/// The version of [`ClassifierSpec`] that this build writes, and the newest it reads.
pub const CLASSIFIER_VERSION: u32 = 1;

const CLASSIFICATION: &str = "classification";
const MULTI_LABEL: &str = "multi_label";
/// The burn release this crate is built on; records of others may differ.
/// The release of burn that this was built with.
pub const BURN_VERSION: &str = "0.22.1";
/// The largest [`MODEL_FILE`] that is read.
const MAX_SPEC_BYTES: u64 = 16 << 20;

/// Everything beside the weights that is needed to rebuild a classifier and predict with it. What [`MODEL_FILE`] holds.
///
/// # Example
/// ```
/// use mvl_core::{Labels, ModelConfig, Preprocess};
/// use mvl_models::ClassifierSpec;
///
/// let spec = ClassifierSpec::new(ModelConfig::new("resnet18", 3), Labels::new(["a", "b"]), Preprocess::imagenet(256, 224));
/// assert_eq!(spec.problems(), ["labels: expected 3 names or none, got 2"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierSpec {
    /// [`CLASSIFIER_VERSION`] of the writer.
    pub version: u32,
    /// `classification`, or `multi_label` where an image may have any number of classes.
    pub task: String,
    /// The model, weights apart.
    pub model: ModelConfig,
    /// Class names in index order; none when they are not known.
    pub labels: Labels,
    /// How an image becomes the model's input.
    pub preprocess: Preprocess,
    /// Version of this crate that wrote it.
    pub mvl: String,
    /// Version of burn that wrote the weights.
    pub burn: String,
}

impl ClassifierSpec {
    /// A spec of this build's version.
    #[must_use]
    pub fn new(model: ModelConfig, labels: Labels, preprocess: Preprocess) -> Self {
        Self {
            version: CLASSIFIER_VERSION,
            task: CLASSIFICATION.to_owned(),
            model,
            labels,
            preprocess,
            mvl: env!("CARGO_PKG_VERSION").to_owned(),
            burn: BURN_VERSION.to_owned(),
        }
    }

    /// The same of a classifier that says yes or no to every class: a [`MultiLabelTask`](crate::MultiLabelTask)'s.
    #[must_use]
    pub fn multi_label(model: ModelConfig, labels: Labels, preprocess: Preprocess) -> Self {
        Self { task: MULTI_LABEL.to_owned(), ..Self::new(model, labels, preprocess) }
    }

    /// Every contradiction, as `field: what is wrong`; empty when a classifier can be built and fed.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version == 0 || self.version > CLASSIFIER_VERSION {
            problems.push(format!("version: expected 1 to {CLASSIFIER_VERSION}, got {}", self.version));
        }
        if ![CLASSIFICATION, MULTI_LABEL].contains(&self.task.as_str()) {
            problems.push(format!("task: expected {CLASSIFICATION:?} or {MULTI_LABEL:?}, got {:?}", self.task));
        }
        if self.model.num_classes == 0 {
            problems.push("model.num_classes: expected at least 1, got 0".to_owned());
        }
        if !self.labels.is_empty() && self.labels.len() != self.model.num_classes {
            let (expected, got) = (self.model.num_classes, self.labels.len());
            problems.push(format!("labels: expected {expected} names or none, got {got}"));
        }
        let channels = self.preprocess.channels.count();
        if channels != self.model.in_channels {
            problems.push(format!("preprocess.channels: expected {}, got {channels}", self.model.in_channels));
        }
        problems.extend(self.preprocess.problems().into_iter().map(|problem| format!("preprocess.{problem}")));
        problems
    }

    /// Reads and checks the bytes of a [`MODEL_FILE`].
    fn from_json(bytes: &[u8], task: &str, path: &Path) -> Result<Self, ModelError> {
        let refuse = |what: String| file_error(what, path, None);
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|source| file_error("not a saved model: expected JSON".to_owned(), path, Some(source.into())))?;
        // Version and task first: a newer file or another task's may have fields that this build does not know.
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version > u64::from(CLASSIFIER_VERSION) => {
                return Err(refuse(format!(
                    "saved by a newer mvl: model version {version}, this build reads up to {CLASSIFIER_VERSION}; update mvl"
                )));
            }
            Some(_) => {}
            None => return Err(refuse("not a saved model: expected a number under \"version\"".to_owned())),
        }
        match value.get("task").and_then(Value::as_str) {
            Some(found) if found == task => {}
            other => {
                let found = other.unwrap_or("none");
                return Err(refuse(format!("not a classifier: expected task {task:?}, found {found:?}")));
            }
        }
        let spec: Self = serde_json::from_value(value).map_err(|source| {
            file_error("the saved model's description is invalid".to_owned(), path, Some(source.into()))
        })?;
        match spec.problems() {
            problems if problems.is_empty() => Ok(spec),
            problems => Err(refuse(format!("the saved model contradicts itself: {}", problems.join("; ")))),
        }
    }
}

/// Saves a classifier as a folder, which is created if it is not there. A model saved there before is replaced: it stays whole
/// until the new one is on disk, and at no time do old and new files pass for one model. Other files in the folder stay.
///
/// Running statistics of the last training step are included, whatever device the classifier is on.
///
/// # Errors
/// [`ModelError::InvalidOptions`] when the spec contradicts itself, [`ModelError::File`] when the folder cannot be written.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Channels, Cpu, Labels, ModelConfig, Preprocess};
/// use mvl_models::{ClassifierSpec, load_classifier, save_classifier, zoo};
///
/// let device = Cpu::device(0)?;
/// let config = ModelConfig::new("resnet8", 2).with_in_channels(1);
/// let model = zoo().create_classifier(&config, &device)?;
/// let preprocess = Preprocess::exact(28, 28, Channels::Gray, &[0.5], &[0.25]);
/// let spec = ClassifierSpec::new(config, Labels::new(["cat", "dog"]), preprocess);
///
/// let folder = tempfile::tempdir()?;
/// save_classifier(folder.path(), &model, &spec)?;
/// let (_model, loaded) = load_classifier(folder.path(), &zoo(), &device)?;
/// assert_eq!(loaded, spec);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_classifier(dir: &Path, classifier: &Classifier, spec: &ClassifierSpec) -> Result<(), ModelError> {
    let problems = spec.problems();
    if !problems.is_empty() {
        return Err(ModelError::InvalidOptions { owner: spec.model.name.clone(), what: problems.join("; ") });
    }
    let failed = |source: io::Error| file_error("cannot save the model".to_owned(), dir, Some(source.into()));
    fs::create_dir_all(dir).map_err(failed)?;
    let staging = Builder::new().prefix(".saving-").tempdir_in(dir).map_err(failed)?;
    let (weights, description) = (staging.path().join(WEIGHTS_FILE), staging.path().join(MODEL_FILE));
    // `valid` folds in the running statistics that the last training step left pending
    let record = classifier.valid().into_record();
    record
        .save(&weights)
        .map_err(|source| file_error("cannot save the weights".to_owned(), dir, Some(source.into())))?;
    write_json(&description, spec).map_err(failed)?;

    // The description goes first and comes last: a folder without one is no model, so old never pairs with new.
    match fs::remove_file(dir.join(MODEL_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::rename(&weights, dir.join(WEIGHTS_FILE)).map_err(failed)?;
    fs::rename(&description, dir.join(MODEL_FILE)).map_err(failed)?;
    sync_folder(dir).map_err(failed)
}

fn write_json(path: &Path, spec: &ClassifierSpec) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut json = serde_json::to_vec_pretty(spec)?;
    json.push(b'\n');
    file.write_all(&json)?;
    file.sync_all()
}

/// Loads a classifier that [`save_classifier`] or a training run wrote, on the given device and ready to predict: without
/// autodiff, even when the device has it. The registry must know the model's name; one that you registered yourself is as good
/// as a built-in.
///
/// # Errors
/// [`ModelError::File`] when something is missing, damaged, of a newer version or of another task; what the registry says of
/// the model's config; [`ModelError::WeightsMismatch`] when the weights belong to another model.
pub fn load_classifier(
    dir: &Path,
    registry: &Registry,
    device: &Device,
) -> Result<(Classifier, ClassifierSpec), ModelError> {
    load(dir, CLASSIFICATION, registry, device)
}

/// The same of a classifier that says yes or no to every class, whose logits go through a sigmoid, not a softmax.
///
/// # Errors
/// Like [`load_classifier`].
pub fn load_multi_label_classifier(
    dir: &Path,
    registry: &Registry,
    device: &Device,
) -> Result<(Classifier, ClassifierSpec), ModelError> {
    load(dir, MULTI_LABEL, registry, device)
}

fn load(
    dir: &Path,
    task: &str,
    registry: &Registry,
    device: &Device,
) -> Result<(Classifier, ClassifierSpec), ModelError> {
    if !dir.is_dir() {
        let what = if dir.exists() { "not a folder" } else { "no such folder" };
        return Err(file_error(
            format!("{what}; a saved model is a folder with {MODEL_FILE} and {WEIGHTS_FILE}"),
            dir,
            None,
        ));
    }
    let description = dir.join(MODEL_FILE);
    let spec = ClassifierSpec::from_json(&read_bounded(&description)?, task, &description)?;
    let weights = dir.join(WEIGHTS_FILE);
    if !weights.is_file() {
        return Err(file_error(
            format!("the saved model has no {WEIGHTS_FILE}; copy the whole folder"),
            &weights,
            None,
        ));
    }
    let classifier = registry.create_classifier(&spec.model, &device.clone().without_autodiff())?;
    let classifier = load_record(classifier, &spec.model.name, &weights)?;
    Ok((classifier, spec))
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ModelError> {
    let file = File::open(path).map_err(|source| {
        let what = match source.kind() {
            io::ErrorKind::NotFound => format!("no saved model here, expected a {MODEL_FILE}"),
            _ => "cannot open the saved model".to_owned(),
        };
        file_error(what, path, Some(source.into()))
    })?;
    let mut bytes = Vec::new();
    file.take(MAX_SPEC_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| file_error("cannot read the saved model".to_owned(), path, Some(source.into())))?;
    if bytes.len() as u64 > MAX_SPEC_BYTES {
        return Err(file_error(format!("larger than the {MAX_SPEC_BYTES} bytes a {MODEL_FILE} may have"), path, None));
    }
    Ok(bytes)
}

/// Fills a model with a burn record, which must have exactly its parameters.
fn load_record(classifier: Classifier, model: &str, path: &Path) -> Result<Classifier, ModelError> {
    let damaged = |source: burn_pack::Error| {
        let what = "cannot read the weights; the file may be damaged, copy or save it again".to_owned();
        file_error(what, path, Some(source.to_string().into()))
    };
    let tensors =
        burn_pack::Reader::from_file_exact(path).and_then(burn_pack::Reader::into_tensors).map_err(damaged)?;
    let mut found: HashMap<&str, &burn_pack::Tensor> = tensors.iter().map(|tensor| (&*tensor.name, tensor)).collect();
    let mut misfit = Misfit::default();
    for slot in parameter_slots(&classifier) {
        match found.remove(slot.path.as_str()) {
            None => misfit.add_missing(&slot.path, &slot.shape),
            Some(tensor) if tensor.shape.as_slice() != slot.shape || !slot.accepts(tensor) => {
                misfit.add_misshapen(&slot.path, &slot.shape, tensor);
            }
            Some(_) => {}
        }
    }
    let mut unexpected: Vec<_> = found.into_values().collect();
    unexpected.sort_by(|a, b| a.name.cmp(&b.name));
    unexpected.iter().for_each(|tensor| misfit.add_unexpected(&tensor.name, tensor));
    misfit.into_result(model, path)?;
    fill(classifier, tensors, None, path)
}

fn file_error(what: String, path: &Path, source: Option<mvl_core::BoxError>) -> ModelError {
    ModelError::File { what, path: path.display().to_string(), source }
}
