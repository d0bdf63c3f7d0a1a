//! A saved model comes back as it was, or not at all.

use std::fs;
use std::path::Path;

use mvl_core::{Channels, Classifier, Labels, MODEL_FILE, ModelConfig, Preprocess, WEIGHTS_FILE};
use mvl_models::{ClassifierSpec, load_classifier, save_classifier};

use super::fixtures::{answer, cpu};
use super::user_backbone::registry;

fn spec(config: ModelConfig) -> ClassifierSpec {
    let preprocess = Preprocess::exact(16, 16, Channels::Rgb, &[0.5; 3], &[0.25; 3]);
    ClassifierSpec::new(config, Labels::new(["cat", "dog"]), preprocess)
}

fn saved(config: ModelConfig, dir: &Path) -> (Classifier, ClassifierSpec) {
    let spec = spec(config);
    let model = registry().create_classifier(&spec.model, &cpu()).expect("a valid config");
    save_classifier(dir, &model, &spec).expect("written");
    (model, spec)
}

fn error_of(dir: &Path) -> String {
    let error = load_classifier(dir, &registry(), &cpu()).expect_err("cannot be loaded");
    let source = std::error::Error::source(&error).map(|source| format!(" <- {source}")).unwrap_or_default();
    format!("{error}{source}")
}

#[test]
fn built_in_and_own_models_come_back() {
    for config in [
        ModelConfig::new("resnet8", 2).with_head("mlp"),
        ModelConfig::new("mobilenet_v2", 2).with_option("width", 0.25),
        ModelConfig::new("tiny", 2),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path().join("a/new/folder");
        let (model, spec) = saved(config, &dir);
        let (loaded, loaded_spec) = load_classifier(&dir, &registry(), &cpu()).expect("what was written");
        assert_eq!(loaded_spec, spec);
        assert_eq!(answer(&loaded, 3, 32), answer(&model, 3, 32));
        let mut files: Vec<_> =
            fs::read_dir(&dir).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        files.sort();
        assert_eq!(files, [MODEL_FILE, WEIGHTS_FILE]);
    }
}

#[test]
fn a_new_model_replaces_the_old_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    fs::write(dir.join("history.jsonl"), "{}").expect("writable");
    saved(ModelConfig::new("resnet14", 2), dir);
    let (model, _) = saved(ModelConfig::new("resnet8", 2), dir);
    let (loaded, spec) = load_classifier(dir, &registry(), &cpu()).expect("the new model");
    assert_eq!(spec.model.name, "resnet8");
    assert_eq!(answer(&loaded, 3, 16), answer(&model, 3, 16));
    assert!(dir.join("history.jsonl").exists());
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    let shown = |name: &str| dir.join(name).display().to_string();
    assert_eq!(
        error_of(&dir.join("nowhere")),
        format!("no such folder; a saved model is a folder with model.json and weights.bpk: {}", shown("nowhere"))
    );
    assert!(error_of(dir).starts_with(&format!("no saved model here, expected a model.json: {}", shown(MODEL_FILE))));
    saved(ModelConfig::new("tiny", 2), dir);
    assert!(error_of(&dir.join(MODEL_FILE)).starts_with("not a folder; a saved model is a folder with"));
    fs::remove_file(dir.join(WEIGHTS_FILE)).expect("there");
    assert_eq!(
        error_of(dir),
        format!("the saved model has no weights.bpk; copy the whole folder: {}", shown(WEIGHTS_FILE))
    );
}

#[test]
fn descriptions_that_do_not_hold_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    saved(ModelConfig::new("tiny", 2), dir);
    let good = fs::read_to_string(dir.join(MODEL_FILE)).expect("written");
    let cases = [
        (
            r#""version": 1"#,
            r#""version": 2"#,
            "saved by a newer mvl: model version 2, this build reads up to 1; update mvl",
        ),
        (r#""version": 1"#, r#""versions": 1"#, "not a saved model: expected a number under \"version\""),
        (
            r#""classification""#,
            r#""detection""#,
            "not a classifier: expected task \"classification\", found \"detection\"",
        ),
        (r#""mvl":"#, r#""extra": 1, "mvl":"#, "unknown field `extra`"),
        (r#""dog""#, r#""dog", "cow""#, "labels: expected 2 names or none, got 3"),
        (r#""name": "tiny""#, r#""name": "tinier""#, "unknown model \"tinier\", did you mean \"tiny\"?"),
        ("{", "", "not a saved model: expected JSON"),
    ];
    for (from, to, expected) in cases {
        assert!(good.contains(from), "{from}");
        fs::write(dir.join(MODEL_FILE), good.replacen(from, to, 1)).expect("writable");
        let error = error_of(dir);
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    }
    fs::write(dir.join(MODEL_FILE), vec![b' '; (16 << 20) + 1]).expect("writable");
    assert!(error_of(dir).starts_with("larger than the 16777216 bytes a model.json may have"));
}

#[test]
fn weights_of_another_model_are_refused() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    saved(ModelConfig::new("tiny", 2), folder.path());
    saved(ModelConfig::new("resnet8", 2), other.path());
    fs::copy(other.path().join(WEIGHTS_FILE), folder.path().join(WEIGHTS_FILE)).expect("copied");
    let error = error_of(folder.path());
    assert!(
        error.starts_with("weights do not fit \"tiny\": missing 5: backbone.conv.weight [4, 3, 3, 3], "),
        "{error}"
    );
    assert!(error.contains("; misshapen 1: head.linear.weight expected [4, 2], found [64, 2]; "), "{error}");
}

#[test]
fn damaged_weights_are_an_error_and_no_panic() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = folder.path().join(WEIGHTS_FILE);
    saved(ModelConfig::new("tiny", 2), folder.path());
    let good = fs::read(&weights).expect("written");
    for length in [0, 4, 40, good.len() / 2, good.len() - 1] {
        fs::write(&weights, &good[..length]).expect("writable");
        let error = error_of(folder.path());
        assert!(error.starts_with("cannot read the weights; the file may be damaged"), "{length}: {error}");
    }
    for place in 0..good.len().min(2000) {
        let mut bad = good.clone();
        bad[place] ^= 0xff;
        fs::write(&weights, bad).expect("writable");
        let _ = load_classifier(folder.path(), &registry(), &cpu()); // may be harmless, may be an error, is no panic
    }
}

#[test]
fn contradictions_are_not_saved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut spec = spec(ModelConfig::new("tiny", 2));
    let model = registry().create_classifier(&spec.model, &cpu()).expect("a valid config");
    spec.labels = Labels::new(["only one"]);
    spec.model.in_channels = 1;
    let error = save_classifier(folder.path(), &model, &spec).expect_err("two problems");
    assert_eq!(
        error.to_string(),
        "invalid options for \"tiny\": labels: expected 2 names or none, got 1; preprocess.channels: expected 1, got 3"
    );
}

#[test]
fn an_unwritable_place_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writable");
    let spec = spec(ModelConfig::new("tiny", 2));
    let model = registry().create_classifier(&spec.model, &cpu()).expect("a valid config");
    let error = save_classifier(&file.join("model"), &model, &spec).expect_err("a file is no folder");
    assert_eq!(error.to_string(), format!("cannot save the model: {}", file.join("model").display()));
}

#[test]
fn the_burn_version_is_the_one_in_use() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml")).expect("a workspace");
    let spec = spec(ModelConfig::new("tiny", 2));
    assert!(manifest.contains(&format!("burn = {{ version = \"={}\"", spec.burn)));
}
