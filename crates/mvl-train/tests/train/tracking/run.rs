//! Events of runs that a test makes up, as a trainer would send them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mvl_core::{
    Channels, ConfusionMatrix, Image, MetricDetail, Metrics, ObserverError, PredictedSample, StopReason, TrainingEvent,
    TrainingObserver,
};
use serde_json::{Value, json};

/// The settings of every run here.
pub(crate) fn settings() -> Value {
    json!({
        "train": {"epochs": 2, "seed": 7, "optimizer": {"name": "sgd", "learning_rate": 0.1}},
        "model": {"kind": "made up", "labels": ["cat", "dog"], "description": "x".repeat(7_000)},
    })
}

pub(crate) fn start(observer: &mut impl TrainingObserver, start_epoch: usize) -> Result<(), ObserverError> {
    let event = TrainingEvent::RunStarted {
        epochs: 2,
        steps_per_epoch: 50,
        samples_per_epoch: 200,
        start_epoch,
        start_step: 0,
        settings: &settings(),
    };
    observer.update(&event).map(drop)
}

/// The loss of a step.
pub(crate) fn loss(step: usize) -> f64 {
    1.0 / (1.0 + step as f64)
}

pub(crate) fn step(observer: &mut impl TrainingObserver, global_step: usize) -> Result<(), ObserverError> {
    let event = TrainingEvent::StepFinished {
        epoch: global_step / 50,
        step: global_step % 50,
        global_step,
        loss: loss(global_step),
        parts: &[("box", 0.25)],
        learning_rate: 0.1,
        samples: 4,
        gradient_norm: Some(2.0),
        loss_scale: None,
        updated: true,
    };
    observer.update(&event).map(drop)
}

/// The figures of an epoch's validation.
pub(crate) fn validation(epoch: usize) -> Metrics {
    Metrics(vec![
        ("loss".to_owned(), 0.5 - 0.1 * epoch as f64),
        ("accuracy".to_owned(), 0.75),
        ("ap@50".to_owned(), f64::NAN),
    ])
}

/// The first predicted sample of every epoch.
pub(crate) fn picture() -> Image {
    let pixels = (0..8 * 6 * 3).map(|place| (place * 5 % 256) as u8).collect();
    Image::new(8, 6, Channels::Rgb, pixels).expect("8 by 6")
}

pub(crate) fn matrix() -> ConfusionMatrix {
    let mut matrix = ConfusionMatrix::new(2);
    [(0, 0), (0, 0), (0, 1), (1, 1)].into_iter().for_each(|(truth, got)| matrix.add(truth, got));
    matrix
}

/// The events after an epoch's steps.
pub(crate) fn end_epoch(
    observer: &mut impl TrainingObserver,
    epoch: usize,
    checkpoint: &Path,
) -> Result<(), ObserverError> {
    let (train, valid) = (Metrics(vec![("loss".to_owned(), 0.6)]), validation(epoch));
    let sample = PredictedSample {
        image: picture(),
        truth: Some("cat".to_owned()),
        prediction: "dog".to_owned(),
        right: Some(false),
    };
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    let details = [MetricDetail::ConfusionMatrix { labels, matrix: matrix() }];
    for event in [
        TrainingEvent::SamplesPredicted { epoch, samples: &[sample] },
        TrainingEvent::ValidationFinished { epoch, metrics: &valid, details: &details },
        TrainingEvent::EpochFinished {
            epoch,
            train: &train,
            valid: Some(&valid),
            learning_rate: 0.1,
            samples: 200,
            train_time: Duration::from_secs(2),
            time: Duration::from_secs(3),
        },
        TrainingEvent::CheckpointSaved { epoch, path: checkpoint, best: true },
        TrainingEvent::Notice { message: "made up: a notice" },
    ] {
        observer.update(&event).map(drop)?;
    }
    Ok(())
}

pub(crate) fn finish(observer: &mut impl TrainingObserver, reason: &StopReason) -> Result<(), ObserverError> {
    observer.update(&TrainingEvent::RunFinished { reason, time: Duration::from_secs(6) }).map(drop)
}

/// A whole run of two epochs with 50 steps each.
pub(crate) fn whole(observer: &mut impl TrainingObserver, checkpoint: &Path) -> Result<(), ObserverError> {
    start(observer, 0)?;
    for epoch in 0..2 {
        observer.update(&TrainingEvent::EpochStarted { epoch }).map(drop)?;
        (50 * epoch..50 * (epoch + 1)).try_for_each(|global_step| step(observer, global_step))?;
        end_epoch(observer, epoch, checkpoint)?;
    }
    finish(observer, &StopReason::Completed)
}

/// A list of what people were told.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    pub(crate) fn listener(&self) -> impl FnMut(&str) + Send + 'static {
        let told = self.0.clone();
        move |notice| told.lock().expect("not poisoned").push(notice.to_owned())
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("not poisoned").clone()
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.all().iter().any(|notice| notice.contains(part))
    }
}
