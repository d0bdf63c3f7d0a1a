//! Weights files: what is in them arrives, what does not fit is listed, what is hostile runs nothing.

use std::fs;
use std::path::Path;

use mvl_core::{Classifier, ModelConfig, ModelError};
use mvl_models::weights::{
    AdaptedInput, LoadPolicy, LoadReport, MisshapenTensor, TensorShape, load_weights, load_weights_mapped,
    save_safetensors,
};

use super::fixtures::{answer, cpu, fixture, fixture_json, formula, values, write_safetensors, write_safetensors_as};
use super::user_backbone::registry;

fn fresh(config: &ModelConfig) -> Classifier {
    registry().create_classifier(config, &cpu()).expect("a valid config")
}

fn load(config: &ModelConfig, path: &Path, policy: LoadPolicy) -> Result<(Classifier, LoadReport), ModelError> {
    load_weights(fresh(config), config, &registry(), path, policy)
}

fn error_of(config: &ModelConfig, path: &Path, policy: LoadPolicy) -> String {
    load(config, path, policy).expect_err("cannot be loaded").to_string()
}

#[test]
fn every_kind_of_tensor_arrives() {
    let expected = fixture_json("tiny_expected.json");
    let paths = [
        ("backbone.conv.weight", "conv.weight"),
        ("backbone.running_var", "bn.running_var"),
        ("backbone.transposed", "view.transposed"),
        ("backbone.whole", "shared.whole"),
        ("backbone.part", "shared.part"),
        ("head.linear.bias", "fc.bias"),
    ];
    for file in ["tiny_zip.pth", "tiny_legacy.pth", "tiny_nested.pth"] {
        let (model, report) =
            load(&ModelConfig::new("tiny", 2), &fixture(file), LoadPolicy::strict()).expect("a good file");
        assert_eq!((report.loaded, report.ignored), (7, 1), "{file}");
        let values = values(&model);
        let of = |key: &str| -> Vec<f32> { serde_json::from_value(expected[key]["values"].clone()).expect("numbers") };
        for (path, key) in paths {
            assert_eq!(values[path], of(key), "{file} {key}");
        }
        let [out, into] = [2, 4];
        let matrix = of("fc.weight"); // [out, in] in the file, half precision
        let transposed: Vec<f32> = (0..into * out).map(|index| matrix[index % out * into + index / out]).collect();
        assert_eq!(values["head.linear.weight"], transposed, "{file} fc.weight");
    }
}

#[test]
fn mapped_weights_are_those_that_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("weights.safetensors");
    let three = ModelConfig::new("resnet8", 2);
    save_safetensors(&fresh(&three), &three, &registry(), &file).expect("written");
    for in_channels in [3, 1] {
        let config = three.clone().with_in_channels(in_channels);
        let (read, report) = load(&config, &file, LoadPolicy::strict()).expect("they fit");
        let (mapped, same) =
            load_weights_mapped(fresh(&config), &config, &registry(), &file, LoadPolicy::strict()).expect("they fit");
        assert_eq!((values(&mapped), same), (values(&read), report));
    }
    let pth = fixture("tiny_zip.pth");
    let tiny = ModelConfig::new("tiny", 2);
    let (read, _) = load(&tiny, &pth, LoadPolicy::strict()).expect("a good file");
    let (mapped, _) =
        load_weights_mapped(fresh(&tiny), &tiny, &registry(), &pth, LoadPolicy::strict()).expect("a good file");
    assert_eq!(values(&mapped), values(&read));
}

#[test]
fn hostile_files_run_nothing() {
    let pwned = Path::new("/tmp/mvl_pwned");
    assert!(!pwned.exists(), "left by something else: remove {} and run again", pwned.display());
    for file in ["hostile.pth", "hostile_legacy.pth"] {
        let error = error_of(&ModelConfig::new("tiny", 2), &fixture(file), LoadPolicy::strict());
        assert!(!pwned.exists(), "{file} ran its command");
        assert_eq!(
            error,
            format!(
                "\"fc.weight\" asks to run \"os.system\", which was not done; do not trust this file: {}",
                fixture(file).display()
            )
        );
    }
}

