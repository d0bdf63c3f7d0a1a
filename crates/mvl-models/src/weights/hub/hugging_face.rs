//! timm's layout of a model on the Hugging Face Hub: `config.json`, and `model.safetensors` or `pytorch_model.bin` beside it.
//!
//! What the config says becomes a [`ClassifierSpec`]: the architecture's name, the classes, and how pictures are prepared. Models of
//! the library `transformers` have another config, and are refused with a reason.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use mvl_core::{
    Channels, Classifier, Filter, Labels, ModelConfig, ModelError, Options, Preprocess, Registry, Resize, ResizeTo,
    read_bounded,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ClassifierSpec;
use crate::weights::imagenet_labels::imagenet1k_labels;
use crate::weights::load::{LoadPolicy, load_weights};

pub(super) const CONFIG_FILE: &str = "config.json";
/// The one to prefer first.
pub(super) const WEIGHTS_FILES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
const MAX_CONFIG_BYTES: u64 = 16 << 20;
const IMAGENET_CLASSES: usize = 1000;

/// A model in timm's layout, on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct HuggingFaceModel {
    /// Everything beside the weights.
    pub spec: ClassifierSpec,
    /// The weights file.
    pub weights: PathBuf,
}

impl HuggingFaceModel {
    /// Creates the classifier and fills it.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`] when the registry lacks the architecture, and what [`load_weights`] says.
    pub fn create(&self, registry: &Registry, device: &Device) -> Result<Classifier, ModelError> {
        let model = registry.create_classifier(&self.spec.model, device)?;
        Ok(load_weights(model, &self.spec.model, registry, &self.weights, LoadPolicy::strict())?.0)
    }
}

/// Whether a folder looks like a model in this layout.
#[must_use]
pub fn is_hugging_face_folder(folder: &Path) -> bool {
    folder.join(CONFIG_FILE).is_file() && weights_in(folder).is_some()
}

/// Reads a folder in timm's layout, weights apart.
///
/// # Errors
/// [`ModelError::File`] when a file is missing, or the config is not timm's.
pub fn read_hugging_face_folder(folder: &Path) -> Result<HuggingFaceModel, ModelError> {
    let mut model = read_config(folder)?;
    model.weights = weights_in(folder).ok_or_else(|| {
        let [safe, pickled] = WEIGHTS_FILES;
        refuse(format!("expected {safe} or {pickled} beside {CONFIG_FILE}, found neither"), folder)
    })?;
    Ok(model)
}

/// The weights file of a folder in this layout.
pub(super) fn weights_in(folder: &Path) -> Option<PathBuf> {
    WEIGHTS_FILES.iter().map(|name| folder.join(name)).find(|file| file.is_file())
}

/// The same, where the weights may not be there yet.
pub(super) fn read_config(folder: &Path) -> Result<HuggingFaceModel, ModelError> {
    let path = folder.join(CONFIG_FILE);
    let text = read_bounded(&path, MAX_CONFIG_BYTES).map_err(|source| ModelError::File {
        what: "cannot read the model's config".to_owned(),
        path: path.display().to_string(),
        source: Some(source.into()),
    })?;
    let spec = parse_config(&text).map_err(|what| refuse(what, &path))?;
    Ok(HuggingFaceModel { spec, weights: folder.join(WEIGHTS_FILES[0]) })
}

/// What we read of a config; the rest is of no use here.
#[derive(Debug, Deserialize)]
struct Config {
    architecture: String,
    num_classes: Option<usize>,
    #[serde(default)]
    label_names: Vec<String>,
    #[serde(default)]
    model_args: Map<String, Value>,
    /// Older configs have its fields beside the architecture.
    pretrained_cfg: Option<Input>,
    #[serde(flatten)]
    input: Input,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Input {
    num_classes: Option<usize>,
    input_size: Option<[u32; 3]>,
    test_input_size: Option<[u32; 3]>,
    crop_pct: Option<f64>,
    test_crop_pct: Option<f64>,
    crop_mode: Option<String>,
    interpolation: Option<String>,
    mean: Option<Vec<f32>>,
    std: Option<Vec<f32>>,
}

/// timm's own defaults for what a config leaves out.
const SIDE_PX: u32 = 224;
const CROP_SHARE: f64 = 0.875;

fn parse_config(text: &[u8]) -> Result<ClassifierSpec, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| format!("expected JSON: {error}"))?;
    if value.get("architecture").is_none() {
        let hint =
            if value.get("architectures").is_some() { "; this is a model of the library transformers" } else { "" };
        return Err(format!("expected timm's config with an \"architecture\", found none{hint}"));
    }
    let config: Config = serde_json::from_value(value).map_err(|error| format!("not timm's config: {error}"))?;
    let input = config.pretrained_cfg.unwrap_or(config.input);
    let num_classes = config.num_classes.or(input.num_classes).unwrap_or(IMAGENET_CLASSES);
    let preprocess = preprocess(&input)?;
    let mut model = ModelConfig::new(config.architecture, num_classes).with_in_channels(preprocess.channels.count());
    model.options = Options::from_iter(config.model_args);
    let labels = match (config.label_names, num_classes) {
        (names, classes) if !names.is_empty() && names.len() == classes => Labels::new(names),
        (_, IMAGENET_CLASSES) => imagenet1k_labels(),
        _ => Labels::default(),
    };
    let spec = ClassifierSpec::new(model, labels, preprocess);
    match spec.problems() {
        problems if problems.is_empty() => Ok(spec),
        problems => Err(format!("cannot be used as a classifier: {}", problems.join("; "))),
    }
}

