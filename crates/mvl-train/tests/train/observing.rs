//! Observers in a real run.

use std::fs;
use std::sync::{Arc, Mutex};

use mvl_core::{Cpu, Flow, ObserverError, TrainingEvent};
use mvl_train::{
    ConfusionMatrixPlot, CsvLog, Curves, History, LearningRateMonitor, NanGuard, OnObserverError, ProgressBar,
    SamplePredictions, TensorBoard, Throughput, TrainConfig, TrainError, Trained, Trainer,
};

use crate::tiny::*;

fn train(
    settings: TrainConfig,
    unreadable: Vec<usize>,
    customise: impl FnOnce(Trainer<Cpu, TinyTask>) -> Trainer<Cpu, TinyTask>,
) -> Result<Trained<TinyNet>, TrainError> {
    let mut trainer = customise(Trainer::new(TinyTask::default(), settings)?);
    let (plain, autodiff) = (trainer.device()?, trainer.training_device()?);
    let train = TinyLoader { unreadable, ..TinyLoader::train(&autodiff) };
    trainer.fit(TinyNet::new(&plain), &train, Some(&TinyLoader::valid(&plain)))
}

#[test]
fn events_come_in_order() {
    let _alone = one_run_at_a_time();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = events.clone();
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        let text = format!("{event:?}");
        let name = text.split([' ', '{']).next().unwrap_or_default().to_owned();
        let mut seen = seen.lock().expect("not poisoned");
        if seen.last() != Some(&name) {
            seen.push(name);
        }
        Ok(Flow::Continue)
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(config(1), vec![3], |trainer| trainer.with_observer(listener).with_run_dir(folder.path())).expect("trains");
    assert_eq!(
        *events.lock().expect("not poisoned"),
        [
            "RunStarted",
            "EpochStarted",
            "StepFinished",
            "SamplesSkipped",
            "ValidationStarted",
            "ValidationStep",
            "ValidationFinished",
            "EpochFinished",
            "CheckpointSaved",
            "RunFinished",
        ]
    );
}

#[test]
fn the_stock_observers_write_their_files() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (history, curves) = (folder.path().join("history.jsonl"), folder.path().join("curves.svg"));
    let trained = train(config(2), Vec::new(), |trainer| {
        trainer
            .with_observer(ProgressBar::lines(std::io::sink()))
            .with_observer(History::new(&history))
            .with_observer(Curves::new(&curves).with_history(&history))
    });
    let trained = trained.expect("trains");
    let lines = fs::read_to_string(&history).expect("written");
    assert_eq!(lines.lines().count(), 2);
    let line: serde_json::Value = serde_json::from_str(lines.lines().next().expect("two lines")).expect("JSON");
    let expected = trained.history[0].figure("accuracy").expect("a metric of the task");
    let close =
        |value: &serde_json::Value, expected: f64| value.as_f64().is_some_and(|value| (value - expected).abs() < 1e-12);
    assert!(close(&line["valid"]["accuracy"], expected) && close(&line["samples"], SAMPLES as f64), "{line}");
    assert!(fs::read_to_string(&curves).expect("written").contains("accuracy"));
}

#[test]
fn the_observers_that_keep_figures_agree_with_the_history() {
    let _alone = one_run_at_a_time();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let trained = train(config(2), Vec::new(), |trainer| {
        trainer
            .with_observer(CsvLog::new(path("figures.csv")))
            .with_observer(TensorBoard::new(path("tensorboard")))
            .with_observer(LearningRateMonitor::new(path("learning_rate.csv")))
            .with_observer(Throughput::new(path("throughput.jsonl")).with_every(0))
            .with_observer(ConfusionMatrixPlot::new(folder.path()))
            .with_observer(SamplePredictions::new(path("samples")))
            .with_observer(NanGuard::new())
    });
    let history = trained.expect("trains").history;
    let lines = |name: &str| -> Vec<String> {
        fs::read_to_string(path(name)).expect("written").lines().map(str::to_owned).collect()
    };
    let table = lines("figures.csv");
    assert!(table[0].starts_with("epoch,learning_rate,samples,train_seconds,seconds,train_loss,"), "{}", table[0]);
    let column = table[0].split(',').position(|name| name == "valid_accuracy").expect("a metric of the task");
    for (row, summary) in table[1..].iter().zip(&history) {
        let value: f64 = row.split(',').nth(column).and_then(|cell| cell.parse().ok()).expect("a number");
        assert_eq!(Some(value), summary.figure("accuracy"));
    }
    assert_eq!((table.len(), lines("throughput.jsonl").len()), (3, 2));
    let rates = lines("learning_rate.csv");
    let last = rates.last().and_then(|row| row.split(',').nth(2)?.parse().ok());
    assert_eq!(last, Some(history[1].learning_rate));
    assert!(path("learning_rate.svg").exists());
    assert_eq!(fs::read_dir(path("tensorboard")).expect("a folder").count(), 1);
}

#[test]
fn skipped_samples_are_told_and_not_counted() {
    let _alone = one_run_at_a_time();
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = told.clone();
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        if let TrainingEvent::SamplesSkipped { skipped, .. } = event {
            seen.lock().expect("not poisoned").extend(skipped.iter().map(|sample| sample.index));
        }
        Ok(Flow::Continue)
    });
    // 4 of 22 are left, in 6 batches: some batches are empty.
    let unreadable: Vec<usize> = (0..18).collect();
    let trained = train(config(1), unreadable, |trainer| trainer.with_observer(listener)).expect("trains");
    let mut told = told.lock().expect("not poisoned").clone();
    told.sort_unstable();
    assert_eq!(told, (0..18).collect::<Vec<_>>());
    assert_eq!(trained.history[0].samples, SAMPLES - 18);
    assert!(trained.history[0].train.get("loss").is_some_and(f64::is_finite));
}

#[test]
fn a_failing_observer_warns_or_stops() {
    let _alone = one_run_at_a_time();
    let failing = || {
        Listen(|event: &TrainingEvent<'_>| match event {
            TrainingEvent::EpochFinished { .. } => {
                Err(ObserverError::with_source("cannot send mail", std::io::Error::other("no stamps")))
            }
            _ => Ok(Flow::Continue),
        })
    };
    let settings = |on_observer_error| TrainConfig { on_observer_error, ..config(2) };
    let warned = train(settings(OnObserverError::Warn), Vec::new(), |trainer| trainer.with_observer(failing()));
    assert_eq!(warned.expect("goes on").history.len(), 2);

    let failure = Arc::new(Mutex::new(None));
    let heard = failure.clone();
    let listener = Listen(move |event: &TrainingEvent<'_>| {
        if let TrainingEvent::RunFailed { error } = event {
            *heard.lock().expect("not poisoned") = Some((*error).to_owned());
        }
        Ok(Flow::Continue)
    });
    let stopped = train(settings(OnObserverError::Stop), Vec::new(), |trainer| {
        trainer.with_observer(failing()).with_observer(listener)
    });
    let error = stopped.expect_err("the policy is to stop");
    assert!(matches!(&error, TrainError::Observer { name, .. } if name == "listener"));
    assert_eq!(error.full_message(), r#"observer "listener" failed: cannot send mail: no stamps"#);
    assert_eq!(*failure.lock().expect("not poisoned"), Some(error.full_message()));
}