#[test]
fn files_of_no_use_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights");
    let tiny = ModelConfig::new("tiny", 2);
    let strict = |file: &Path| error_of(&tiny, file, LoadPolicy::strict());
    assert!(strict(&file).starts_with("cannot open the weights: "));
    assert!(strict(folder.path()).starts_with("expected a weights file, found a folder: "));
    for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n and so on", b"PK\x03\x04 and so on", b"\x80\x02 and so on"] {
        fs::write(&file, bytes).expect("writable");
        let error = strict(&file);
        assert!(error.starts_with("cannot read the weights as safetensors or as a PyTorch checkpoint: "), "{error}");
    }
    fs::write(&file, b"\x08\0\0\0\0\0\0\0{\"a\": 1}").expect("writable");
    assert!(strict(&file).starts_with("cannot read the weights as safetensors: a: "), "{}", strict(&file));
    fs::write(&file, b"\x02\0\0\0\0\0\0\0{}").expect("writable");
    assert!(strict(&file).starts_with("the file holds no tensors: "));
}

#[test]
fn damaged_files_are_an_error_and_no_panic() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights");
    let tiny = ModelConfig::new("tiny", 2);
    for name in ["tiny_zip.pth", "tiny_legacy.pth"] {
        let good = fs::read(fixture(name)).expect("a fixture");
        for length in (0..good.len()).step_by(17) {
            fs::write(&file, &good[..length]).expect("writable");
            assert!(load(&tiny, &file, LoadPolicy::strict()).is_err(), "{name} cut to {length} bytes");
        }
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 0x55;
            fs::write(&file, bad).expect("writable");
            let _ = load(&tiny, &file, LoadPolicy::strict()); // a changed weight passes; nothing panics
        }
    }
}

/// The tensors that the model `tiny` wants.
const TINY: [(&str, &[usize]); 7] = [
    ("conv.weight", &[4, 3, 3, 3]),
    ("bn.running_var", &[4]),
    ("view.transposed", &[5, 3]),
    ("shared.whole", &[10]),
    ("shared.part", &[2, 3]),
    ("fc.weight", &[2, 4]),
    ("fc.bias", &[2]),
];

#[test]
fn other_precisions_are_cast() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    let tensors = TINY.iter().map(|(key, shape)| (*key, shape.to_vec(), formula(key, shape)));
    let bf16 = |value: f32| [value.to_le_bytes()[2], value.to_le_bytes()[3]];
    let config = ModelConfig::new("tiny", 2);
    for (dtype, mask) in [("F64", u32::MAX), ("BF16", 0xffff_0000)] {
        match dtype {
            "F64" => write_safetensors_as(&file, dtype, |value| f64::from(value).to_le_bytes(), tensors.clone()),
            _ => write_safetensors_as(&file, dtype, bf16, tensors.clone()),
        }
        let (model, _) = load(&config, &file, LoadPolicy::strict()).expect("a good file");
        let expected: Vec<f32> =
            formula("conv.weight", TINY[0].1).into_iter().map(|value| f32::from_bits(value.to_bits() & mask)).collect();
        assert_eq!(values(&model)["backbone.conv.weight"], expected, "{dtype}");
        assert_eq!(answer(&model, 3, 8).len(), 4, "{dtype}");
    }
    write_safetensors_as(&file, "I32", |value| (value as i32).to_le_bytes(), tensors);
    let error = error_of(&config, &file, LoadPolicy::strict());
    assert!(error.contains("misshapen 7: conv.weight holds I32, bn.running_var holds I32, "), "{error}");
}

