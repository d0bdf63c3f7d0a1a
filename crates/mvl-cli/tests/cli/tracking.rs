//! Runs are recorded and models registered without being asked for a server, and both are found again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{Ran, command, pictures};

/// Runs `mvl` in a folder, whose `.mvl` is the workspace.
pub(crate) fn mvl_in(folder: &Path, arguments: &[&str]) -> Ran {
    mvl_with(folder, arguments, &[])
}

fn mvl_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = command(arguments);
    command.current_dir(folder).env_remove("MVL_TRACKING").envs(variables.iter().copied());
    command.env_remove("MVL_TRACKING_DATABASE").env_remove("MVL_TRACKING_ARTIFACTS").env_remove("MVL_TRUSTED_KEYS");
    command.envs(variables.iter().copied());
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const TRAIN: [&str; 14] = [
    "train",
    "--data",
    "photos",
    "--model",
    "resnet8",
    "--epochs",
    "2",
    "--batch-size",
    "8",
    "--set",
    "data.image_size=[16,16]",
    "--set",
    "model.options.width=0.5",
    "--json",
];

pub(crate) fn train(folder: &Path, more: &[&str]) -> Value {
    let arguments: Vec<&str> = TRAIN.iter().chain(more).copied().collect();
    mvl_in(folder, &arguments).succeeds().json()
}

