//! From a folder of images to predictions, through the program alone.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use tempfile::tempdir;

use crate::program::{command, fixture, mvl, pictures, text};

#[test]
fn inspect_train_evaluate_predict_export() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 30);

    let sheet = folder.path().join("sheet.png");
    let parts = mvl(&["--json", "data", "inspect", text(&data), "--sheet", text(&sheet)]).succeeds().json();
    assert_eq!(parts[0]["images"], 60);
    assert_eq!(parts[0]["classes"]["dark"], 30);
    assert_eq!(parts[0]["sizes"]["12x10 rgb"], 60);
    assert!(sheet.is_file());

    let settings = ["--model", "resnet8", "--epochs", "3", "--batch-size", "8", "--learning-rate", "0.05"];
    let shape =
        ["--set", "model.options.width=0.25", "--set", "data.image_size=[16,16]", "--set", "data.validation=0.2"];
    let mut arguments = vec!["train", "--data", text(&data), "--run-dir", text(&run), "--json"];
    arguments.extend(settings);
    arguments.extend(shape);
    let summary = mvl(&arguments).succeeds().json();
    assert_eq!((summary["epochs"].as_u64(), summary["model"].as_str()), (Some(3), Some("resnet8")));
    assert_eq!(summary["stop_reason"]["kind"], "completed");
    for file in ["config.toml", "history.jsonl", "curves.svg", "summary.json", "checkpoints/best/model.json"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let resolved = std::fs::read_to_string(run.join("config.toml")).expect("readable");
    assert!(resolved.contains("batch_size = 8") && resolved.contains("learning_rate = 0.05"), "{resolved}");

    let evaluation = mvl(&["eval", "--model", text(&run), "--data", text(&data), "--json"]).succeeds().json();
    assert_eq!(evaluation["samples"], 60);
    assert!(evaluation["metrics"]["accuracy"].is_f64(), "{evaluation}");

    let photos = [data.join("dark/0.png"), data.join("light/0.png")];
    let answers = mvl(&["predict", "--json", "--top", "2", "--model", text(&run), text(&photos[0]), text(&photos[1])])
        .succeeds()
        .json();
    for (photo, answer) in photos.iter().zip(answers.as_array().expect("an array")) {
        assert_eq!(answer["path"], text(photo));
        let top = answer["top"].as_array().expect("an array");
        assert_eq!(top.len(), 2);
        let total: f64 = top.iter().filter_map(|class| class["probability"].as_f64()).sum();
        assert!((total - 1.0).abs() < 1e-5, "{answer}");
        assert!(top[0]["label"].is_string() && top[0]["index"].is_u64());
    }

    let weights = folder.path().join("weights.safetensors");
    mvl(&["models", "export", "--model", text(&run), text(&weights)]).succeeds();
    assert!(weights.is_file());
}

/// The task's name and options are the run's, and what was trained answers as its task says.
#[test]
fn tasks_by_name() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 10);
    let arguments = ["train", "--data", text(&data), "--run-dir", text(&run), "--json", "--model", "resnet8"];
    let small = ["--epochs", "2", "--set", "model.options.width=0.25", "--set", "data.image_size=[16,16]"];
    let task = ["--set", "task.name=multi_label", "--set", "task.loss={ name = \"asymmetric\", clip = 0.1 }"];
    let summary = mvl(&[&arguments[..], &small, &task].concat()).succeeds().json();
    assert!(summary["best"]["value"].is_f64(), "{summary}");
    let resolved = std::fs::read_to_string(run.join("config.toml")).expect("readable");
    assert!(resolved.contains("name = \"multi_label\"") && resolved.contains("clip = 0.1"), "{resolved}");

    let photo = data.join("dark/0.png");
    let answer = mvl(&["predict", "--json", "--model", text(&run), text(&photo)]).succeeds().json();
    let probabilities = answer[0]["top"].as_array().expect("an array").iter();
    let total: f64 = probabilities.filter_map(|class| class["probability"].as_f64()).sum();
    assert!((total - 1.0).abs() > 1e-5, "each class is a question of its own: {answer}");
    let evaluation = mvl(&["eval", "--model", text(&run), "--data", text(&data), "--json"]).succeeds().json();
    assert_eq!((&evaluation["samples"], &evaluation["classes"]), (&20.into(), &serde_json::json!([])));
    assert!(evaluation["metrics"]["mean_average_precision"].is_f64(), "{evaluation}");
    let matrix = folder.path().join("matrix.svg");
    let asked = ["eval", "--model", text(&run), "--data", text(&data), "--confusion-matrix", text(&matrix)];
    mvl(&asked)
        .fails(1, &["no confusion matrix: the images of a model for \"multi_label\" do not have one class each"]);
}