/// A file of which some tensors fit the tiny model, some have another shape, one is missing and one unknown.
fn write_misfit(file: &Path) {
    let tensors = [
        ("conv.weight", vec![4, 3, 5, 5]),
        ("bn.running_var", vec![4]),
        ("shared.whole", vec![10]),
        ("shared.part", vec![2, 3]),
        ("fc.weight", vec![2, 4]),
        ("fc.bias", vec![2]),
        ("extra", vec![1]),
    ];
    write_safetensors(file, tensors.iter().map(|(key, shape)| (*key, shape.clone(), formula(key, shape))));
}

#[test]
fn what_does_not_fit_is_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    write_misfit(&file);
    assert_eq!(
        error_of(&ModelConfig::new("tiny", 2), &file, LoadPolicy::strict()),
        format!(
            "weights do not fit \"tiny\": missing 1: view.transposed [5, 3]; unexpected 1: extra [1]; misshapen 1: \
             conv.weight expected [4, 3, 3, 3], found [4, 3, 5, 5]; {}",
            file.display()
        )
    );
}

fn exported(config: &ModelConfig, path: &Path) -> Classifier {
    let model = fresh(config);
    save_safetensors(&model, config, &registry(), path).expect("written");
    model
}

#[test]
fn export_and_load_change_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    for config in [
        ModelConfig::new("resnet14", 5).with_in_channels(1),
        ModelConfig::new("resnet18", 5).with_option("width", 0.125).with_head("mlp"),
        ModelConfig::new("mobilenet_v2", 5).with_option("width", 0.25).with_option("stem", "small"),
        ModelConfig::new("tiny", 5),
    ] {
        let model = exported(&config, &file);
        let (loaded, report) = load(&config, &file, LoadPolicy::strict()).expect("what was written");
        assert_eq!(report.to_string(), format!("{} tensors loaded", report.loaded));
        assert_eq!(values(&loaded), values(&model), "{}", config.name);
    }
}

#[test]
fn a_head_of_other_classes_starts_fresh() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    let ten = ModelConfig::new("resnet8", 10);
    let source = values(&exported(&ten, &file));
    for other in [
        ModelConfig::new("resnet8", 3),
        ModelConfig::new("resnet8", 10).with_head("mlp"),
        ModelConfig::new("resnet8", 10).with_head("corner"),
    ] {
        let error = error_of(&other, &file, LoadPolicy::strict());
        assert!(error.starts_with("weights do not fit \"resnet8\": "), "{error}");
        let (model, report) = load(&other, &file, LoadPolicy::strict().with_fresh_head()).expect("the backbone fits");
        let loaded = values(&model);
        assert_eq!(loaded["backbone.conv1.conv.weight"], source["backbone.conv1.conv.weight"]);
        assert!(
            loaded
                .iter()
                .filter(|(path, _)| path.starts_with("head."))
                .all(|(path, value)| source.get(path) != Some(value))
        );
        let heads = loaded.keys().filter(|path| path.starts_with("head.")).count();
        assert_eq!((report.loaded, report.reinitialised.len()), (loaded.len() - heads, heads));
    }
    let (model, report) = load(&ten, &file, LoadPolicy::strict().with_fresh_head()).expect("all fits");
    assert!(report.reinitialised.is_empty());
    assert_eq!(values(&model), source);
}

