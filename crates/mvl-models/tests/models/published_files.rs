//! Files as they are published, where they are not quite what the reference implementation saves today.

use std::path::Path;

use mvl_core::ModelConfig;
use mvl_models::weights::{LoadPolicy, LoadReport, load_weights, save_safetensors};
use mvl_models::zoo;

use super::fixtures::{answer, cpu, formula, safetensors_header, write_safetensors};

/// The small picture that all nets here take.
const SIDE: usize = 96;

/// Keys and shapes of a fresh model's file.
fn keys(config: &ModelConfig, folder: &Path) -> Vec<(String, Vec<usize>)> {
    let file = folder.join("fresh.safetensors");
    let model = zoo().create_classifier(config, &cpu()).expect("a valid config");
    save_safetensors(&model, config, &zoo(), &file).expect("written");
    safetensors_header(&file).0
}

/// What a model answers with a file of the formula's values for `keys`, which bears them under the names that `rename` gives.
fn loaded(
    config: &ModelConfig,
    folder: &Path,
    keys: &[(String, Vec<usize>)],
    rename: impl Fn(&str) -> String,
) -> (Vec<f32>, LoadReport) {
    let file = folder.join("published.safetensors");
    let renamed: Vec<_> = keys.iter().map(|(key, shape)| (rename(key), shape.clone(), formula(key, shape))).collect();
    write_safetensors(&file, renamed.iter().map(|(key, shape, values)| (key.as_str(), shape.clone(), values.clone())));
    let model = zoo().create_classifier(config, &cpu()).expect("a valid config");
    let (model, report) = load_weights(model, config, &zoo(), &file, LoadPolicy::strict()).expect("it fits");
    (answer(&model, 3, SIDE), report)
}

#[test]
fn densenets_older_names_are_known() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = ModelConfig::new("densenet121", 2).with_option("width", 0.25);
    let config = config.with_option("depths", vec![1, 2, 1, 1]);
    let keys = keys(&config, folder.path());
    assert!(keys.iter().any(|(key, _)| key == "features.denseblock2.denselayer2.norm1.running_mean"));
    let older = |key: &str| match key.contains("denselayer") {
        true => key
            .replace("norm1.", "norm.1.")
            .replace("norm2.", "norm.2.")
            .replace("conv1.", "conv.1.")
            .replace("conv2.", "conv.2."),
        false => key.to_owned(),
    };
    let (today, _) = loaded(&config, folder.path(), &keys, str::to_owned);
    let (published, report) = loaded(&config, folder.path(), &keys, older);
    assert_eq!((published, report.loaded), (today, keys.len()));
}

#[test]
fn auxiliary_classifiers_are_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases = [
        ("googlenet", ["aux1.conv.conv.weight", "aux2.fc2.bias"]),
        ("inception_v3", ["AuxLogits.conv0.conv.weight", "AuxLogits.fc.bias"]),
    ];
    for (name, auxiliary) in cases {
        let config = ModelConfig::new(name, 2).with_option("width", 0.125);
        let mut keys = keys(&config, folder.path());
        let (alone, _) = loaded(&config, folder.path(), &keys, str::to_owned);
        keys.extend(auxiliary.map(|key| (key.to_owned(), vec![3])));
        let (published, report) = loaded(&config, folder.path(), &keys, str::to_owned);
        assert_eq!((published, report.ignored), (alone, 2), "{name}");
    }
}