/// The config that a run writes down is one to train with again.
#[test]
fn order_and_strategies_by_name() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 10);
    let typed = folder.path().join("run.toml");
    let lines = format!(
        "
        [data]
        path = {data:?}
        batch_size = 8
        image_size = [16, 16]
        order = {{ weighted = {{ classes = {{ dark = 2.0 }} }} }}
        strategy = [\"memory_mapped\", {{ cached = {{ memory_mib = 8, decoded = true }} }}, {{ prefetch = {{}} }}, \"sequential\"]
        [[data.augment]]
        name = \"random_horizontal_flip\"
        [model]
        name = \"resnet8\"
        options = {{ width = 0.25 }}
        [train]
        epochs = 1
        "
    );
    std::fs::write(&typed, lines).expect("written");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    mvl(&["train", "--config", text(&typed), "--run-dir", text(&first)]).succeeds();
    let resolved = first.join("config.toml");
    mvl(&["train", "--config", text(&resolved), "--run-dir", text(&second)]).succeeds();
    let loss = |run: &std::path::Path| {
        let lines = std::fs::read_to_string(run.join("history.jsonl")).expect("a history");
        let line: serde_json::Value = serde_json::from_str(lines.lines().next().expect("an epoch")).expect("JSON");
        line["train"]["loss"].as_f64().expect("a loss").to_bits()
    };
    assert_eq!(loss(&first), loss(&second));

    let bad =
        ["--set", "data.strategy=[\"sequential\", \"memory_mapped\"]", "--set", "data.order.weighted.classes.dark=-1"];
    let arguments = ["train", "--config", text(&typed), bad[0], bad[1], bad[2], bad[3]];
    mvl(&arguments).fails(
        2,
        &[
            "data.order.classes.dark: expected at least 0, got -1",
            "data.strategy[0]: sequential and parallel make the items, so they come last",
        ],
    );
}

/// Ctrl-C in the middle of a run, then `--resume`: the history is that of a run that nobody interrupted.
#[test]
#[cfg(unix)]
fn interrupt_and_resume() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 60);
    let common = ["--data", text(&data), "--model", "resnet8", "--epochs", "6", "--batch-size", "4"];
    let shape = ["--set", "model.options.width=0.25", "--set", "data.image_size=[24,24]"];
    let train = |run: &std::path::Path| -> Vec<String> {
        let all = ["train"].into_iter().chain(common).chain(shape).chain(["--run-dir", text(run)]);
        all.map(str::to_owned).collect()
    };
    let (straight, broken) = (folder.path().join("straight"), folder.path().join("broken"));
    let arguments = train(&straight);
    mvl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).succeeds();

    let arguments = train(&broken);
    let mut child = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let seen = lines.by_ref().map_while(Result::ok).find(|line| line.contains("epoch 2/6"));
    assert!(seen.is_some(), "the run reported its second epoch");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest:?}");

    let resumed = mvl(&["train", "--resume", text(&broken), "--json"]).succeeds().json();
    assert_eq!(resumed["epochs"], 6);
    let losses = |run: &std::path::Path| -> Vec<String> {
        let history = std::fs::read_to_string(run.join("history.jsonl")).expect("readable");
        let epochs = history.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        epochs.map(|epoch| format!("{} {}", epoch["epoch"], epoch["valid"])).collect()
    };
    assert_eq!(losses(&broken), losses(&straight));
    let weights = |run: &std::path::Path| {
        let out = run.join("weights.safetensors");
        mvl(&["models", "export", "--model", text(&run.join("checkpoints/last")), text(&out)]).succeeds();
        std::fs::read(out).expect("readable")
    };
    assert!(weights(&broken) == weights(&straight), "resumed and uninterrupted weights differ");
}