#[test]
fn other_input_channels_are_adapted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    let rgb = ModelConfig::new("resnet8", 2);
    let source = values(&exported(&rgb, &file));
    let kernel = &source["backbone.conv1.conv.weight"]; // [16, 3, 3, 3]
    for to in [1, 4] {
        let config = rgb.clone().with_in_channels(to);
        let (model, report) = load(&config, &file, LoadPolicy::strict()).expect("the stem is adapted");
        assert_eq!(report.adapted_input, Some(AdaptedInput { key: "conv1.weight".to_owned(), from: 3, to }));
        let adapted = &values(&model)["backbone.conv1.conv.weight"];
        let expected = |out: usize, channel: usize, cell: usize| {
            let at = |channel: usize| kernel[(out * 3 + channel) * 9 + cell];
            if to == 1 { at(0) + at(1) + at(2) } else { at(channel % 3) * 3.0 / 4.0 }
        };
        for (index, value) in adapted.iter().enumerate() {
            let (out, channel, cell) = (index / (to * 9), index / 9 % to, index % 9);
            assert!((value - expected(out, channel, cell)).abs() < 1e-6);
        }
        assert_eq!(answer(&model, to, 16).len(), 4);
    }
    let grey = exported(&rgb.clone().with_in_channels(1), &file);
    let (back, _) = load(&rgb, &file, LoadPolicy::strict()).expect("grey to colours");
    let (one, three) = (values(&grey), values(&back));
    let (one, three) = (&one["backbone.conv1.conv.weight"], &three["backbone.conv1.conv.weight"]);
    assert!((one[0] / 3.0 - three[0]).abs() < 1e-6);
}

#[test]
fn what_fits_is_taken_and_the_rest_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    write_misfit(&file);
    let tiny = ModelConfig::new("tiny", 2);
    let (model, report) = load(&tiny, &file, LoadPolicy::strict().with_partial()).expect("some of it fits");
    let shape = |key: &str, shape: &[usize]| TensorShape { key: key.to_owned(), shape: shape.to_vec() };
    assert_eq!(report.missing, [shape("view.transposed", &[5, 3])]);
    assert_eq!(report.unexpected, [shape("extra", &[1])]);
    let (key, dtype) = ("conv.weight".to_owned(), "F32".to_owned());
    assert_eq!(report.misshapen, [MisshapenTensor { key, expected: vec![4, 3, 3, 3], found: vec![4, 3, 5, 5], dtype }]);
    assert_eq!(
        report.to_string(),
        "5 tensors loaded; missing 1: view.transposed [5, 3]; unexpected 1: extra [1]; misshapen 1: conv.weight expected \
         [4, 3, 3, 3], found [4, 3, 5, 5]"
    );
    assert_eq!(values(&model)["head.linear.bias"], formula("fc.bias", &[2]));

    write_safetensors(&file, [("extra", vec![1], vec![0.0])].into_iter());
    let error = error_of(&tiny, &file, LoadPolicy::strict().with_partial());
    assert!(error.starts_with("weights do not fit \"tiny\": missing 7: "), "{error}");
}

#[test]
fn classes_are_picked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("weights.safetensors");
    let ten = ModelConfig::new("resnet8", 10);
    let source = values(&exported(&ten, &file));
    let three = ModelConfig::new("resnet8", 3);
    let picked = [7, 0, 7];
    for policy in [LoadPolicy::strict(), LoadPolicy::strict().with_fresh_head()] {
        let policy = policy.with_classes(picked);
        let (model, report) = load(&three, &file, policy).expect("ten hold these three");
        assert_eq!((report.picked_from, report.reinitialised.len()), (Some(10), 0));
        let values = values(&model);
        let (all, some) = (&source["head.linear.weight"], &values["head.linear.weight"]); // [in, classes]
        for (index, value) in some.iter().enumerate() {
            assert_eq!(*value, all[index / 3 * 10 + picked[index % 3]]);
        }
        assert_eq!(values["head.linear.bias"], picked.map(|class| source["head.linear.bias"][class]));
        assert_eq!(values["backbone.conv1.conv.weight"], source["backbone.conv1.conv.weight"]);
    }
    let error = error_of(&three, &file, LoadPolicy::strict().with_classes([0, 1, 10]));
    assert!(error.starts_with("expected classes below 10, the file's number of them, got 10: "), "{error}");
    let error = error_of(&three, &file, LoadPolicy::strict().with_classes([0, 1]));
    assert_eq!(error, "invalid options for \"resnet8\": expected 3 classes to pick, got 2");
}
