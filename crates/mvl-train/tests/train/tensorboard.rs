//! Event files read back by PyPI's `tensorboard`.

use std::path::{Path, PathBuf};
use std::process::Command;

use mvl_core::{Flow, TrainingEvent, TrainingObserver, conformance};
use mvl_train::TensorBoard;
use serde_json::{Value, json};

/// The Python to ask, or `None` after saying why the test is skipped.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("MVL_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let import = Command::new(&python).args(["-c", "import tensorboard"]).output();
    if import.is_ok_and(|ran| ran.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {} cannot import tensorboard; set MVL_PYTHON to one that can", python.display());
    None
}

fn read(python: &Path, folder: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check_tensorboard.py");
    let ran = Command::new(python).arg(script).arg(folder).output().expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

#[test]
fn tensorboard_reads_every_kind() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut runs = 0;
    conformance::observer(|| {
        runs += 1;
        TensorBoard::new(folder.path().join(runs.to_string()))
    });
    let found = read(&python, &folder.path().join("1")); // the full run of the suite
    let scalars = &found["scalars"];
    assert_eq!(scalars["step/loss"], json!([[0, 0.5], [1, 0.5], [2, 0.5], [3, 0.5], [4, 0.5], [5, 0.5]]));
    assert_eq!(scalars["step/gradient_norm"], json!([[1, 0.5], [2, 0.5], [4, 0.5], [5, 0.5]]));
    assert_eq!(scalars["step/loss_scale"], json!([[2, 1024.0], [5, 1024.0]]));
    assert_eq!(scalars["step/learning_rate"][0], json!([0, f64::from(0.1_f32)]));
    assert_eq!(scalars["train/accuracy"], json!([[2, 0.5], [5, 0.5]]));
    assert_eq!(scalars["valid/accuracy"], json!([[2, 0.25], [5, 0.25]]));
    let images = found["images"].as_object().expect("pictures by tag");
    assert_eq!(images.keys().collect::<Vec<_>>(), ["samples", "confusion_matrix"]);
    assert!(images.values().all(|tag| tag[0][0] == 2 && tag[1][0] == 5 && tag[1][3] == true), "{images:?}");
    // 0.5 twice in three buckets between 0.5 and 0.5.
    let spread = json!([0, 0.5, 0.5, 2.0, 1.0, 0.5, [0.5, 0.5, 0.5], [2.0, 0.0, 0.0]]);
    assert_eq!(found["histograms"]["parameters/weight"][0], spread);
    let hparams = &found["hparams"];
    assert_eq!(
        hparams["settings"],
        json!({"train.epochs": 2.0, "train.optimizer.name": "sgd", "model.kind": "conformance"})
    );
    assert_eq!(hparams["names"], json!(["model.kind", "train.epochs", "train.optimizer.name"]));
    assert_eq!(hparams["figures"], json!(["train/loss", "train/accuracy", "valid/loss", "valid/accuracy"]));
    assert_eq!(hparams["status"], 1); // success

    let found = read(&python, &folder.path().join("5")); // the failed one
    assert_eq!((&found["hparams"]["status"], &found["hparams"]["figures"]), (&json!(2), &Value::Null));
}

#[test]
fn tensorboard_sees_no_step_twice_after_a_resume() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let settings = json!({});
    for (start_epoch, start_step, loss) in [(0, 0, 1.0), (1, 1, 2.0)] {
        let mut observer = TensorBoard::new(folder.path());
        let mut tell = |event: TrainingEvent<'_>| {
            assert_eq!(observer.update(&event).expect("writable"), Flow::Continue);
        };
        tell(TrainingEvent::RunStarted {
            epochs: 2,
            steps_per_epoch: 3,
            samples_per_epoch: 3,
            start_epoch,
            start_step,
            settings: &settings,
        });
        for global_step in start_epoch * 3 + start_step..6 {
            tell(TrainingEvent::StepFinished {
                epoch: global_step / 3,
                step: global_step % 3,
                global_step,
                loss,
                parts: &[],
                learning_rate: 0.1,
                samples: 1,
                gradient_norm: None,
                loss_scale: None,
                updated: true,
            });
        }
    }
    let found = read(&python, folder.path());
    let expected = json!([[0, 1.0], [1, 1.0], [2, 1.0], [3, 1.0], [4, 2.0], [5, 2.0]]);
    assert_eq!(found["scalars"]["step/loss"], expected);
}
