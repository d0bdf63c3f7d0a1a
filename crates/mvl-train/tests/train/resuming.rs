//! Interrupted anywhere and resumed is the same, bit for bit, as never interrupted.

use std::path::Path;

use mvl_core::{Backend, Cpu, Metrics, ModelEmaConfig, Monitor, ParameterGroupsConfig, Precision, StopReason};
use mvl_train::{
    CheckpointConfig, CheckpointKind, Checkpointer, EarlyStoppingConfig, EpochSummary, FreezeConfig, History,
    LookAheadConfig, LossScaleConfig, OptimizerConfig, PlateauSchedule, ScheduleShape, SharpnessConfig, StopToken,
    SwaConfig, TrainConfig, TrainError, Trained, Trainer,
};

use crate::tiny::*;

const EPOCHS: usize = 2;

fn run<B: Backend>(
    folder: &Path,
    settings: TrainConfig,
    stop_after: Option<usize>,
) -> Result<Trained<TinyNet>, TrainError> {
    let token = StopToken::new();
    let mut trainer = Trainer::<B, _>::new(TinyTask::default(), settings)?
        .with_run_dir(folder)
        .with_resume(true)
        .with_stop(token.clone())
        .with_observer(History::new(folder.join("history.jsonl")));
    if let Some(global_step) = stop_after {
        trainer = trainer.with_observer(StopAfter { global_step, token });
    }
    let (plain, autodiff) = (trainer.device()?, trainer.training_device()?);
    let (train, valid) = (TinyLoader::train(&autodiff), TinyLoader::valid(&plain));
    trainer.fit(TinyNet::new(&plain), &train, Some(&valid))
}

/// The figures that do not depend on the clock.
fn figures(history: &[EpochSummary]) -> Vec<(usize, Metrics, Option<Metrics>, f64)> {
    history.iter().map(|epoch| (epoch.epoch, epoch.train.clone(), epoch.valid.clone(), epoch.learning_rate)).collect()
}

fn resumes_exactly<B: Backend>(settings: &TrainConfig, steps_per_epoch: usize, steps: impl Iterator<Item = usize>) {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let unbroken = run::<B>(&folder.path().join("unbroken"), settings.clone(), None).expect("trains");
    for step in steps {
        let path = folder.path().join(format!("broken-{step}"));
        let broken = run::<B>(&path, settings.clone(), Some(step)).expect("stops cleanly");
        let expected = if step + 1 == EPOCHS * steps_per_epoch { EPOCHS - 1 } else { (step + 1) / steps_per_epoch };
        assert_eq!(broken.stop_reason, StopReason::Interrupted, "step {step}");
        assert!(broken.history.len() <= expected, "step {step}");

        let resumed = run::<B>(&path, settings.clone(), None).expect("goes on");
        assert_eq!(resumed.stop_reason, StopReason::Completed);
        assert_eq!(bits(&resumed.model), bits(&unbroken.model), "weights differ after a stop at step {step}");
        assert_eq!(
            figures(&resumed.history),
            figures(&unbroken.history),
            "history differs after a stop at step {step}"
        );
        assert_eq!(resumed.best, unbroken.best);
        let lines = History::read(path.join("history.jsonl")).expect("readable");
        assert_eq!(lines.iter().map(|line| line.epoch).collect::<Vec<_>>(), [0, 1]);
        let best = |path: &Path| {
            let device = B::device(0).expect("there");
            let loaded = Checkpointer::new(path).load_weights(CheckpointKind::Best, TinyNet::new(&device));
            bits(&loaded.expect("whole").expect("there"))
        };
        assert_eq!(best(&path), best(&folder.path().join("unbroken")), "best differs after a stop at step {step}");
    }
}

#[test]
fn resumes_exactly_on_cpu_after_any_step() {
    resumes_exactly::<Cpu>(&config(EPOCHS), STEPS, 0..EPOCHS * STEPS);
}

