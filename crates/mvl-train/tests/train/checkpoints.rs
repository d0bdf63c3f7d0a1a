//! Checkpoints are whole saved models, and damage is told.

use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::store::ModuleRecord;
use mvl_core::{Cpu, MODEL_FILE, MonitorMode, Task, TrainingEvent, WEIGHTS_FILE};
use mvl_train::{
    BestBy, CheckpointConfig, CheckpointKind, Checkpointer, ScheduleConfig, TrainConfig, TrainError, Trained, Trainer,
    leaders,
};

use crate::tiny::*;

fn train(folder: &Path, resume: bool) -> Result<Trained<TinyNet>, TrainError> {
    train_with(config(2), folder, resume)
}

fn train_with(settings: TrainConfig, folder: &Path, resume: bool) -> Result<Trained<TinyNet>, TrainError> {
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), settings)?.with_run_dir(folder).with_resume(resume);
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
    assert_eq!(names(&folder.path().join("checkpoints")), ["best", "last", "last.1"]);
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
    // In the foreground, where none gives way to a later one.
    let checkpoints = CheckpointConfig { background: false, ..CheckpointConfig::default() };
    let mut trainer = Trainer::<Cpu, _>::new(task, TrainConfig { checkpoints, ..config(3) }).expect("valid settings");
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
    // Nothing else to go on from.
    fs::remove_dir_all(folder.path().join("checkpoints/best")).expect("there");
    fs::remove_dir_all(folder.path().join("checkpoints/last.1")).expect("there");
    for (name, damage, expected) in cases {
        let whole = original(name);
        fs::write(last.join(name), damage(whole.clone())).expect("writable");
        let error = train(folder.path(), true).expect_err(expected).to_string();
        fs::rename(folder.path().join("checkpoints/last.damaged"), &last).expect("set aside");
        assert!(error.starts_with("the checkpoint is damaged: ") && error.contains(expected), "{error}");
        assert!(error.ends_with(&format!("; {}", last.join(name).display())), "{error}");
        fs::write(last.join(name), whole).expect("writable");
    }
    fs::remove_file(last.join("optimizer.bpk")).expect("there");
    let error = train(folder.path(), true).expect_err("a file is missing").to_string();
    assert!(error.contains("the file is missing"), "{error}");
}

/// The run goes on from the one before, ends with the same weights, and says what happened.
#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trained = train(folder.path(), false).expect("trains");
    let last = folder.path().join("checkpoints/last");
    fs::write(last.join("weights.bpk"), b"torn").expect("writable");
    let notices = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = notices.clone();
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        if let TrainingEvent::Notice { message } = event {
            seen.lock().expect("not poisoned").push((*message).to_owned());
        }
        Ok(mvl_core::Flow::Continue)
    });
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), config(2)).expect("valid settings");
    trainer = trainer.with_run_dir(folder.path()).with_resume(true).with_observer(listener);
    let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
    let valid = TinyLoader::valid(&plain);
    let resumed = trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&valid)).expect("goes on");
    assert_eq!(bits(&resumed.model), bits(&trained.model));
    assert!(last.join("weights.bpk").metadata().expect("written again").len() > 100);
    assert!(folder.path().join("checkpoints/last.damaged").exists(), "nothing is thrown away");
    let notices = notices.lock().expect("not poisoned");
    assert_eq!(notices.len(), 1, "{notices:?}");
    for expected in ["passed over a checkpoint", "last.damaged", "weights.bpk is not what was written"] {
        assert!(notices[0].contains(expected), "{notices:?}");
    }
}

#[test]
fn so_many_of_the_latest_and_the_best_are_kept() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let by_loss = BestBy { metric: "loss".to_owned(), mode: MonitorMode::Min, keep: 3 };
    for background in [false, true] {
        let run = folder.path().join(format!("{background}"));
        let checkpoints = CheckpointConfig {
            keep: 3,
            keep_best: 2,
            best_by: vec![by_loss.clone()],
            background,
            ..Default::default()
        };
        let settings = TrainConfig { checkpoints, ..config(6) };
        let trained = train_with(settings, &run, false).expect("trains");
        let epoch = |name: &str| {
            let text = fs::read_to_string(run.join("checkpoints").join(name).join("state.json")).expect("there");
            let state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            state["state"]["history"].as_array().expect("a list").len() - 1
        };
        let mut last = vec![epoch("last"), epoch("last.1"), epoch("last.2")];
        if background {
            // Some may have given way to later ones, never the last.
            assert_eq!(last[0], 5);
        } else {
            assert_eq!(last, [5, 4, 3]);
        }
        last.dedup();
        assert_eq!(last.len(), 3);
        let best = leaders(&trained.history, &mvl_core::Monitor::max("accuracy"), 2);
        assert_eq!(vec![epoch("best"), epoch("best.1")], best);
        let lowest = leaders(&trained.history, &mvl_core::Monitor::min("loss"), 3);
        assert_eq!(vec![epoch("best-loss"), epoch("best-loss.1"), epoch("best-loss.2")], lowest);
        assert!(!run.join("checkpoints/last.3").exists() && !run.join("checkpoints/best.2").exists());
    }
}

