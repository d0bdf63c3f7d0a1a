//! A saved classifier: one folder with [`WEIGHTS_FILE`] and [`MODEL_FILE`], which carries config, labels and preprocessing.
//! Loading needs nothing else but a registry that knows the model's name.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::burn_pack;
use burn::tensor::Device;
use mvl_core::{
    BoxedTask, CLASSIFIER_VERSION, Classifier, ClassifierSpec, MODEL_FILE, ModelError, Registry, WEIGHTS_FILE,
    sync_folder,
};
use serde_json::Value;
use tempfile::Builder;

use crate::weights::{Misfit, fill, parameter_slots};

const CLASSIFICATION: &str = "classification";
/// Where the saved models of a run are, the one to predict with first.
const IN_A_RUN: [&str; 2] = ["checkpoints/best", "checkpoints/last"];
/// The largest [`MODEL_FILE`] that is read.
const MAX_SPEC_BYTES: u64 = 16 << 20;

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
/// use mvl_core::{Backend, Channels, ClassifierSpec, Cpu, Labels, ModelConfig, Preprocess};
/// use mvl_models::{load_classifier, save_classifier, zoo};
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

/// Loads a classifier of one class an image that [`save_classifier`] or a training run wrote, on the given device and ready to
/// predict: without autodiff, even when the device has it. The registry must know the model's name; one that you registered yourself
/// is as good as a built-in.
///
/// # Errors
/// [`ModelError::File`] when something is missing, damaged, of a newer version or of another task, whose logits mean other things;
/// what the registry says of the model's config; [`ModelError::WeightsMismatch`] when the weights belong to another model.
pub fn load_classifier(
    dir: &Path,
    registry: &Registry,
    device: &Device,
) -> Result<(Classifier, ClassifierSpec), ModelError> {
    let spec = read_spec(dir, &[CLASSIFICATION])?;
    Ok((load_weights_of(&spec, dir, registry, device)?, spec))
}

/// The same of any task that the registry knows, with the task, which says what the logits mean.
///
/// # Errors
/// Like [`load_classifier`], and what the registry says of the task's options.
///
/// # Example
/// ```no_run
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu, ImageBatch, Task};
/// use mvl_models::{load_with_task, zoo};
///
/// let device = Cpu::device(0)?;
/// let (model, task, spec) = load_with_task("runs/photos/checkpoints/best".as_ref(), &zoo(), &device)?;
/// let pictures = Tensor::zeros([1, 3, 224, 224], &device); // normalised as `spec.preprocess` says
/// let answers = task.decode(task.forward(&model, &ImageBatch::unlabelled(pictures)));
/// println!("{}: {answers:?}", spec.task);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_with_task(
    dir: &Path,
    registry: &Registry,
    device: &Device,
) -> Result<(Classifier, BoxedTask, ClassifierSpec), ModelError> {
    let spec = read_spec(dir, &registry.tasks().collect::<Vec<_>>())?;
    let task = registry.create_task(&spec, device)?;
    Ok((load_weights_of(&spec, dir, registry, device)?, task, spec))
}

/// The folder itself if it is a saved model, or the best one of a run.
#[must_use]
pub fn saved_model_in(folder: &Path) -> Option<PathBuf> {
    let inside = IN_A_RUN.iter().map(|part| folder.join(part));
    std::iter::once(folder.to_owned()).chain(inside).find(|folder| folder.join(MODEL_FILE).is_file())
}

/// Reads and checks the description of a model of one of these tasks.
fn read_spec(dir: &Path, tasks: &[&str]) -> Result<ClassifierSpec, ModelError> {
    if !dir.is_dir() {
        let what = if dir.exists() { "not a folder" } else { "no such folder" };
        return Err(file_error(
            format!("{what}; a saved model is a folder with {MODEL_FILE} and {WEIGHTS_FILE}"),
            dir,
            None,
        ));
    }
    let description = dir.join(MODEL_FILE);
    from_json(&read_bounded(&description)?, tasks, &description)
}

fn load_weights_of(
    spec: &ClassifierSpec,
    dir: &Path,
    registry: &Registry,
    device: &Device,
) -> Result<Classifier, ModelError> {
    let weights = dir.join(WEIGHTS_FILE);
    if !weights.is_file() {
        return Err(file_error(
            format!("the saved model has no {WEIGHTS_FILE}; copy the whole folder"),
            &weights,
            None,
        ));
    }
    let classifier = registry.create_classifier(&spec.model, &device.clone().without_autodiff())?;
    load_record(classifier, &spec.model.name, &weights)
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

/// Reads and checks the bytes of a [`MODEL_FILE`].
fn from_json(bytes: &[u8], tasks: &[&str], path: &Path) -> Result<ClassifierSpec, ModelError> {
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
        Some(found) if tasks.contains(&found) => {}
        other => {
            let (expected, found) = (tasks.join("\" or \""), other.unwrap_or("none"));
            return Err(refuse(format!("not a classifier: expected task \"{expected}\", found {found:?}")));
        }
    }
    let spec: ClassifierSpec = serde_json::from_value(value).map_err(|source| {
        file_error("the saved model's description is invalid".to_owned(), path, Some(source.into()))
    })?;
    match spec.problems() {
        problems if problems.is_empty() => Ok(spec),
        problems => Err(refuse(format!("the saved model contradicts itself: {}", problems.join("; ")))),
    }
}