fn preprocess(input: &Input) -> Result<Preprocess, String> {
    let [channels, height, width] = input.test_input_size.or(input.input_size).unwrap_or([3, SIDE_PX, SIDE_PX]);
    let channels = match channels {
        1 => Channels::Gray,
        3 => Channels::Rgb,
        other => return Err(format!("input_size: expected 1 or 3 channels, got {other}")),
    };
    let share = match input.test_input_size {
        Some(_) => input.test_crop_pct.or(input.crop_pct),
        None => input.crop_pct,
    };
    let share = share.unwrap_or(CROP_SHARE);
    if !(share > 0.0 && share <= 1.0) {
        return Err(format!("crop_pct: expected above 0 to 1, got {share}"));
    }
    let resized = |side: u32| (f64::from(side) / share).floor() as u32;
    let to = match input.crop_mode.as_deref() {
        None | Some("center") if height == width => ResizeTo::ShortSide(resized(height)),
        Some("squash") => ResizeTo::Exact([resized(height), resized(width)]),
        mode => return Err(format!("crop_mode: {mode:?} of {height} x {width} is not supported")),
    };
    let filter = match input.interpolation.as_deref() {
        None | Some("bicubic") => Filter::Bicubic,
        Some("bilinear") => Filter::Bilinear,
        Some("nearest") => Filter::Nearest,
        Some("lanczos") => Filter::Lanczos,
        Some(other) => return Err(format!("interpolation: {other:?} is not supported")),
    };
    let usual = Preprocess::imagenet(height, width);
    let values = |given: &Option<Vec<f32>>, usual: &[f32]| {
        let values = given.clone().unwrap_or_else(|| usual.to_vec());
        if values.len() == 1 { vec![values[0]; channels.count()] } else { values }
    };
    Ok(Preprocess {
        channels,
        resize: Some(Resize { to, filter }),
        crop: Some([height, width]),
        mean: values(&input.mean, &usual.mean),
        std: values(&input.std, &usual.std),
        ..usual
    })
}

fn refuse(what: String, path: &Path) -> ModelError {
    ModelError::File { what, path: path.display().to_string(), source: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{
        "architecture": "resnet50", "num_classes": 2, "num_features": 2048, "global_pool": "avg",
        "label_names": ["cat", "dog"], "model_args": {"width": 0.5},
        "pretrained_cfg": {
            "tag": "a1_in1k", "custom_load": false, "input_size": [3, 224, 224], "test_input_size": [3, 288, 288],
            "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.95, "test_crop_pct": 1.0,
            "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "num_classes": 2,
            "first_conv": "conv1", "classifier": "fc", "license": "apache-2.0"
        }
    }"#;

    #[test]
    fn timms_config_is_read() {
        let spec = parse_config(CONFIG.as_bytes()).expect("timm's");
        assert_eq!(spec.model, ModelConfig::new("resnet50", 2).with_option("width", 0.5));
        assert_eq!(spec.labels, Labels::new(["cat", "dog"]));
        let preprocess = &spec.preprocess;
        assert_eq!(preprocess.resize, Some(Resize { to: ResizeTo::ShortSide(288), filter: Filter::Bicubic }));
        assert_eq!((preprocess.crop, preprocess.mean[0], preprocess.std[2]), (Some([288, 288]), 0.5, 0.25));
    }

    #[test]
    fn older_configs_are_flat() {
        let text = r#"{"architecture": "resnet18", "num_classes": 1000, "crop_pct": 0.875, "interpolation": "bilinear",
            "input_size": [3, 224, 224], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}"#;
        let spec = parse_config(text.as_bytes()).expect("timm's");
        assert_eq!(spec.preprocess, Preprocess::imagenet(256, 224));
        assert_eq!(spec.labels.len(), 1000);
    }

    #[test]
    fn others_are_refused_with_a_reason() {
        let problem = |text: &str| parse_config(text.as_bytes()).expect_err("bad");
        assert!(problem("no").starts_with("expected JSON"));
        assert!(problem(r#"{"architectures": ["ViTForImageClassification"]}"#).contains("transformers"));
        assert!(problem(&CONFIG.replace("1.0,", "0.0,")).starts_with("crop_pct: "));
        assert!(problem(&CONFIG.replace("bicubic", "hamming")).starts_with("interpolation: "));
        assert!(problem(&CONFIG.replace("[3, 288", "[2, 288")).starts_with("input_size: "));
        assert!(problem(r#"{"architecture": "vit", "num_classes": 0}"#).contains("model.num_classes"));
    }
}
