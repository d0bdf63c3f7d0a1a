//! Observers that a recipe asks for.

use std::path::Path;

use tempfile::tempdir;

use crate::program::{mvl, pictures, text};

const LOCAL: &str = r#"
[observers]
csv = true
tensorboard = { every_steps = 2 }
throughput = true
learning_rate = true
confusion_matrix = true
predicted_samples = { count = 4 }
nan_guard = { patience = 1, explosion = 10.0 }
dashboard = true
prometheus = "127.0.0.1:0"
"#;

fn recipe(folder: &Path, observers: &str) -> String {
    let (data, file) = (folder.join("data"), folder.join("recipe.toml"));
    pictures(&data, 12);
    let head = format!(
        "[data]\npath = {:?}\nbatch_size = 8\nimage_size = [16, 16]\nvalidation = 0.25\n[model]\nname = \"resnet8\"\n\
         [model.options]\nwidth = 0.25\n[train]\nepochs = 2\n",
        text(&data)
    );
    std::fs::write(&file, head + observers).expect("writable");
    text(&file).to_owned()
}

#[test]
fn all_local_observers_write_their_files_and_may_change_at_a_resume() {
    let folder = tempdir().expect("a folder");
    let (config, run) = (recipe(folder.path(), LOCAL), folder.path().join("run"));
    let asked = ["train", "--config", &config, "--run-dir", text(&run), "--stop-after", "1", "--no-test"];
    mvl(&asked).succeeds();
    let files = [
        "history.jsonl",
        "curves.svg",
        "metrics.csv",
        "throughput.jsonl",
        "learning_rate.csv",
        "learning_rate.svg",
        "confusion_matrix.svg",
        "confusion_matrix.json",
        "confusion_matrix.csv",
        "samples/epoch-0000.png",
    ];
    for file in files {
        assert!(std::fs::metadata(run.join(file)).is_ok_and(|file| file.len() > 0), "{file}");
    }
    let events: Vec<_> = std::fs::read_dir(run.join("tensorboard")).expect("a folder").flatten().collect();
    assert_eq!(events.len(), 1);
    let settings = std::fs::read(events[0].path()).expect("readable");
    let settings = String::from_utf8_lossy(&settings).into_owned();
    assert!(
        settings.contains("batch_size") && !settings.contains("prometheus"),
        "the run's settings, not its observers"
    );

    // The resolved config has them in full, and is read again.
    let resolved = std::fs::read_to_string(run.join("config.toml")).expect("readable");
    assert!(resolved.contains("[observers.tensorboard]\nevery_steps = 2"), "{resolved}");
    let fewer = ["--set", "observers.throughput=false", "--set", "observers.predicted_samples=false"];
    mvl(&[&["train", "--resume", text(&run), "--no-test"][..], &fewer].concat()).succeeds();
    let lines = |file: &str| std::fs::read_to_string(run.join(file)).expect("readable").lines().count();
    assert_eq!(lines("metrics.csv"), 3, "a heading and two epochs");
    assert!(!run.join("samples/epoch-0001.png").exists());
}

#[test]
fn mistakes_are_listed_with_all_others() {
    let folder = tempdir().expect("a folder");
    let observers = r#"
        [observers]
        cvs = true
        tensorboard = { every_stepz = 10 }
        throughput = "fast"
        nan_guard = { explosion = 0.5 }
        mlflow = { uri = "http://me:secret@host" }
        webhook = { url = "http://127.0.0.1:9/", events = ["run_ended"] }
    "#;
    let config = recipe(folder.path(), observers);
    let ran = mvl(&["train", "--config", &config, "--run-dir", text(&folder.path().join("run"))]);
    ran.fails(
        2,
        &[
            "the config has 6 problems",
            "observers.cvs: unknown field `cvs`, expected one of `csv`",
            "observers.tensorboard.every_stepz: unknown field `every_stepz`, expected `every_steps`",
            "observers.throughput: invalid type: string \"fast\", expected true, false or a table of options",
            "observers.nan_guard.explosion: expected a number above 1, got 0.5",
            "observers.mlflow.uri: user and password do not belong in a recipe",
            "observers.webhook.events[0]: unknown variant `run_ended`, expected one of `run_started`",
        ],
    );
    assert!(!ran.stderr.contains("secret"));
    assert!(!folder.path().join("run").exists(), "nothing is written");
}

#[test]
fn a_port_in_use_is_told_before_the_run() {
    let folder = tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let config = recipe(folder.path(), &format!("[observers]\nprometheus = \"{address}\"\n"));
    let ran = mvl(&["train", "--config", &config, "--run-dir", text(&folder.path().join("run"))]);
    ran.fails(1, &["cannot watch the run as [observers] asks", &address.to_string()]);
    assert!(!folder.path().join("run").exists(), "nothing is written");
}