/// Whatever has a state of its own, in turn.
#[test]
fn resumes_exactly_with_all_that_is_wrapped_around_an_optimizer() {
    let ema = ModelEmaConfig { decay: 0.9, ..ModelEmaConfig::default() };
    let clipped = LossScaleConfig { initial: 1e9, growth_interval: 3, ..LossScaleConfig::default() };
    let freeze = |until_epoch| FreezeConfig { pattern: "linear".to_owned(), until_epoch };
    for settings in [
        TrainConfig { look_ahead: Some(LookAheadConfig { every: 3, alpha: 0.5 }), ..config(EPOCHS) },
        TrainConfig { sharpness: Some(SharpnessConfig::default()), ..config(EPOCHS) },
        TrainConfig { swa: Some(SwaConfig { start_epoch: 0, statistics_batches: None }), ..config(EPOCHS) },
        TrainConfig { parameter_groups: Some(ParameterGroupsConfig::default()), ema: Some(ema), ..config(EPOCHS) },
        TrainConfig { freeze: vec![freeze(Some(1))], ..config(EPOCHS) },
        TrainConfig { gradient_checkpointing: true, ..config(EPOCHS) },
        TrainConfig { precision: Precision::Bf16, keep_f32: vec!["linear".to_owned()], ..config(EPOCHS) },
        TrainConfig { precision: Precision::F16, loss_scale: clipped, ..config(EPOCHS) },
    ] {
        resumes_exactly::<Cpu>(&settings, STEPS, [0, STEPS - 1, STEPS + 2].into_iter());
    }
}

#[test]
fn resumes_exactly_with_averages_and_accumulation() {
    let ema = ModelEmaConfig { decay: 0.9, warmup: true, ..ModelEmaConfig::default() };
    let settings = TrainConfig { gradient_accumulation: 4, ema: Some(ema), ..config(EPOCHS) };
    let steps_per_epoch = STEPS.div_ceil(4);
    resumes_exactly::<Cpu>(&settings, steps_per_epoch, 0..EPOCHS * steps_per_epoch);
}

fn every_two_steps() -> CheckpointConfig {
    CheckpointConfig { every_steps: Some(2), ..CheckpointConfig::default() }
}

/// What a killed run leaves is its last checkpoint within the epoch.
#[test]
fn goes_on_from_a_checkpoint_within_an_epoch() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = TrainConfig { checkpoints: every_two_steps(), ..config(EPOCHS) };
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let unbroken = run::<Cpu>(&whole, settings.clone(), None).expect("trains");
    let mut poisoned =
        Trainer::<Cpu, _>::new(TinyTask::default(), settings.clone()).expect("valid").with_run_dir(&killed);
    let device = poisoned.training_device().expect("there");
    let train = TinyLoader { poison: Some((1, 3)), ..TinyLoader::train(&device) };
    poisoned.fit(TinyNet::new(&device), &train, None).expect_err("a NaN");
    let resumed = run::<Cpu>(&killed, settings, None).expect("goes on");
    assert_eq!(bits(&resumed.model), bits(&unbroken.model));
}

#[cfg(feature = "ndarray")]
#[test]
fn resumes_exactly_on_ndarray() {
    resumes_exactly::<mvl_core::NdArray>(&config(EPOCHS), STEPS, [STEPS + 1].into_iter());
}

#[test]
fn a_finished_run_is_not_trained_further_unless_it_is_given_more_epochs() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = run::<Cpu>(folder.path(), config(1), None).expect("trains");
    let again = run::<Cpu>(folder.path(), config(1), None).expect("has nothing to do");
    assert_eq!((bits(&again.model), again.stop_reason), (bits(&first.model), StopReason::Completed));
    let longer = run::<Cpu>(folder.path(), config(2), None).expect("goes on");
    assert_eq!(longer.history.len(), 2);
    assert_eq!(figures(&longer.history)[0], figures(&first.history)[0]);
}

#[test]
fn early_stopping_remembers_across_a_resume() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    // No epoch improves by that much, so the second epoch without improvement ends the run.
    let early_stopping = Some(EarlyStoppingConfig { patience: 2, min_delta: 10.0 });
    let settings = TrainConfig { early_stopping, ..config(9) };
    let broken = run::<Cpu>(folder.path(), settings.clone(), Some(2 * STEPS)).expect("stops cleanly");
    assert_eq!(broken.history.len(), 2);
    for _ in 0..2 {
        let resumed = run::<Cpu>(folder.path(), settings.clone(), None).expect("stops early");
        assert_eq!(resumed.history.len(), 3);
        assert!(matches!(&resumed.stop_reason, StopReason::Observer { name, .. } if name == "early stopping"));
    }
}