#[test]
fn a_run_is_recorded_compared_drawn_and_moved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    mvl_in(folder, &["runs", "list"]).fails(1, &["nothing is recorded here yet", ".mvl/track.db"]);
    pictures(&folder.join("photos"), 20);
    let first = train(folder, &["--run-dir", "first", "--learning-rate", "0.01"]);
    let other = ["--set", "tracking.experiment=\"other\"", "--set", "tracking.system_metrics=false"];
    let second = train(folder, &[&["--run-dir", "second", "--learning-rate", "0.02"], &other[..]].concat());
    let unrecorded = train(folder, &["--run-dir", "third", "--no-tracking"]);
    assert!(unrecorded.get("run_id").is_none());

    let listed = mvl_in(folder, &["runs", "list", "--json"]).succeeds().json();
    let names: Vec<_> =
        listed.as_array().expect("a list").iter().map(|run| run["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["second", "first"], "the latest first");
    assert_eq!(listed[1]["run_id"], first["run_id"]);
    assert_eq!((listed[0]["experiment"].as_str(), listed[0]["status"].as_str()), (Some("other"), Some("FINISHED")));
    assert_eq!(listed[0]["params"]["train.optimizer.learning_rate"], "0.02");
    let machine = |run: &Value| {
        let metrics = run["metrics"].as_object().expect("metrics").iter();
        metrics
            .filter(|(name, _)| name.starts_with("system/"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(machine(&listed[0]), [], "switched off");
    for name in ["cpu_utilization_percentage", "system_memory_usage_megabytes", "system_memory_usage_percentage"] {
        let figure = listed[1]["metrics"][format!("system/{name}")].as_f64().expect(name);
        assert!(figure >= 0.0 && (figure <= 100.0 || name.ends_with("megabytes")), "{name}: {figure}");
    }
    assert!(listed[1]["metrics"]["system/system_memory_usage_megabytes"].as_f64() > Some(50.0));
    let filter = "params.train.optimizer.learning_rate = '0.01' and metrics.valid_loss > 0";
    let found = mvl_in(folder, &["runs", "list", "--json", "--filter", filter]).succeeds().json();
    assert_eq!(found.as_array().expect("a list").len(), 1);
    mvl_in(folder, &["runs", "list", "--filter", "metrics.loss = nonsense'"]).fails(1, &["does not end"]);

    let shown = mvl_in(folder, &["runs", "show", "first", "--all"]).succeeds().stdout;
    for expected in [
        "experiment Default, finished",
        "valid_loss",
        "train.optimizer.learning_rate",
        "0.01",
        "curves.svg",
        "mvl.data_digest",
    ] {
        assert!(shown.contains(expected), "expected {expected:?} in:\n{shown}");
    }
    assert!(shown.chars().any(|char| ('\u{2801}'..='\u{28ff}').contains(&char)), "curves are drawn:\n{shown}");

    let compared = mvl_in(folder, &["runs", "compare", "first", "latest", "--json"]).succeeds().json();
    let differing = compared["differing"].as_array().expect("a list");
    assert!(differing.contains(&"train.optimizer.learning_rate".into()), "{differing:?}");
    assert!(!differing.contains(&"train.epochs".into()), "{differing:?}");
    mvl_in(folder, &["runs", "plot", "first", "second", "--metric", "loss", "--out", "loss.svg"]).succeeds();
    let picture = fs::read_to_string(folder.join("loss.svg")).expect("drawn");
    assert!(picture.contains("first") && picture.contains("second"));

    mvl_in(folder, &["runs", "export", "first", "--out", "first.jsonl"]).succeeds();
    let elsewhere = folder.join("elsewhere");
    fs::create_dir(&elsewhere).expect("writable");
    mvl_in(&elsewhere, &["runs", "import", "../first.jsonl"]).succeeds();
    let copy = mvl_in(&elsewhere, &["runs", "list", "--json"]).succeeds().json();
    assert_eq!(copy[0]["metrics"], listed[1]["metrics"]);

    let id = second["run_id"].as_str().expect("an id");
    mvl_in(folder, &["runs", "delete", &id[..8]]).succeeds();
    assert_eq!(mvl_in(folder, &["runs", "list", "--json"]).succeeds().json().as_array().expect("a list").len(), 1);
    mvl_in(folder, &["runs", "restore", "second"]).succeeds();
    assert_eq!(mvl_in(folder, &["runs", "list", "--json"]).succeeds().json().as_array().expect("a list").len(), 2);
    mvl_in(folder, &["runs", "gc"]).succeeds();
    mvl_in(folder, &["runs", "show", "nobody"]).fails(1, &["no run \"nobody\"", "mvl runs list"]);
}

#[test]
fn a_model_is_registered_promoted_signed_and_loaded_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    pictures(&folder.join("photos"), 20);
    let first = train(folder, &["--run-dir", "first", "--register", "squares"]);
    assert_eq!(first["registered"], "models:/squares/1");
    mvl_in(folder, &["registry", "register", "squares", "first", "--metric", "test:accuracy=0.75"]).succeeds();

    let shown = mvl_in(folder, &["registry", "show", "squares/1", "--json"]).succeeds().json();
    assert_eq!(shown["run_id"], first["run_id"]);
    assert_eq!(shown["manifest"]["labels"], serde_json::json!(["dark", "light"]));
    assert_eq!(shown["manifest"]["signature"]["inputs"][0]["shape"], serde_json::json!([null, 3, 16, 16]));
    assert!(shown["manifest"]["card"]["metrics"]["validation"]["loss"].is_number(), "{shown:#}");

    mvl_in(folder, &["registry", "promote", "squares", "1"]).succeeds();
    mvl_in(folder, &["registry", "promote", "squares", "2", "--gate", "test:accuracy>=0.9"])
        .fails(1, &["fails   test:accuracy >= 0.9: 0.7500", "does not pass"]);
    mvl_in(folder, &["registry", "promote", "squares", "2", "--expect", "2"]).fails(1, &["stands for version 1"]);
    mvl_in(folder, &["registry", "promote", "squares", "2", "--gate", "test:accuracy>=0.7"]).succeeds();
    let aliases = |models: Value| models[0]["aliases"]["champion"].as_u64();
    assert_eq!(aliases(mvl_in(folder, &["registry", "list", "--json"]).succeeds().json()), Some(2));
    mvl_in(folder, &["registry", "rollback", "squares"]).succeeds();
    assert_eq!(aliases(mvl_in(folder, &["registry", "list", "--json"]).succeeds().json()), Some(1));

    // What asks to run a program is not registered, and nothing of it is run.
    let hostile = folder.join("first/checkpoints/best/extra.pth");
    let trace = folder.join("something-ran");
    fs::write(&hostile, format!("cposix\nsystem\n(S'touch {}'\ntR.", trace.display())).expect("writable");
    mvl_in(folder, &["registry", "register", "squares", "first"])
        .fails(1, &["\"extra.pth\" is refused", "\"posix\", \"system\"", "which was not done", "as safetensors"]);
    assert!(!trace.exists(), "something ran");
    fs::remove_file(&hostile).expect("removable");

    let changed = mvl_in(folder, &["registry", "diff", "squares/1", "squares/2"]).succeeds().stdout;
    assert!(changed.contains("card.metrics.test.accuracy"), "{changed}");

    let picture = "photos/dark/0.png";
    let by_path = mvl_in(folder, &["predict", "--model", "first", picture, "--json"]).succeeds().stdout;
    let by_name =
        mvl_in(folder, &["predict", "--model", "models:/squares@champion", picture, "--json"]).succeeds().stdout;
    assert_eq!(by_path, by_name);
    mvl_in(folder, &["predict", "--model", "models:/squares@nobody", picture])
        .fails(1, &["models:/squares@nobody", "nobody"]);
    let tuned = train(folder, &["--run-dir", "tuned", "--weights", "models:/squares/1", "--register", "squares"]);
    assert_eq!(tuned["registered"], "models:/squares/3");

    // Only what was signed by a key that is trusted.
    let key = mvl_in(folder, &["registry", "keygen", "lab.key", "--json"]).succeeds().json();
    fs::write(folder.join("trusted"), key["public"].as_str().expect("a key")).expect("writable");
    let trusting = [("MVL_TRUSTED_KEYS", "trusted")];
    let predict = ["predict", "--model", "models:/squares/1", picture];
    mvl_with(folder, &predict, &trusting).fails(1, &["it is not signed"]);
    mvl_in(folder, &["registry", "sign", "squares/1", "--key", "lab.key"]).succeeds();
    mvl_with(folder, &predict, &trusting).succeeds();
    mvl_in(folder, &["registry", "verify", "squares/1", "--trusted", "trusted"]).succeeds();
    mvl_in(folder, &["registry", "verify", "squares/2", "--trusted", "trusted"]).fails(1, &["not signed"]);
}
