//! Checkpoints are whole saved models, and damage is told.

use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::store::ModuleRecord;
use mvl_core::{Cpu, MODEL_FILE, Task, TrainingEvent, WEIGHTS_FILE};
use mvl_train::{CheckpointKind, Checkpointer, TrainError, Trained, Trainer};

use crate::tiny::*;

fn train(folder: &Path, resume: bool) -> Result<Trained<TinyNet>, TrainError> {
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), config(2))?.with_run_dir(folder).with_resume(resume);
    let (plain, autodiff) = (trainer.device()?, trainer.training_device()?);
    trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain)))
}

#[test]
fn each_checkpoint_is_a_complete_saved_model() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trained = train(folder.path(), false).expect("trains");
    let checkpoints = Checkpointer::new(folder.path());
    assert_eq!(checkpoints.path(CheckpointKind::Last), folder.path().join("checkpoints/last"));
    for kind in [CheckpointKind::Last, CheckpointKind::Best] {
        let path = checkpoints.path(kind);
        let described: serde_json::Value =
            serde_json::from_slice(&fs::read(path.join(MODEL_FILE)).expect("there")).expect("JSON");
        assert_eq!(described, TinyTask::default().describe());
    }
    // Without our own code, as another program would.
    let device = trained.model.devices().remove(0);
    let record = ModuleRecord::load(checkpoints.path(CheckpointKind::Last).join(WEIGHTS_FILE)).expect("burn's format");
    let model = TinyNet::new(&device).try_load_record(record).expect("all weights are there");
    assert_eq!(bits(&model), bits(&trained.model));
    // With nothing else lying around.
    let names = |path: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(path).expect("there").map(|entry| entry.expect("readable").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folder.path().join("checkpoints")), ["best", "last"]);
    assert_eq!(
        names(&folder.path().join("checkpoints/best")),
        ["model.json", "optimizer.bpk", "state.json", "weights.bpk"]
    );
}

#[test]
fn the_best_is_that_of_the_best_epoch() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let saved = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = saved.clone();
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        if let TrainingEvent::CheckpointSaved { epoch, best, .. } = event {
            seen.lock().expect("not poisoned").push((*epoch, *best));
        }
        Ok(mvl_core::Flow::Continue)
    });
    // Whoever likes a large loss finds the best epoch early.
    let task = TinyTask { monitor: mvl_core::Monitor::max("loss"), ..TinyTask::default() };
    let mut trainer = Trainer::<Cpu, _>::new(task, config(3)).expect("valid settings");
    trainer = trainer.with_run_dir(folder.path()).with_observer(listener);
    let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
    let trained = trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain)));
    let trained = trained.expect("trains");
    let best = trained.best.expect("there was validation");
    let saved = saved.lock().expect("not poisoned").clone();
    assert_eq!(saved.iter().rfind(|(_, best)| *best), Some(&(best.epoch, true)));
    assert_eq!(saved.iter().filter(|(_, best)| !best).map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [0, 1, 2]);
    let checkpoints = Checkpointer::new(folder.path());
    let load = |kind| bits(&checkpoints.load_weights(kind, TinyNet::new(&plain)).expect("whole").expect("there"));
    assert_ne!(load(CheckpointKind::Best), load(CheckpointKind::Last));
}

#[test]
fn damage_is_told_with_the_file() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(folder.path(), false).expect("trains");
    let last = folder.path().join("checkpoints/last");
    let original = |name: &str| fs::read(last.join(name)).expect("there");
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let cases: [(&str, Damage, &str); 7] = [
        ("weights.bpk", |bytes| bytes[..bytes.len() / 2].to_vec(), "weights.bpk is not what was written"),
        (
            "weights.bpk",
            |mut bytes| {
                *bytes.last_mut().expect("not empty") ^= 1;
                bytes
            },
            "with another checksum",
        ),
        ("weights.bpk", |bytes| [bytes, vec![0]].concat(), "expected at most"),
        ("optimizer.bpk", |_| Vec::new(), "optimizer.bpk is not what was written"),
        ("state.json", |bytes| bytes[..bytes.len() / 2].to_vec(), "EOF while parsing"),
        ("state.json", |_| b"{}".to_vec(), "missing field `version`"),
        ("state.json", |_| br#"{"version": 9}"#.to_vec(), "expected layout version 1, got 9"),
    ];
    for (name, damage, expected) in cases {
        let whole = original(name);
        fs::write(last.join(name), damage(whole.clone())).expect("writable");
        let error = train(folder.path(), true).expect_err(expected).to_string();
        assert!(error.starts_with("the checkpoint is damaged: ") && error.contains(expected), "{error}");
        assert!(error.ends_with(&format!("; {}", last.join(name).display())), "{error}");
        fs::write(last.join(name), whole).expect("writable");
    }
    fs::remove_file(last.join("optimizer.bpk")).expect("there");
    let error = train(folder.path(), true).expect_err("a file is missing").to_string();
    assert!(error.contains("the file is missing"), "{error}");
}

#[test]
fn a_crash_between_the_renames_is_mended() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trained = train(folder.path(), false).expect("trains");
    let checkpoints = folder.path().join("checkpoints");
    fs::rename(checkpoints.join("last"), checkpoints.join("last.old")).expect("there");
    let resumed = train(folder.path(), true).expect("mended");
    assert_eq!(bits(&resumed.model), bits(&trained.model));
}

#[test]
fn weights_of_another_model_are_told() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trained = train(folder.path(), false).expect("trains");
    let device = trained.model.devices().remove(0);
    let wider = TinyNet::with_channels(5, &device);
    let error = Checkpointer::new(folder.path()).load_weights(CheckpointKind::Last, wider).expect_err("other shapes");
    assert!(error.to_string().starts_with("the saved weights do not fit the model; "), "{error}");
    assert!(error.full_message().contains("conv.weight: shape mismatch"), "{}", error.full_message());
}

#[test]
fn an_earlier_run_is_not_overwritten_by_accident() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(folder.path(), false).expect("trains");
    let error = train(folder.path(), false).expect_err("there is a run").to_string();
    assert!(error.starts_with("the run folder already holds checkpoints: resume it, overwrite it, or"), "{error}");
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), config(1)).expect("valid settings");
    trainer = trainer.with_run_dir(folder.path()).with_overwrite(true);
    let device = trainer.training_device().expect("there");
    trainer.fit(TinyNet::new(&device), &TinyLoader::train(&device), None).expect("trains");
    assert!(!folder.path().join("checkpoints/best").exists(), "the old best is gone");
}
