//! Runs recorded by a real MLflow server and read back by MLflow's own client (`scripts/check_mlflow.py`).

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use mvl_core::{Cpu, Flow, StopReason, TrainingEvent, TrainingObserver};
use mvl_train::{Curves, History, RunLogger, Trainer};
use serde_json::{Map, Value, json};

use super::run::{self, Told};
use crate::tiny::*;

/// The server and the Python with its client; what is not there is named on standard error.
fn real() -> Option<(String, String)> {
    let variable = |name: &str| {
        let value = std::env::var(name).ok();
        if value.is_none() {
            eprintln!("skipped: {name} is not set; run scripts/with_trackers.sh");
        }
        value
    };
    Some((variable("MVL_TEST_MLFLOW_URI")?, variable("MVL_TEST_MLFLOW_PYTHON")?))
}

/// What a run must look like.
#[derive(Default)]
struct Expected {
    status: &'static str,
    params: Map<String, Value>,
    /// By name: steps and values.
    metrics: Map<String, Value>,
    /// Files that must be there with these bytes, below this folder.
    files: Vec<(String, Vec<u8>)>,
    /// Pictures that must be there with these pixels.
    pictures: Vec<Value>,
    /// Files that must be there, whatever is in them.
    there: Vec<String>,
}

impl Expected {
    fn add(&mut self, metric: &str, step: usize, value: f64) {
        let value = if value.is_nan() { json!("NaN") } else { json!(value) };
        let list = self.metrics.entry(metric).or_insert_with(|| json!([]));
        list.as_array_mut().expect("a list").push(json!([step, value]));
    }

    fn check(self, uri: &str, python: &str, logger_state: &Value) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, bytes) in &self.files {
            let path = folder.path().join("files").join(path);
            fs::create_dir_all(path.parent().expect("below a folder")).expect("writable");
            fs::write(path, bytes).expect("writable");
        }
        let expected = json!({
            "run_id": logger_state["run_id"], "status": self.status, "params": self.params, "metrics": self.metrics,
            "files": self.files.iter().map(|(path, _)| path).collect::<Vec<_>>(), "pictures": self.pictures,
            "there": self.there,
        });
        let file = folder.path().join("expected.json");
        fs::write(&file, expected.to_string()).expect("writable");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check_mlflow.py");
        let output = Command::new(python).arg(script).arg(uri).arg(&file).output().expect("Python runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        println!("{}", said.trim());
    }
}

/// Settings as parameters, written a second time so that the first is tested.
fn flat(path: &str, value: &Value, params: &mut Map<String, Value>) {
    let text = match value {
        Value::Object(fields) => {
            let join = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
            return fields.iter().for_each(|(field, value)| flat(&join(field), value, params));
        }
        Value::String(text) => text.chars().take(6_000).collect(),
        other => other.to_string(),
    };
    params.insert(path.to_owned(), json!(text));
}

fn logger(uri: &str, told: &Told) -> RunLogger {
    RunLogger::mlflow(uri)
        .expect("an address")
        .with_experiment("mvl's tests")
        .with_every_steps(1)
        .with_notices(told.listener())
}

