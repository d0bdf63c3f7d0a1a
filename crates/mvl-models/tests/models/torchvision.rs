//! Keys, shapes, sizes and answers of the nets that torchvision has too.

use burn::tensor::Tensor;
use mvl_core::{Backbone, Feature, ModelConfig, TapSet, count_parameters};
use mvl_models::weights::{LoadPolicy, load_weights, save_safetensors};
use mvl_models::zoo;
use serde_json::Value;

use super::fixtures::{cpu, fixture_json, floats, formula, keys, picture, safetensors_header, write_safetensors};

/// Part of the answer's root mean square by which each of its numbers may be off.
const TOLERANCE: f64 = 1e-4;

#[test]
fn parameter_counts() {
    let expected = [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("mobilenet_v2", 3_504_872),
    ];
    for (name, count) in expected {
        let model = zoo().create_classifier(&ModelConfig::new(name, 1000), &cpu()).expect("a valid config");
        assert_eq!(count_parameters(&model), count, "{name}");
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn assert_close(what: &str, got: f64, expected: f64, scale: f64) {
    let difference = (got - expected).abs();
    assert!(difference <= TOLERANCE * scale, "{what}: expected {expected}, got {got}, off by {difference}");
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// Loads the formula's weights under torchvision's keys, compares logits and taps at both sizes, and exports the same keys.
fn agrees_with_torchvision(name: &str) {
    let (zoo, device, config) = (zoo(), cpu(), ModelConfig::new(name, 1000));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("formula.safetensors");
    let keys = keys(name);
    write_safetensors(&file, keys.iter().map(|(key, shape)| (key.as_str(), shape.clone(), formula(key, shape))));
    let model = zoo.create_classifier(&config, &device).expect("a valid config");
    let (model, report) =
        load_weights(model, &config, &zoo, &file, LoadPolicy::strict()).expect("torchvision's keys fit");
    assert_eq!((report.loaded, report.ignored), (keys.len(), 0));

    let golden = fixture_json("formula_logits.json");
    for (input, shape) in golden["inputs"].as_object().expect("an object") {
        let shape: [usize; 4] = serde_json::from_value(shape.clone()).expect("a shape");
        let expected = &golden["models"][name][input];
        let images = picture(input, shape, &device);

        let logits = floats(model.forward(images.clone()));
        let (l2, rms) = (number(&expected["l2"]), number(&expected["l2"]) / (logits.len() as f64).sqrt());
        for (index, value) in expected["first_logits"].as_array().expect("numbers").iter().enumerate() {
            assert_close(&format!("{name} {input} logit {index}"), f64::from(logits[index]), number(value), rms);
        }
        assert_close(&format!("{name} {input} norm"), norm(&logits), l2, l2);
        let sum: f64 = logits.iter().map(|&value| f64::from(value)).sum();
        assert_close(&format!("{name} {input} sum"), sum, number(&expected["sum"]), l2);

        let taps = model.backbone.taps();
        let features = model.backbone.forward(images, TapSet::first(taps.len()));
        assert_eq!(expected["taps"].as_object().expect("an object").len(), taps.len());
        for (index, feature) in features.iter() {
            let what = format!("{name} {input} {}", taps[index].name);
            let expected = &expected["taps"][&taps[index].name];
            let Feature::Map(map) = feature else { panic!("{what} is a map") };
            assert_eq!(serde_json::to_value(map.dims()).expect("numbers"), expected["shape"], "{what}");
            let values = floats::<4>(Tensor::clone(map));
            let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
            let l2 = number(&expected["l2"]);
            assert_close(&format!("{what} norm"), norm(&values), l2, l2);
            assert_close(&format!("{what} mean"), mean, number(&expected["mean"]), l2 / (values.len() as f64).sqrt());
        }
    }

    let exported = folder.path().join("exported.safetensors");
    save_safetensors(&model, &config, &zoo, &exported).expect("written");
    let (found, metadata) = safetensors_header(&exported);
    assert_eq!(metadata["format"], "pt");
    let sorted = |mut keys: Vec<(String, Vec<usize>)>| {
        keys.sort();
        keys
    };
    assert_eq!(sorted(found), sorted(keys), "{name}");
}

macro_rules! agrees {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            agrees_with_torchvision(stringify!($name));
        })*
    };
}

agrees!(resnet18, resnet34, resnet50, resnet101, resnet152, mobilenet_v2);
