//! Keys, shapes, sizes and answers of the nets that torchvision has too.

use mvl_core::{ModelConfig, count_parameters};
use mvl_models::weights::{LoadPolicy, load_weights, save_safetensors};
use mvl_models::zoo;

use super::fixtures::{cpu, fixture_json, formula, keys, picture, safetensors_header, write_safetensors};
use super::reference_answers::assert_answers;

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
        let images = picture(input, shape, &device);
        assert_answers(&format!("{name} {input}"), &model, images, &golden["models"][name][input]);
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
