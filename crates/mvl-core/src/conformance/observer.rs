//! Does an observer bear every run it may be shown?

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::{
    Channels, ConfusionMatrix, Flow, Histogram, Image, MetricDetail, Metrics, PredictedSample, SkippedSample,
    StopReason, TrainingEvent, TrainingObserver,
};

const EPOCHS: usize = 2;
const STEPS: usize = 3;
const SAMPLES: usize = 12;

/// Shows an observer a full run, a run without validation, a resumed run with a skipped sample and a checkpoint, a run of NaN
/// losses, and a failed run; `make` gives a fresh observer for each. A state, if it has one, must survive being taken up again.
///
/// # Panics
/// When it answers an ordinary event with an error, stops without a reason, has no name, or panics itself.
pub fn observer<O: TrainingObserver>(mut make: impl FnMut() -> O) {
    show("full run", &mut make(), Run { validates: true, ..Run::default() });
    show("run without validation", &mut make(), Run::default());
    show("resumed run", &mut make(), Run { start_epoch: 1, start_step: 2, validates: true, ..Run::default() });
    show("NaN losses", &mut make(), Run { loss: f64::NAN, validates: true, ..Run::default() });
    show("failed run", &mut make(), Run { fails: true, ..Run::default() });
}

fn sample() -> PredictedSample {
    let image = Image::new(2, 2, Channels::Gray, vec![0, 80, 160, 240]).expect("four pixels");
    PredictedSample { image, truth: Some("cat".to_owned()), prediction: "dog".to_owned(), right: Some(false) }
}

struct Run {
    start_epoch: usize,
    start_step: usize,
    loss: f64,
    validates: bool,
    fails: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self { start_epoch: 0, start_step: 0, loss: 0.5, validates: false, fails: false }
    }
}

fn show(name: &str, observer: &mut dyn TrainingObserver, run: Run) {
    assert!(!observer.name().is_empty(), "an observer has a name");
    let stopped = Cell::new(false);
    let mut tell = |event: TrainingEvent<'_>| match observer.update(&event) {
        Ok(Flow::Continue) => {}
        Ok(Flow::Stop { reason }) => {
            assert!(!reason.is_empty(), "{name}: stopped without a reason at {event:?}");
            stopped.set(true);
        }
        Err(error) => panic!("{name}: {error} at {event:?}"),
    };
    let (start_epoch, start_step) = (run.start_epoch, run.start_step);
    let settings = json!({"train": {"epochs": EPOCHS, "optimizer": {"name": "sgd"}}, "model": {"kind": "conformance"}});
    tell(TrainingEvent::RunStarted {
        epochs: EPOCHS,
        steps_per_epoch: STEPS,
        samples_per_epoch: SAMPLES,
        start_epoch,
        start_step,
        settings: &settings,
    });
    for epoch in start_epoch..EPOCHS {
        tell(TrainingEvent::EpochStarted { epoch });
        tell(TrainingEvent::Notice { message: "conformance suite: a notice" });
        let first = if epoch == start_epoch { start_step } else { 0 };
        for step in first..STEPS {
            if stopped.get() {
                break;
            }
            tell(TrainingEvent::StepFinished {
                epoch,
                step,
                global_step: epoch * STEPS + step,
                loss: run.loss,
                parts: &[("part", run.loss)],
                learning_rate: 0.1,
                samples: SAMPLES / STEPS,
                gradient_norm: (step > 0).then_some(run.loss),
                loss_scale: (step > 1).then_some(1024.0),
                updated: step < 2,
            });
            let histograms = [("weight".to_owned(), Histogram::of(&[0.5, run.loss as f32], 3))];
            tell(TrainingEvent::Histograms { global_step: epoch * STEPS + step, histograms: &histograms });
        }
        if run.fails {
            tell(TrainingEvent::RunFailed { error: "conformance suite: a failure on purpose" });
            return;
        }
        let skipped = [SkippedSample { index: 4, reason: "conformance suite: skipped on purpose".to_owned() }];
        tell(TrainingEvent::SamplesSkipped { epoch, skipped: &skipped });
        if !stopped.get() {
            let train = Metrics(vec![("loss".to_owned(), run.loss), ("accuracy".to_owned(), 0.5)]);
            let valid = Metrics(vec![("loss".to_owned(), run.loss), ("accuracy".to_owned(), 0.25)]);
            if run.validates {
                tell(TrainingEvent::ValidationStarted { epoch, batches: 1 });
                tell(TrainingEvent::ValidationStep { batch: 0 });
                tell(TrainingEvent::SamplesPredicted { epoch, samples: &[sample()] });
                let mut matrix = ConfusionMatrix::new(2);
                matrix.add(0, 1);
                let labels = vec!["cat".to_owned(), "dog".to_owned()];
                let details = [MetricDetail::ConfusionMatrix { labels, matrix }];
                tell(TrainingEvent::ValidationFinished { epoch, metrics: &valid, details: &details });
            }
            tell(TrainingEvent::EpochFinished {
                epoch,
                train: &train,
                valid: run.validates.then_some(&valid),
                learning_rate: 0.1,
                samples: SAMPLES,
                train_time: Duration::from_millis(900),
                time: Duration::from_secs(1),
            });
        }
        tell(TrainingEvent::CheckpointSaved { epoch, path: Path::new("checkpoints/last"), best: epoch == 0 });
        if stopped.get() {
            break; // as a trainer does: a checkpoint, then the end
        }
    }
    let reason = if stopped.get() {
        StopReason::Observer { name: "conformance".to_owned(), reason: "stopped".to_owned() }
    } else {
        StopReason::Completed
    };
    tell(TrainingEvent::RunFinished { reason: &reason, time: Duration::from_secs(2) });
    if let Some(state) = observer.state() {
        observer.restore(&state).unwrap_or_else(|error| panic!("{name}: does not take up its own state: {error}"));
        assert_eq!(observer.state(), Some(state), "{name}: a state that was taken up is another one");
    }
}