/// What fails between steps leaves the weights whole, and they are saved.
#[test]
fn a_run_that_fails_for_its_data_loses_no_step() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = train(&folder.path().join("whole"), false).expect("trains");
    let run = folder.path().join("short");
    let mut trainer =
        Trainer::<Cpu, _>::new(TinyTask::default(), config(2)).expect("valid settings").with_run_dir(&run);
    let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
    let valid = TinyLoader::valid(&plain);
    let short = TinyLoader { missing: 2, ..TinyLoader::train(&autodiff) };
    let error = trainer.fit(TinyNet::new(&plain), &short, Some(&valid)).expect_err("two batches are missing");
    assert!(matches!(error, TrainError::BatchCount { .. }), "{error}");
    let text = fs::read_to_string(run.join("checkpoints/last/state.json")).expect("saved");
    let state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(state["state"]["step"], STEPS - 2);
    let resumed = train(&run, true).expect("goes on");
    assert_eq!(bits(&resumed.model), bits(&whole.model));
}

#[cfg(feature = "remote")]
#[test]
fn a_run_goes_on_from_its_mirror() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mirror = Some(format!("file://{}", folder.path().join("mirror").display()));
    let settings = |epochs| {
        let checkpoints = CheckpointConfig { mirror: mirror.clone(), ..CheckpointConfig::default() };
        TrainConfig { checkpoints, schedule: ScheduleConfig::constant(), ..config(epochs) }
    };
    let whole =
        train_with(TrainConfig { checkpoints: Default::default(), ..settings(4) }, &folder.path().join("whole"), false);
    train_with(settings(2), &folder.path().join("first"), false).expect("trains");
    let elsewhere = train_with(settings(4), &folder.path().join("second"), true).expect("goes on from the mirror");
    assert_eq!(elsewhere.history.len(), 4);
    assert_eq!(bits(&elsewhere.model), bits(&whole.expect("trains").model));
    let kept = fs::read_dir(folder.path().join("mirror/latest"))
        .expect("there")
        .filter(|entry| fs::read_dir(entry.as_ref().expect("readable").path()).expect("a folder").next().is_some());
    assert!((1..=2).contains(&kept.count()));
}

/// Nobody listens at the mirror's address: the run goes on meanwhile, and its own checkpoints are whole.
#[cfg(feature = "remote")]
#[test]
fn a_mirror_that_is_away_holds_nothing_up() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let checkpoints = CheckpointConfig {
        mirror: Some(format!("http://{closed}/runs")),
        every_steps: Some(1),
        stop_seconds: Some(0.2),
        ..CheckpointConfig::default()
    };
    let settings = TrainConfig { checkpoints, ..config(2) };
    let token = mvl_train::StopToken::new();
    let trainer = Trainer::<Cpu, _>::new(TinyTask::default(), settings).expect("valid settings");
    let last_step = 2 * STEPS - 1;
    let mut trainer = trainer
        .with_run_dir(folder.path())
        .with_stop(token.clone())
        .with_observer(StopAfter { global_step: last_step, token });
    let device = trainer.training_device().expect("there");
    let began = std::time::Instant::now();
    let error = trainer.fit(TinyNet::new(&device), &TinyLoader::train(&device), None).expect_err("not copied in time");
    assert!(error.to_string().contains("not written within 0.2 s"), "{error}");
    assert!(began.elapsed() < std::time::Duration::from_secs(15), "the store is asked for 20 s");
    let text = fs::read_to_string(folder.path().join("checkpoints/last/state.json")).expect("saved");
    let state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(state["state"]["step"], STEPS, "its own is there");
}

/// A place that cannot be written to is told, and ends the run only if its last checkpoint is not there.
#[test]
fn a_full_disk_does_not_end_a_run_at_once() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().to_owned();
    let block = move |event: &TrainingEvent<'_>| {
        let checkpoints = run.join("checkpoints");
        match event {
            // A file where the folder must go: what a full disk or a lost right does, done to any user.
            TrainingEvent::EpochStarted { epoch: 0 } => fs::write(checkpoints.join("last.new"), b"").expect("writable"),
            TrainingEvent::EpochStarted { epoch: 2 } => fs::remove_file(checkpoints.join("last.new")).expect("there"),
            _ => {}
        }
        Ok(mvl_core::Flow::Continue)
    };
    let settings =
        TrainConfig { checkpoints: CheckpointConfig { background: false, ..Default::default() }, ..config(3) };
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), settings).expect("valid settings");
    trainer = trainer.with_run_dir(folder.path()).with_observer(Listen(block));
    let device = trainer.training_device().expect("there");
    let trained = trainer.fit(TinyNet::new(&device), &TinyLoader::train(&device), None).expect("the last is written");
    let saved = Checkpointer::new(folder.path()).load_weights(CheckpointKind::Last, TinyNet::new(&device));
    assert_eq!(bits(&saved.expect("whole").expect("there")), bits(&trained.model));
}

#[test]
fn a_crash_between_the_renames_is_mended() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trained = train(folder.path(), false).expect("trains");
    let checkpoints = folder.path().join("checkpoints");
    fs::remove_dir_all(checkpoints.join("last.1")).expect("there");
    fs::rename(checkpoints.join("last"), checkpoints.join("last.1")).expect("there");
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