#[test]
fn every_optimizer_resumes_exactly() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let every = [
        r#"{"name": "sgd", "momentum": 0.9, "nesterov": true}"#,
        r#"{"name": "adam", "amsgrad": true}"#,
        r#"{"name": "adamw", "amsgrad": true, "cautious": true}"#,
        r#"{"name": "adagrad", "learning_rate_decay": 0.1}"#,
        r#"{"name": "rmsprop", "momentum": 0.9, "centered": true, "epsilon": 1e-3}"#,
        r#"{"name": "adan"}"#,
        r#"{"name": "lamb"}"#,
        r#"{"name": "lion"}"#,
        r#"{"name": "adafactor"}"#,
        r#"{"name": "muon"}"#,
    ];
    for (number, settings) in every.into_iter().enumerate() {
        let optimizer: OptimizerConfig = serde_json::from_str(settings).expect("an optimiser");
        let settings = TrainConfig { optimizer, ..config(EPOCHS) };
        let path = |name: &str| folder.path().join(format!("{name}-{number}"));
        let unbroken = run::<Cpu>(&path("unbroken"), settings.clone(), None).expect("trains");
        run::<Cpu>(&path("broken"), settings.clone(), Some(STEPS / 2)).expect("stops cleanly");
        let resumed = run::<Cpu>(&path("broken"), settings.clone(), None).expect("goes on");
        assert_eq!(bits(&resumed.model), bits(&unbroken.model), "{settings:?}");
        assert_eq!(figures(&resumed.history), figures(&unbroken.history), "{settings:?}");
    }
}

#[test]
fn a_plateau_goes_on_where_it_was() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plateau = PlateauSchedule {
        monitor: Some(Monitor::max("accuracy")),
        patience: 0,
        factor: 0.5,
        threshold: 1.0, // twice the best: no epoch but the first improves
        ..PlateauSchedule::default()
    };
    let settings = TrainConfig { schedule: ScheduleShape::Plateau(plateau).into(), ..config(4) };
    let unbroken = run::<Cpu>(&folder.path().join("unbroken"), settings.clone(), None).expect("trains");
    let rates: Vec<f64> = unbroken.history.iter().map(|epoch| epoch.learning_rate).collect();
    assert_eq!(rates, [0.02, 0.02, 0.01, 0.005]);
    for step in [2 * STEPS - 1, 2 * STEPS + 1, 3 * STEPS + 2] {
        let path = folder.path().join(format!("broken-{step}"));
        run::<Cpu>(&path, settings.clone(), Some(step)).expect("stops cleanly");
        let resumed = run::<Cpu>(&path, settings.clone(), None).expect("goes on");
        assert_eq!(bits(&resumed.model), bits(&unbroken.model), "weights differ after a stop at step {step}");
        assert_eq!(figures(&resumed.history), figures(&unbroken.history));
    }
    let other = TrainConfig { monitor: Some(Monitor::min("loss")), ..settings.clone() };
    run::<Cpu>(&folder.path().join("unbroken"), other, None).expect("the plateau has a monitor of its own");
    let other = TrainConfig { schedule: ScheduleShape::Plateau(PlateauSchedule::default()).into(), ..settings };
    let error = run::<Cpu>(&folder.path().join("unbroken"), other, None).expect_err("another schedule").to_string();
    assert!(error.contains("schedule.patience was 0, is 10"), "{error}");
}

#[test]
fn another_run_is_not_resumed() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    run::<Cpu>(folder.path(), config(1), None).expect("trains");
    let other = TrainConfig { seed: 6, gradient_clip: None, ..config(1) };
    let error = run::<Cpu>(folder.path(), other, None).expect_err("other settings").to_string();
    let expected = "cannot resume, this is another run than the checkpoint's: seed was 5, is 6, gradient_clip was {\"norm\":1.0}, \
                    is not set; go back to its settings and data, or start in another folder; ";
    assert!(error.starts_with(expected), "{error}");

    let task = TinyTask { describes: serde_json::json!({"kind": "tiny", "labels": ["a", "b"]}), ..TinyTask::default() };
    let mut trainer =
        Trainer::<Cpu, _>::new(task, config(1)).expect("valid settings").with_run_dir(folder.path()).with_resume(true);
    let device = trainer.training_device().expect("there");
    let train = TinyLoader { samples: 9, ..TinyLoader::train(&device) };
    let error = trainer.fit(TinyNet::new(&device), &train, None).expect_err("other data").to_string();
    for expected in [
        "batches_per_epoch was 6, is 3",
        "samples_per_epoch was 22, is 9",
        r#"model.labels was ["left","right"], is ["a","b"]"#,
    ] {
        assert!(error.contains(expected), "{error}");
    }
}
