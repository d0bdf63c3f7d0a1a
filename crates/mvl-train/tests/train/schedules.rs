//! Every schedule against PyTorch's (`scripts/make_schedule_goldens.py`), and a plateau in a run.

use mvl_core::{Cpu, Metrics, Monitor, MonitorMode};
use mvl_train::{
    EpochSummary, OptimizerConfig, PlateauSchedule, ScheduleConfig, ScheduleShape, TrainConfig, TrainError, Trained,
    Trainer,
};
use serde_json::Value;

use crate::tiny::*;

const GOLDEN: &str = include_str!("../fixtures/schedules.json");
/// Relative: PyTorch multiplies from step to step, we work each rate out by itself.
const TOLERANCE: f64 = 1e-9;
/// Where PyTorch's rounding leaves a rest of what should be 0, as a share of the base rate.
const ZERO: f64 = 1e-15;

fn count(value: &Value) -> usize {
    value.as_u64().expect("a count") as usize
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn config(value: &Value) -> ScheduleConfig {
    serde_json::from_value(value.clone()).expect("a schedule")
}

#[test]
fn schedules_follow_pytorch() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let (base, epochs) = (number(&golden["base"]), count(&golden["epochs"]));
    let mut worst = 0.0_f64;
    for case in list(&golden["cases"]) {
        let config = config(&case["config"]);
        assert_eq!(config.problems(epochs), [""; 0], "{config:?}");
        let schedule = config.init(base, count(&golden["steps_per_epoch"]), epochs);
        for (step, rate) in list(&golden["steps"]).iter().zip(list(&case["rates"])) {
            let (step, rate) = (count(step), number(rate));
            let got = schedule.learning_rate(step);
            let difference = (got - rate).abs();
            assert!(difference <= TOLERANCE * rate.abs() + ZERO * base, "{config:?}, step {step}: {got} not {rate}");
            if rate > ZERO {
                worst = worst.max(difference / rate);
            }
        }
    }
    println!("largest relative difference: {worst:.1e}");
}

fn epoch(epoch: usize, value: f64) -> EpochSummary {
    let valid = Some(Metrics(vec![("figure".to_owned(), value)]));
    let train = Metrics::default();
    EpochSummary { epoch, train, valid, learning_rate: 0.1, samples: 1, train_seconds: 1.0, seconds: 1.0 }
}

#[test]
fn plateaus_follow_pytorch() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let base = number(&golden["base"]);
    for case in list(&golden["plateaus"]) {
        let mode = if case["mode"] == "min" { MonitorMode::Min } else { MonitorMode::Max };
        let monitor = Monitor { metric: "figure".to_owned(), mode };
        let figures = list(&case["figures"]);
        let history: Vec<EpochSummary> =
            figures.iter().enumerate().map(|(number_, value)| epoch(number_, number(value))).collect();
        let mut schedule = config(&case["config"]).init(base, 1, history.len());
        let (mut changes, mut rate) = (list(&case["changes"]).iter(), base);
        let mut next = changes.next();
        assert!(next.is_some());
        for epochs in 0..=history.len() {
            schedule.after(&history[..epochs], &monitor).expect("has the figure");
            if let Some(change) = next
                && count(&change[0]) + 1 == epochs
            {
                (rate, next) = (number(&change[1]), changes.next());
            }
            let got = schedule.learning_rate(epochs);
            assert!((got - rate).abs() <= TOLERANCE * rate, "after {epochs} of {case}: {got} not {rate}");
        }
        assert_eq!(next, None);
    }
}

/// A run whose figure does not get better: its learning rate is too small.
fn plateau(metric: &str) -> TrainConfig {
    let shape = PlateauSchedule {
        monitor: Some(Monitor::max(metric)),
        patience: 0,
        factor: 0.5,
        threshold: 1.0,
        eps: 0.0,
        ..PlateauSchedule::default()
    };
    TrainConfig {
        optimizer: OptimizerConfig::sgd(1e-9),
        schedule: ScheduleShape::Plateau(shape).into(),
        ..crate::tiny::config(4)
    }
}

fn train(settings: TrainConfig, validate: bool) -> Result<Trained<TinyNet>, TrainError> {
    let _alone = one_run_at_a_time();
    let mut trainer = Trainer::<Cpu, _>::new(TinyTask::default(), settings)?;
    let (plain, autodiff) = (trainer.device()?, trainer.training_device()?);
    let (train, valid) = (TinyLoader::train(&autodiff), TinyLoader::valid(&plain));
    let valid: Option<&dyn mvl_core::DataLoader<Batch = mvl_core::ImageBatch>> =
        if validate { Some(&valid) } else { None };
    trainer.fit(TinyNet::new(&plain), &train, valid)
}

#[test]
fn a_run_on_a_plateau_goes_slower() {
    let trained = train(plateau("accuracy"), true).expect("trains");
    let rates: Vec<f64> = trained.history.iter().map(|epoch| epoch.learning_rate / 1e-9).collect();
    assert_eq!(rates.len(), 4);
    assert!(rates.iter().zip([1.0, 1.0, 0.5, 0.25]).all(|(got, want)| (got - want).abs() < 1e-9), "{rates:?}");
}

#[test]
fn a_plateau_needs_a_figure_to_watch() {
    let error = train(plateau("accuracy"), false).expect_err("no validation").to_string();
    assert_eq!(
        error,
        "invalid training settings: schedule: watches \"accuracy\", which only validation gives; give validation data, or \
         set schedule.monitor.metric to \"loss\""
    );
    let error = train(plateau("iou"), true).expect_err("no such figure").to_string();
    assert!(error.ends_with(r#"schedule.monitor.metric: expected one of loss, accuracy, got "iou""#), "{error}");
}