#[test]
fn made_up_runs_come_back_as_they_were() {
    let Some((uri, python)) = real() else { return };
    let told = Told::default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkpoint = folder.path().join("best");
    let weights: Vec<u8> = (0..3_000_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::create_dir(&checkpoint).and_then(|()| fs::write(checkpoint.join("weights.bpk"), &weights)).expect("writable");
    let mut observer = logger(&uri, &told).with_run_name("made up").with_best_checkpoint(true);
    run::whole(&mut observer, &checkpoint).expect("recorded");
    let cut = "mlflow: long parameters were cut, config.json has all: model.description";
    assert_eq!(told.all(), [cut], "nothing else is told");

    let mut expected = Expected { status: "FINISHED", ..Expected::default() };
    flat("", &run::settings(), &mut expected.params);
    for step in 0..100 {
        for (metric, value) in
            [("loss", run::loss(step)), ("loss_box", 0.25), ("learning_rate", 0.1), ("gradient_norm", 2.0)]
        {
            expected.add(metric, step, value);
        }
    }
    for epoch in 0..2 {
        for (name, value) in run::validation(epoch).iter() {
            expected.add(&format!("valid_{}", name.replace('@', "_")), epoch, value);
        }
        for (name, value) in [("train_loss", 0.6), ("epoch_seconds", 3.0), ("samples_per_second", 100.0)] {
            expected.add(name, epoch, value);
        }
        let picture = run::picture();
        let path = format!("samples/epoch_{epoch:04}/000.png");
        expected.pictures.push(json!({"path": path, "width": 8, "height": 6, "pixels": picture.pixels()}));
        expected.there.push(format!("samples/epoch_{epoch:04}/predictions.json"));
    }
    let matrix = json!({"labels": ["cat", "dog"], "counts": [[2, 1], [0, 1]]}).to_string();
    expected.files.push(("checkpoints/best/weights.bpk".to_owned(), weights));
    expected.files.push(("confusion_matrix.json".to_owned(), matrix.into_bytes()));
    expected.files.push(("config.json".to_owned(), format!("{:#}\n", run::settings()).into_bytes()));
    expected.files.push(("notices.txt".to_owned(), b"made up: a notice\nmade up: a notice\n".to_vec()));
    expected.there.push("confusion_matrix.svg".to_owned());
    expected.check(&uri, &python, &observer.state().expect("a run id"));
}

#[test]
fn an_interrupted_run_goes_on_and_a_failed_one_says_why() {
    let Some((uri, python)) = real() else { return };
    let told = Told::default();
    let mut first = logger(&uri, &told);
    run::start(&mut first, 0).expect("begun");
    (0..70).for_each(|number| run::step(&mut first, number).expect("kept"));
    run::finish(&mut first, &StopReason::Interrupted).expect("recorded");
    let state = first.state().expect("a run id");
    let mut expected = Expected { status: "KILLED", ..Expected::default() };
    (0..70).for_each(|step| expected.add("loss", step, run::loss(step)));
    expected.check(&uri, &python, &state);

    let mut second = logger(&uri, &told);
    second.restore(&state).expect("a state of its own");
    run::start(&mut second, 1).expect("begun");
    (50..100).for_each(|number| run::step(&mut second, number).expect("kept"));
    second.update(&TrainingEvent::RunFailed { error: "on purpose" }).map(drop).expect("recorded");
    assert_eq!(second.state(), Some(state.clone()), "the same run");
    let mut expected = Expected { status: "FAILED", ..Expected::default() };
    flat("", &run::settings(), &mut expected.params);
    (0..100).for_each(|step| expected.add("loss", step, run::loss(step)));
    expected.check(&uri, &python, &state);
}

#[test]
fn a_trained_model_is_recorded_with_its_files() {
    let Some((uri, python)) = real() else { return };
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (history, curves) = (folder.path().join("history.jsonl"), folder.path().join("curves.svg"));
    let seen = Arc::new(Mutex::new((Vec::new(), Value::Null)));
    let keep = seen.clone();
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        let mut seen = keep.lock().expect("not poisoned");
        match *event {
            TrainingEvent::RunStarted { settings, .. } => seen.1 = settings.clone(),
            TrainingEvent::StepFinished { global_step, loss, .. } => seen.0.push((global_step, loss)),
            _ => {}
        }
        Ok(Flow::Continue)
    });
    let told = Told::default();
    let shared = Arc::new(Mutex::new(logger(&uri, &told).with_file(&history).with_file(&curves)));
    let through = shared.clone();
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), config(3))
        .expect("settings")
        .with_observer(listener)
        .with_observer(History::new(&history))
        .with_observer(Curves::new(&curves))
        .with_observer(Listen(move |event: &TrainingEvent<'_>| through.lock().expect("not poisoned").update(event)));
    let (plain, autodiff) = (trainer.device().expect("a CPU"), trainer.training_device().expect("a CPU"));
    let trained = trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain)));
    let trained = trained.expect("trains");
    assert_eq!(told.all(), [""; 0]);

    let mut expected = Expected { status: "FINISHED", ..Expected::default() };
    let (steps, settings) = seen.lock().expect("not poisoned").clone();
    flat("", &settings, &mut expected.params);
    steps.iter().for_each(|(step, loss)| expected.add("loss", *step, *loss));
    for epoch in &trained.history {
        epoch.train.iter().for_each(|(name, value)| expected.add(&format!("train_{name}"), epoch.epoch, value));
        let valid = epoch.valid.as_ref().expect("validated");
        valid.iter().for_each(|(name, value)| expected.add(&format!("valid_{name}"), epoch.epoch, value));
    }
    for path in [&history, &curves] {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        expected.files.push((name, fs::read(path).expect("written")));
    }
    let state = shared.lock().expect("not poisoned").state().expect("a run id");
    expected.check(&uri, &python, &state);
}
