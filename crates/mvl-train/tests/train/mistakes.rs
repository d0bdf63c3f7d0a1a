//! What goes wrong is said, with what to do next.

use std::fs;

use mvl_core::{Cpu, Monitor};
use mvl_train::{CheckpointKind, Checkpointer, EarlyStoppingConfig, OptimizerConfig, TrainConfig, TrainError, Trainer};

use burn::module::Module;

use crate::tiny::*;

fn trainer(settings: TrainConfig) -> Result<Trainer<Cpu, TinyTask>, TrainError> {
    Trainer::new(TinyTask::default(), settings)
}

#[test]
fn all_wrong_settings_are_listed() {
    let settings = TrainConfig { epochs: 0, optimizer: OptimizerConfig::sgd(-1.0), ..TrainConfig::default() };
    assert_eq!(
        trainer(settings).expect_err("two mistakes").to_string(),
        "invalid training settings: epochs: expected at least 1, got 0; optimizer.learning_rate: expected a positive number, got -1"
    );
}

#[test]
fn a_misspelt_monitor_is_told_before_the_first_epoch() {
    let _alone = one_run_at_a_time();
    let watching = |figure: &str| TrainConfig { monitor: Some(Monitor::max(figure)), ..config(1) };
    let fit = |trainer: &mut Trainer<Cpu, TinyTask>| {
        let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
        let outcome =
            trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain)));
        outcome.map(|_| ()).map_err(|error| error.to_string())
    };
    let error = fit(&mut trainer(watching("acuracy")).expect("known later")).expect_err("misspelt");
    let says = r#"invalid training settings: monitor.metric: unknown figure "acuracy", did you mean "accuracy""#;
    assert_eq!(error, says);
    // What is measured beside the task's own figures can be watched.
    let mut more = trainer(watching("accuracy_of_more")).expect("known later").with_metrics(|| vec![Box::new(More)]);
    fit(&mut more).expect("a figure of another metric");
}

/// One more figure.
struct More;

impl<P, T> mvl_core::Metric<P, T> for More {
    fn update(&mut self, _predictions: &[P], _truths: &[T]) {}

    fn compute(&self) -> Vec<(String, f64)> {
        vec![("accuracy_of_more".to_owned(), 0.5)]
    }
}

#[test]
fn an_unknown_monitor_is_told_after_the_first_validation() {
    let _alone = one_run_at_a_time();
    let mut trainer =
        trainer(TrainConfig { monitor: Some(Monitor::max("iou")), ..config(1) }).expect("may be a loss part");
    let (plain, autodiff) = (trainer.device().expect("there"), trainer.training_device().expect("there"));
    let outcome = trainer.fit(TinyNet::new(&plain), &TinyLoader::train(&autodiff), Some(&TinyLoader::valid(&plain)));
    let error = outcome.expect_err("no such figure").to_string();
    assert_eq!(error, r#"invalid training settings: monitor.metric: expected one of loss, accuracy, got "iou""#);
}

#[test]
fn early_stopping_needs_a_figure_to_watch() {
    let settings = TrainConfig { early_stopping: Some(EarlyStoppingConfig::default()), ..config(1) };
    let mut trainer = trainer(settings).expect("valid settings");
    let device = trainer.training_device().expect("there");
    let error = trainer.fit(TinyNet::new(&device), &TinyLoader::train(&device), None).expect_err("no validation");
    assert_eq!(
        error.to_string(),
        "invalid training settings: early_stopping: watches \"accuracy\", which only validation gives; give validation \
         data, or set monitor.metric to \"loss\""
    );
}

#[test]
fn a_nan_loss_ends_the_run_and_spares_the_checkpoint() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(config(3)).expect("valid settings").with_run_dir(folder.path());
    let device = trainer.training_device().expect("there");
    let train = TinyLoader { poison: Some((1, 2)), ..TinyLoader::train(&device) };
    let error = trainer.fit(TinyNet::new(&device), &train, None).expect_err("NaN");
    assert!(matches!(error, TrainError::NotFinite { what: "loss", epoch: 1, step: 2, .. }));
    let message = error.to_string();
    assert!(message.starts_with("the loss became NaN in epoch 2 at step 3 with learning rate 0.01"), "{message}");
    assert!(message.contains("try a lower learning rate, a longer warm-up or `gradient_clip`"), "{message}");
    let plain = trainer.device().expect("there");
    let saved = Checkpointer::new(folder.path()).load_weights(CheckpointKind::Last, TinyNet::new(&plain));
    let saved = saved.expect("whole").expect("that of epoch 1");
    assert!(bits(&saved).iter().all(|bits| f32::from_bits(*bits).is_finite()));
}

#[test]
fn a_short_epoch_is_an_error() {
    let _alone = one_run_at_a_time();
    let mut trainer = trainer(config(1)).expect("valid settings");
    let device = trainer.training_device().expect("there");
    let train = TinyLoader { missing: 2, ..TinyLoader::train(&device) };
    let error = trainer.fit(TinyNet::new(&device), &train, None).expect_err("2 of 6 are missing").to_string();
    assert!(error.starts_with("the training loader promised 6 batches an epoch and gave 4 in epoch 1: "), "{error}");
}

#[test]
fn an_empty_loader_is_an_error() {
    let mut trainer = trainer(config(1)).expect("valid settings");
    let device = trainer.training_device().expect("there");
    let empty = TinyLoader { samples: 0, ..TinyLoader::train(&device) };
    let error = trainer.fit(TinyNet::new(&device), &empty, None).expect_err("no batches").to_string();
    assert_eq!(error, "the training loader has no batches: give it more samples, or a smaller batch size");
}

#[test]
fn a_model_without_gradients_is_an_error() {
    let _alone = one_run_at_a_time();
    let mut trainer = trainer(config(1)).expect("valid settings");
    let device = trainer.training_device().expect("there");
    let frozen = TinyNet::new(&device).freeze();
    let error = trainer.fit(frozen, &TinyLoader::train(&device), None).expect_err("all frozen").to_string();
    assert!(error.starts_with("no parameter got a gradient: "), "{error}");
}

#[test]
fn an_unwritable_folder_is_told_before_training() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").expect("writable");
    let mut trainer = trainer(config(1)).expect("valid settings").with_run_dir(file.join("run"));
    let device = trainer.training_device().expect("there");
    let error = trainer.fit(TinyNet::new(&device), &TinyLoader::train(&device), None).expect_err("no folder there");
    let message = error.to_string();
    let expected = "cannot write checkpoint: check that the folder is there and yours to write to, and that the disk is not full; ";
    assert!(message.starts_with(expected) && message.ends_with("/file/run/checkpoints"), "{message}");
    assert!(std::error::Error::source(&error).is_some());
}
