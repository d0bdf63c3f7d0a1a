//! The run's curves as a picture that is drawn anew after each epoch.

use std::path::PathBuf;

use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver};

use super::History;
use crate::EpochSummary;
use crate::plots::{CurvePoint, curves_svg, write_svg};

/// Points within an epoch: enough to see the warm-up, few enough for a small picture.
const POINTS_PER_EPOCH: usize = 20;

/// Draws losses, scores and the learning rate to an SVG file after each epoch.
///
/// A resumed run is drawn in full when the file of a [`History`] is given.
#[derive(Debug, Clone)]
pub struct Curves {
    path: PathBuf,
    history_path: Option<PathBuf>,
    title: String,
    history: Vec<EpochSummary>,
    points: Vec<CurvePoint>,
    steps_per_epoch: usize,
    losses: Vec<f64>,
}

impl Curves {
    /// Draws to this file, usually `curves.svg` in the run's folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            history_path: None,
            title: "Training".to_owned(),
            history: Vec::new(),
            points: Vec::new(),
            steps_per_epoch: 1,
            losses: Vec::new(),
        }
    }

    /// Reads the epochs before a resume from the file of a [`History`]; it does not matter which of the two comes first.
    pub fn with_history(mut self, path: impl Into<PathBuf>) -> Self {
        self.history_path = Some(path.into());
        self
    }

    /// Sets the title.
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    fn begin(&mut self, steps_per_epoch: usize, start_epoch: usize) -> Result<(), ObserverError> {
        self.steps_per_epoch = steps_per_epoch.max(1);
        self.points.clear();
        self.losses.clear();
        if let (Some(path), 1..) = (&self.history_path, start_epoch) {
            self.history = History::read(path)
                .map_err(|error| ObserverError::with_source("cannot read the epochs before the resume", error))?;
        }
        self.history.retain(|summary| summary.epoch < start_epoch);
        Ok(())
    }

    fn step(&mut self, epoch: usize, step: usize, loss: f64, learning_rate: f64) {
        self.losses.push(loss);
        let steps = self.steps_per_epoch;
        let every = steps.div_ceil(POINTS_PER_EPOCH);
        if (step + 1).is_multiple_of(every) || step + 1 == steps {
            let loss = self.losses.iter().sum::<f64>() / self.losses.len() as f64;
            let epochs = epoch as f64 + (step + 1) as f64 / steps as f64;
            self.points.push(CurvePoint { epochs, loss, learning_rate });
            self.losses.clear();
        }
    }

    fn draw(&self) -> Result<(), ObserverError> {
        let svg = curves_svg(&self.history, &self.points, &self.title)
            .map_err(|error| ObserverError::with_source("cannot draw the curves", error))?;
        write_svg(&self.path, &svg).map_err(|error| ObserverError::with_source("cannot save the curves", error))
    }
}

impl TrainingObserver for Curves {
    fn name(&self) -> &str {
        "curves"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { steps_per_epoch, start_epoch, .. } => {
                self.begin(steps_per_epoch, start_epoch)?
            }
            TrainingEvent::StepFinished { epoch, step, loss, learning_rate, .. } => {
                self.step(epoch, step, loss, learning_rate)
            }
            TrainingEvent::EpochFinished { .. } => {
                self.history.extend(EpochSummary::from_event(event));
                self.draw()?;
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::conformance;

    use super::*;

    #[test]
    fn keeps_the_contract_and_goes_on_from_a_history() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, history) = (folder.path().join("curves.svg"), folder.path().join("history.jsonl"));
        conformance::observer(|| Curves::new(&path));
        assert!(path.exists());
        conformance::observer(|| History::new(&history));
        conformance::observer(|| Curves::new(&path).with_history(&history).with_title("Resumed"));
    }

    #[test]
    fn points_are_means_of_some_steps() {
        let mut curves = Curves::new("unused.svg");
        curves.begin(40, 0).expect("no history to read");
        (0..40).for_each(|step| curves.step(1, step, step as f64, 0.1));
        assert_eq!(curves.points.len(), 20);
        assert_eq!(curves.points[0], CurvePoint { epochs: 1.05, loss: 0.5, learning_rate: 0.1 });
        assert_eq!(curves.points[19].epochs, 2.0);
    }
}
