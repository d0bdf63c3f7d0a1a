//! What to set before a run, by trying.

use std::path::Path;

use tempfile::tempdir;

use crate::program::{Ran, mvl, pictures, text};

fn find(data: &Path, more: &[&str]) -> Ran {
    let small = ["--model", "resnet8", "--set", "model.options.width=0.25", "--set", "data.image_size=[16,16]"];
    let settings = ["--set", "data.validation=0", "--batch-size", "8"];
    mvl(&[&["train", "--data", text(data)][..], &small, &settings, more].concat())
}

#[test]
fn a_learning_rate_is_suggested() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("rates"));
    pictures(&data, 16);
    let found = find(&data, &["--find-learning-rate", "--json"]).succeeds().json();
    let points = found["points"].as_array().expect("a list");
    assert!(points.len() > 20 && points[0][0] == 1e-7, "{found}");
    assert!(found["suggestion"].as_f64().is_some_and(|rate| (1e-7..10.0).contains(&rate)), "{found}");
    let written = |folder: &Path| std::fs::read_dir(folder).map_or(0, Iterator::count);
    assert_eq!(written(folder.path()), 1, "nothing but the data");

    let told = find(&data, &["--find-learning-rate", "--run-dir", text(&run)]).succeeds();
    assert!(told.stdout.contains("suggestion: --learning-rate ") && told.stdout.contains("falls fastest"));
    assert!(told.stdout.starts_with("learning rate  smoothed loss"), "{}", told.stdout);
    assert_eq!(written(&run), 2);
    assert!(std::fs::read_to_string(run.join("learning_rate.svg")).expect("readable").contains("suggestion"));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(run.join("learning_rate.json")).expect("readable")).expect("JSON");
    assert_eq!(json, found, "the same settings, the same curve");
}

#[test]
fn a_batch_size_is_suggested() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 16);
    let found = find(&data, &["--find-batch-size", "--json"]).succeeds().json();
    let trials = found["trials"].as_array().expect("a list");
    let sizes: Vec<_> = trials.iter().map(|trial| trial["batch_size"].as_u64().expect("a number")).collect();
    assert_eq!((sizes, found["largest"].as_u64()), (vec![8, 16, 32], Some(32)), "there are 32 pictures");
    assert!(trials.iter().all(|trial| trial["samples_per_second"].is_f64()), "{found}");
    let told =
        find(&data, &["--find-batch-size", "--set", "resources.host_mib=1", "--set", "data.queue_mib=1"]).succeeds();
    assert!(told.stdout.contains("bytes of 1048576"), "{}", told.stdout);
    assert!(told.stdout.contains("no suggestion: not even the smallest batch fits"), "{}", told.stdout);
}

#[test]
fn one_thing_at_a_time() {
    let both = ["--find-batch-size", "--find-learning-rate"];
    find(Path::new("photos"), &both).fails(2, &["cannot be used with"]);
    mvl(&["train", "--resume", "runs/x", "--find-batch-size"]).fails(2, &["cannot be used with"]);
}