#[test]
fn lists_are_json_for_machines_and_tables_for_people() {
    let models = mvl(&["models", "list", "--json"]).succeeds().json();
    let resnet18 = models.as_array().expect("an array").iter().find(|row| row["name"] == "resnet18").expect("resnet18");
    assert_eq!(resnet18["family"], "resnet");
    assert_eq!(resnet18["task"], "classification");
    assert_eq!(resnet18["parameters"], 11_689_512);
    assert!(mvl(&["models", "list"]).succeeds().stdout.contains("11,689,512"));

    let names = |arguments: &[&str]| {
        let rows = mvl(&[&["models", "list", "--json"], arguments].concat()).succeeds().json();
        let rows = rows.as_array().expect("an array").iter();
        rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["resnet1?", "--family", "resnet"]), ["resnet18"]);

    let summary = mvl(&["models", "summary", "resnet18", "--size", "64x96", "--in-channels", "1", "--json"]);
    let summary = summary.succeeds().json();
    assert_eq!(
        summary["parts"][0],
        serde_json::json!({
            "part": "stem",
            "output": [64, 32, 48],
            "parameters": 49 * 64 + 128,
            "multiply_adds": 49 * 64 * 32 * 48,
            "activation_mib": 0.375,
        })
    );
    assert!(mvl(&["models", "summary", "resnet18"]).succeeds().stdout.contains("1,814,073,344"));

    let doctor = mvl(&["doctor", "--json"]).succeeds().json();
    let backends = doctor["backends"].as_array().expect("an array");
    assert!(backends.iter().any(|backend| backend["name"] == "cpu" && backend["devices"] == 1));
    assert!(doctor["threads"].as_u64().is_some_and(|threads| threads > 0));
    let resources = &doctor["resources"];
    assert!(resources["memory_budget_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    assert_eq!(resources["threads"].as_array().map(Vec::len), Some(3));
    assert!(resources["shared"]["folder"].is_string());
}

#[test]
fn help_says_how_to_begin() {
    let help = mvl(&["--help"]).succeeds().stdout;
    for verb in ["train", "eval", "predict", "models", "data", "demo", "doctor"] {
        assert!(help.contains(verb), "{help}");
        assert!(mvl(&[verb, "--help"]).succeeds().stdout.contains("Usage:"));
    }
    assert!(help.contains("Exit codes"), "{help}");
}

#[test]
fn the_demo_goes_all_the_way() {
    let folder = tempdir().expect("a folder");
    let out = folder.path().join("demo");
    let summary = mvl(&["demo", "--epochs", "1", "--out", text(&out), "--json"]).succeeds().json();
    assert!(summary["test_accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.5), "{summary}");
    assert!(summary["train_seconds"].is_f64() && summary["model"] == "resnet14");
    for picture in ["curves", "confusion_matrix", "mistakes"] {
        let path = summary[picture].as_str().expect("a path");
        assert!(std::fs::metadata(path).is_ok_and(|file| file.len() > 1000), "{path}");
    }
    // A photograph that no model of clothes has seen still gets an answer.
    let photo = fixture("mvl-data/tests/fixtures/resize/source.png");
    mvl(&["predict", "--model", text(&out), text(&photo)]).succeeds();
}

#[test]
fn a_validation_folder_is_used_for_validation_and_the_test_folder_for_the_test() {
    let folder = tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    for (part, per_class) in [("train", 12), ("val", 3), ("test", 5)] {
        pictures(&data.join(part), per_class);
    }
    let parts = mvl(&["data", "inspect", text(&data), "--json"]).succeeds().json();
    let counts: Vec<_> = parts
        .as_array()
        .expect("an array")
        .iter()
        .map(|part| (part["split"].clone(), part["images"].clone()))
        .collect();
    assert_eq!(counts, [("train".into(), 24.into()), ("valid".into(), 6.into()), ("test".into(), 10.into())]);

    let small = [
        "--model",
        "resnet8",
        "--epochs",
        "1",
        "--set",
        "model.options.width=0.25",
        "--set",
        "data.image_size=[12,12]",
    ];
    let mut arguments = vec!["train", "--json", "--data", text(&data), "--run-dir", text(&run)];
    arguments.extend(small);
    let summary = mvl(&arguments).succeeds().json();
    assert!(summary["test"]["accuracy"].is_f64() && summary["test_skipped"] == 0, "{summary}");
    let history = std::fs::read_to_string(run.join("history.jsonl")).expect("readable");
    let epoch: serde_json::Value = serde_json::from_str(history.trim()).expect("one line");
    assert_eq!(epoch["samples"], 24, "all of the training folder is trained on: {epoch}");
    assert!(epoch["valid"]["accuracy"].is_f64(), "{epoch}");
}
