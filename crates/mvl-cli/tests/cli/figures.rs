//! Figures by name, beside the task's own.

use tempfile::tempdir;

use crate::program::{mvl, pictures, text};

const SMALL: [&str; 8] =
    ["--model", "resnet8", "--epochs", "2", "--set", "model.options.width=0.25", "--set", "data.image_size=[16,16]"];

#[test]
fn figures_are_measured_watched_and_told_again() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    for (part, per_class) in [("train", 12), ("val", 4), ("test", 4)] {
        pictures(&data.join(part), per_class);
    }
    let figures = [
        "--set",
        "task.metrics=[\"macro_f1\", \"calibration_error\", \"auroc\"]",
        "--set",
        "train.monitor={ metric = \"auroc\", mode = \"max\" }",
        "--set",
        "train.checkpoints.best_by=[{ metric = \"calibration_error\", mode = \"min\" }]",
    ];
    let place = ["train", "--json", "--data", text(&data), "--run-dir", text(&run)];
    let summary = mvl(&[&place[..], &SMALL, &figures].concat()).succeeds().json();
    let history = std::fs::read_to_string(run.join("history.jsonl")).expect("readable");
    let epochs: Vec<serde_json::Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let best = epochs.iter().filter_map(|epoch| epoch["valid"]["auroc"].as_f64()).fold(0.0, f64::max);
    assert_eq!(summary["best"]["value"].as_f64(), Some(best));
    for name in ["accuracy", "macro_f1", "calibration_error", "auroc"] {
        assert!(epochs.iter().all(|epoch| epoch["valid"][name].is_f64()), "{name} in {history}");
        assert!(summary["test"][name].is_f64(), "{name} in {summary}");
    }
    mvl(&["train", "--resume", text(&run)]).succeeds(); // the resolved config has them

    let asked = ["eval", "--json", "--model", text(&run), "--data", text(&data), "--metrics", "macro_f1,auroc"];
    let evaluation = mvl(&asked).succeeds().json();
    assert_eq!(evaluation["metrics"]["auroc"], summary["test"]["auroc"]);
    assert_eq!(evaluation["metrics"]["macro_f1"], summary["test"]["macro_f1"]);
    mvl(&[&asked[..6], &["--metrics", "macro_f2"]].concat())
        .fails(2, &["unknown figure \"macro_f2\", did you mean \"macro_f1\"?; known are macro_precision"]);
}

#[test]
fn several_classes_have_figures_of_their_own() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 10);
    let task = ["--set", "task.name=multi_label", "--set"];
    let place = ["train", "--json", "--data", text(&data), "--run-dir", text(&run)];
    let good = "task.metrics=[\"macro_average_precision\", \"micro_f1\"]";
    let watched = ["--set", "train.monitor={ metric = \"macro_average_precision\", mode = \"max\" }"];
    let summary = mvl(&[&place[..], &SMALL, &task, &[good], &watched].concat()).succeeds().json();
    assert!(summary["best"]["value"].is_f64(), "{summary}");

    let other = folder.path().join("other");
    let place = ["train", "--data", text(&data), "--run-dir", text(&other)];
    let bad = "task.metrics=[\"auroc\", \"macro_f\"]";
    mvl(&[&place[..], &SMALL, &task, &[bad]].concat()).fails(
        2,
        &[
            "the config has 2 problems",
            "task.metrics: unknown figure \"auroc\"",
            "task.metrics: unknown figure \"macro_f\", did you mean \"macro_f1\"?",
        ],
    );
}
