//! [`ClassifierModels`]: saved models in folders, in the registry and in the zoo; graphs in ONNX's format.

use std::fmt;
use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use mvl_core::{Backend, BoxError, MODEL_FILE, Registry, with_causes};
use mvl_infer::drift::DriftReference;
use mvl_infer::{OnnxFile, Predictor, load_onnx};

use super::{FoundVersion, LoadOptions, ModelParts, ModelSource};
use crate::ServiceError;

/// A graph in ONNX's format in a folder, as Triton wants it named.
const GRAPH_FILE: &str = "model.onnx";

/// Says which version `models:/NAME@ALIAS` stands for now, as `models:/NAME/VERSION`.
type Pin = dyn Fn(&str) -> Result<String, BoxError> + Send + Sync;

/// Classifiers from wherever [`Predictor`] finds them: a run's or a saved model's folder, a folder with a version in each of its numbered
/// folders, a name of the zoo, and the addresses of the registry's sources; computed by burn on a backend, or by another
/// [engine](mvl_infer::EngineKind). And graphs in ONNX's format, by the path of a file or of a folder with a `model.onnx` in it.
#[derive(Clone)]
pub struct ClassifierModels<B: Backend> {
    registry: Registry,
    pin: Option<Arc<Pin>>,
    ordinal: usize,
    backend: PhantomData<B>,
}

impl<B: Backend> fmt::Debug for ClassifierModels<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifierModels").field("backend", &B::NAME).finish_non_exhaustive()
    }
}

impl<B: Backend> ClassifierModels<B> {
    /// Models that a registry knows.
    pub fn new(registry: Registry) -> Self {
        Self { registry, pin: None, ordinal: 0, backend: PhantomData }
    }

    /// Runs models on this device of the backend instead of its first.
    #[must_use]
    pub fn on_device(self, ordinal: usize) -> Self {
        Self { ordinal, ..self }
    }

    /// Follows aliases of the model registry: the function says which version `models:/NAME@ALIAS` stands for now, as
    /// `models:/NAME/VERSION`.
    #[must_use]
    pub fn following(self, pin: impl Fn(&str) -> Result<String, BoxError> + Send + Sync + 'static) -> Self {
        Self { pin: Some(Arc::new(pin)), ..self }
    }

    fn registered(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        let pin = self.pin.as_ref().ok_or_else(|| ServiceError::not_found("there is no model registry here"))?;
        let address = pin(source).map_err(|error| ServiceError::not_found(with_causes(&*error)))?;
        let version = address.rsplit('/').next().unwrap_or("1").to_owned();
        Ok(FoundVersion::fixed(version, address))
    }
}

impl<B: Backend> ModelSource for ClassifierModels<B> {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        if source.starts_with("models:") {
            return self.registered(source);
        }
        let folder = Path::new(source);
        if let Some(file) = graph_in(folder) {
            return Ok(FoundVersion { version: "1".to_owned(), address: source.to_owned(), stamp: written(&[file]) });
        }
        if !folder.is_dir() {
            return Ok(FoundVersion::fixed("1", source)); // a name of the zoo, or nothing: loading tells
        }
        let (version, folder) = newest(folder).unwrap_or_else(|| (own_number(folder), folder.to_owned()));
        let address = folder.to_str().ok_or_else(|| ServiceError::invalid("expected a path in UTF-8"))?.to_owned();
        Ok(FoundVersion { version, address, stamp: stamp(&folder) })
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        let LoadOptions { replicas, engine } = options;
        let wrong = |error| ServiceError::invalid(with_causes(&error));
        if let Some(file) = graph_in(Path::new(&found.address)) {
            let OnnxFile { replicas, classifier } = load_onnx(file, engine, *replicas).map_err(wrong)?;
            return Ok(ModelParts { replicas, classifier });
        }
        let builder = Predictor::<B>::builder(&found.address)
            .with_registry(self.registry.clone())
            .with_device_ordinal(self.ordinal)
            .with_engine(engine.clone());
        let (replicas, spec) = builder.load_replicas(*replicas).map_err(wrong)?;
        Ok(ModelParts { replicas, classifier: Some(spec) })
    }

    fn reference(&self, found: &FoundVersion) -> Result<Option<DriftReference>, ServiceError> {
        let folder = Path::new(&found.address);
        let read = |folder: &Path| {
            DriftReference::of_model(folder).map_err(|error| ServiceError::invalid(with_causes(&error)))
        };
        if folder.is_dir() {
            return read(folder);
        }
        let fetched =
            self.registry.fetch(&found.address).map_err(|error| ServiceError::invalid(with_causes(&error)))?;
        fetched.map_or(Ok(None), |folder| read(&folder))
    }
}

/// The version that a folder's own name says, such as that of a canary.
fn own_number(folder: &Path) -> String {
    let number = folder.file_name().and_then(|name| name.to_str()).filter(|name| name.parse::<u64>().is_ok());
    number.unwrap_or("1").to_owned()
}

/// The numbered folder with the highest number that holds a saved model.
fn newest(folder: &Path) -> Option<(String, PathBuf)> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let versions = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let number: u64 = name.parse().ok()?;
        [MODEL_FILE, GRAPH_FILE]
            .iter()
            .any(|file| entry.path().join(file).is_file())
            .then(|| (number, name, entry.path()))
    });
    versions.max_by_key(|(number, ..)| *number).map(|(_, name, path)| (name, path))
}

/// The graph in ONNX's format that a path is, or that lies in the folder that it is.
fn graph_in(path: &Path) -> Option<PathBuf> {
    let is_graph = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
    let file = if is_graph { path.to_owned() } else { path.join(GRAPH_FILE) };
    file.is_file().then_some(file)
}

/// When the model in a folder, or in the run in it, was written last.
fn stamp(folder: &Path) -> String {
    let places = ["", "checkpoints/best", "checkpoints/last"];
    let files = places.iter().map(|place| folder.join(place).join(MODEL_FILE));
    written(&files.chain([folder.join(GRAPH_FILE)]).collect::<Vec<_>>())
}

/// When one of these files was written last.
fn written(files: &[PathBuf]) -> String {
    let times = files.iter().filter_map(|file| file.metadata().ok()?.modified().ok());
    let newest = times.max().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    newest.map_or_else(String::new, |time| time.as_nanos().to_string())
}
