//! The learning rate and its companions, step by step, as a table and a picture.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver};

use super::append_file::{AppendFile, next_line};
use super::thinned::Thinned;
use crate::plots::{step_lines_svg, write_svg};

const HEADER: &str = "global_step,epoch,learning_rate,gradient_norm,loss_scale\n";
/// Rows reach the disk after this time, and at the end of each epoch.
const FLUSH_AFTER: Duration = Duration::from_secs(5);
/// The panels of the picture.
const PANELS: [&str; 3] = ["learning rate", "gradient norm", "loss scale"];

/// Writes the learning rate, the norm of the gradients and the factor on the loss of steps to a CSV file, and draws them at the end
/// of each epoch to an SVG file of the same name beside it.
///
/// The columns are `global_step` and `epoch` (both from 0), `learning_rate`, `gradient_norm` (before clipping; empty where they
/// are not clipped by it) and `loss_scale` (empty where there is none). Rows reach the disk within five seconds of steps; the
/// picture has some thousand points at most, however long the run.
///
/// A fresh run begins a fresh file. A resumed one keeps the rows of the steps before it, and draws them too.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when a file cannot be written; rows are kept then, up to 32 MiB, and written later.
///
/// # Example
/// ```
/// use mvl_train::{LearningRateMonitor, Observers, OnObserverError};
/// let monitor = LearningRateMonitor::new("runs/one/learning_rate.csv").with_every(10);
/// let observers = Observers::new(OnObserverError::Stop).with(monitor);
/// # let _ = observers;
/// ```
#[derive(Debug)]
pub struct LearningRateMonitor {
    file: AppendFile,
    picture: PathBuf,
    every: usize,
    lines: [Thinned; 3],
    flushed: Instant,
}

impl LearningRateMonitor {
    /// Writes to this file, usually `learning_rate.csv` in the run's folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let picture = path.with_extension("svg");
        let file = AppendFile::new("table of learning rates", path);
        Self { file, picture, every: 1, lines: Default::default(), flushed: Instant::now() }
    }

    /// Takes every so many steps, instead of each; 0 counts as 1.
    pub fn with_every(mut self, steps: usize) -> Self {
        self.every = steps.max(1);
        self
    }

    /// Begins the file anew, with the rows of the steps before `first_step`.
    fn begin(&mut self, first_step: usize) -> Result<(), ObserverError> {
        self.lines = Default::default();
        let step_of = |row: &str| row.split(',').next().and_then(|step| step.parse::<usize>().ok());
        self.file.begin(HEADER, |row| step_of(row).is_some_and(|step| step < first_step))?;
        if first_step == 0 {
            return Ok(());
        }
        self.read_rows().map_err(|error| {
            let path = self.file.path().display();
            ObserverError::with_source(format!("cannot read the table of learning rates; {path}"), error)
        })
    }

    fn read_rows(&mut self) -> std::io::Result<()> {
        let mut rows = BufReader::new(File::open(self.file.path())?);
        while let Some(row) = next_line(&mut rows)? {
            let mut cells = row.trim_end().split(',');
            let step = cells.next().and_then(|step| step.parse::<f64>().ok());
            let values = cells.skip(1).map(|cell| cell.parse::<f64>().ok());
            if let Some(step) = step {
                self.draw_in(step, values);
            }
        }
        Ok(())
    }

    /// Adds what there is of a step to the lines.
    fn draw_in(&mut self, step: f64, values: impl Iterator<Item = Option<f64>>) {
        for (line, value) in self.lines.iter_mut().zip(values) {
            if let Some(value) = value {
                line.add(step, value);
            }
        }
    }

    fn step(&mut self, global_step: usize, epoch: usize, values: [Option<f64>; 3]) -> Result<(), ObserverError> {
        self.draw_in(global_step as f64, values.into_iter());
        let [rate, norm, scale] = values.map(|value| value.map_or_else(String::new, |value| format!("{value:?}")));
        self.file.push(format!("{global_step},{epoch},{rate},{norm},{scale}\n").as_bytes())?;
        if self.flushed.elapsed() >= FLUSH_AFTER {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ObserverError> {
        self.flushed = Instant::now();
        self.file.flush()
    }

    fn draw(&self) -> Result<(), ObserverError> {
        let lines = PANELS.iter().zip(&self.lines).filter(|(_, line)| !line.points().is_empty());
        let panels: Vec<_> = lines.map(|(name, line)| (*name, line.points().to_vec())).collect();
        let svg = step_lines_svg(&panels, "Learning rate")
            .map_err(|error| ObserverError::with_source("cannot draw the learning rate", error))?;
        write_svg(&self.picture, &svg)
            .map_err(|error| ObserverError::with_source("cannot save the picture of the learning rate", error))
    }
}

impl TrainingObserver for LearningRateMonitor {
    fn name(&self) -> &str {
        "learning rate monitor"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { steps_per_epoch, start_epoch, start_step, .. } => {
                self.begin(start_epoch * steps_per_epoch + start_step)?;
            }
            TrainingEvent::StepFinished { global_step, epoch, learning_rate, gradient_norm, loss_scale, .. }
                if global_step.is_multiple_of(self.every) =>
            {
                self.step(global_step, epoch, [Some(learning_rate), gradient_norm, loss_scale])?;
            }
            TrainingEvent::EpochFinished { .. } => {
                self.flush()?;
                self.draw()?;
            }
            TrainingEvent::RunFinished { .. } | TrainingEvent::RunFailed { .. } => self.flush()?,
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mvl_core::conformance;

    use super::*;

    #[test]
    fn rows_and_picture_go_on_after_a_resume() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("run/learning_rate.csv");
        let mut monitor = LearningRateMonitor::new(&path).with_every(2);
        monitor.begin(0).expect("writable");
        for step in 0..7_usize {
            let event = TrainingEvent::StepFinished {
                epoch: step / 4,
                step: step % 4,
                global_step: step,
                loss: 1.0,
                parts: &[],
                learning_rate: 0.5,
                samples: 1,
                gradient_norm: (step > 3).then_some(f64::INFINITY),
                loss_scale: None,
                updated: true,
            };
            assert_eq!(monitor.update(&event).expect("writable"), Flow::Continue);
        }
        drop(monitor);
        let rows = "0,0,0.5,,\n2,0,0.5,,\n4,1,0.5,inf,\n6,1,0.5,inf,\n";
        assert_eq!(fs::read_to_string(&path).expect("written"), format!("{HEADER}{rows}"));

        let mut monitor = LearningRateMonitor::new(&path);
        monitor.begin(5).expect("writable");
        assert_eq!(
            fs::read_to_string(&path).expect("written"),
            format!("{HEADER}0,0,0.5,,\n2,0,0.5,,\n4,1,0.5,inf,\n")
        );
        assert_eq!(monitor.lines.each_ref().map(|line| line.points().len()), [3, 1, 0]);
        monitor.draw().expect("drawn");
        let svg = fs::read_to_string(path.with_extension("svg")).expect("drawn");
        assert!(svg.contains("learning rate") && !svg.contains("loss scale"));
    }

    #[test]
    fn keeps_the_contract() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        conformance::observer(|| LearningRateMonitor::new(folder.path().join("learning_rate.csv")));
    }
}
