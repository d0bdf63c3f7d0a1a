//! Event files for TensorBoard: scalars, pictures, histograms and settings.
//!
//! `messages` are the protocol buffers, `record` frames them, `event_file` writes them, `hparams` holds the settings of a run. The other
//! way, `reader` reads what any program wrote, and `recorder` writes a run that was recorded elsewhere.

mod event_file;
mod hparams;
mod messages;
mod reader;
mod record;
mod recorder;

pub use reader::{EventPicture, EventPoint, EventRun};
pub use recorder::TensorBoardRecorder;

use std::collections::BTreeMap;
use std::path::PathBuf;

use mvl_core::{
    Flow, Histogram, Image, MetricDetail, Metrics, ObserverError, StopReason, TrainingEvent, TrainingObserver,
};
use serde_json::Value as Json;

use self::event_file::EventFile;
use self::messages::{Content, HistogramProto, Picture, Setting, Status, Value};
use crate::plots::{confusion_picture, png_bytes, sample_sheet};

const SHEET_COLUMNS: usize = 8;
const SHEET_TILE_PX: u32 = 128;

/// Writes event files for [TensorBoard](https://www.tensorflow.org/tensorboard) into a folder: `tensorboard --logdir FOLDER` shows them.
///
/// | tag | what |
/// |---|---|
/// | `step/loss`, `step/<part>` | the loss of each step |
/// | `step/learning_rate`, `step/gradient_norm`, `step/loss_scale` | where they are known |
/// | `train/<figure>`, `valid/<figure>` | figures of an epoch, at its last step |
/// | `epoch/seconds`, `epoch/samples_per_second` | how long it took |
/// | `samples`, `confusion_matrix` | pictures, at the last step of the epoch |
/// | `parameters/<path>` | a histogram of each parameter, where the run was asked for them |
/// | the HParams plugin's | all settings of the run, by path: `train.optimizer.name` |
///
/// Everything is over the steps of the run, from 0. A run has a file of its own; one that begins or is resumed at a step takes back what earlier files in
/// the folder said of that step and later ones, and deletes nothing. Values are 32-bit floats, as TensorBoard's are. What is
/// written reaches the disk within five seconds of steps, and at the end of each epoch.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when the folder cannot be written to. What could not be written is kept, up to 32 MiB,
/// and written later.
///
/// # Example
/// ```
/// use mvl_train::{Observers, OnObserverError, TensorBoard};
/// let tensorboard = TensorBoard::new("runs/one/tensorboard").with_every(10);
/// let observers = Observers::new(OnObserverError::Warn).with(tensorboard);
/// # let _ = observers;
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    every: usize,
    file: Option<EventFile>,
    steps_per_epoch: usize,
    settings: BTreeMap<String, Setting>,
    /// Whether the figures were announced to the HParams plugin.
    announced: bool,
}

impl TensorBoard {
    /// Writes into this folder, usually `tensorboard` in the run's folder; it is made at the start of the run.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            every: 1,
            file: None,
            steps_per_epoch: 1,
            settings: BTreeMap::new(),
            announced: false,
        }
    }

    /// Writes of every so many steps, instead of each; 0 counts as 1.
    pub fn with_every(mut self, steps: usize) -> Self {
        self.every = steps.max(1);
        self
    }

    fn begin(
        &mut self,
        steps_per_epoch: usize,
        start_epoch: usize,
        start_step: usize,
        settings: &Json,
    ) -> Result<(), ObserverError> {
        self.steps_per_epoch = steps_per_epoch.max(1);
        self.settings = hparams::flatten(settings);
        self.announced = false;
        let first_step = start_epoch * self.steps_per_epoch + start_step;
        self.file = None; // writes what an earlier run left
        let mut file = EventFile::create(&self.folder, first_step)?;
        file.add(0, vec![hparams::session_start(self.settings.clone())])?;
        self.file = Some(file);
        Ok(())
    }

    fn add(&mut self, step: usize, values: Vec<Value>) -> Result<(), ObserverError> {
        match &mut self.file {
            Some(file) => file.add(step, values),
            // The folder could not be written to when the run began; perhaps it can by now.
            None => {
                let mut file = EventFile::create(&self.folder, step)?;
                file.add(0, vec![hparams::session_start(self.settings.clone())])?;
                file.add(step, values)?;
                self.file = Some(file);
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), ObserverError> {
        self.file.as_mut().map_or(Ok(()), EventFile::flush)
    }

    /// Figures of an epoch stand at its last step, so that a resume takes back those of the epochs it makes again and no others.
    fn last_step(&self, epoch: usize) -> usize {
        (epoch + 1) * self.steps_per_epoch - 1
    }

    fn epoch(
        &mut self,
        epoch: usize,
        train: &Metrics,
        valid: Option<&Metrics>,
        time: [(&str, f64); 2],
    ) -> Result<(), ObserverError> {
        let passes = [("train", Some(train)), ("valid", valid)];
        let figures: Vec<(String, f64)> = passes
            .iter()
            .flat_map(|(pass, figures)| {
                figures
                    .iter()
                    .flat_map(move |figures| figures.iter().map(move |(name, value)| (format!("{pass}/{name}"), value)))
            })
            .collect();
        if !self.announced {
            let tags = figures.iter().map(|(tag, _)| tag.clone());
            self.add(0, vec![hparams::experiment(&self.settings, tags)])?;
            self.announced = true;
        }
        let mut values: Vec<Value> = figures.iter().map(|(tag, value)| scalar(tag, *value)).collect();
        values.extend(time.map(|(tag, value)| scalar(tag, value)));
        self.add(self.last_step(epoch), values)?;
        self.flush()
    }

    fn end(&mut self, status: Status) -> Result<(), ObserverError> {
        self.add(0, vec![hparams::session_end(status)])?;
        self.flush()
    }
}

impl TrainingObserver for TensorBoard {
    fn name(&self) -> &str {
        "tensorboard"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { steps_per_epoch, start_epoch, start_step, settings, .. } => {
                self.begin(steps_per_epoch, start_epoch, start_step, settings)?;
            }
            TrainingEvent::StepFinished {
                global_step, loss, parts, learning_rate, gradient_norm, loss_scale, ..
            } if global_step.is_multiple_of(self.every) => {
                let mut values = vec![scalar("step/loss", loss)];
                values.extend(parts.iter().map(|(name, value)| scalar(&format!("step/{name}"), *value)));
                values.push(scalar("step/learning_rate", learning_rate));
                values.extend(gradient_norm.map(|norm| scalar("step/gradient_norm", norm)));
                values.extend(loss_scale.map(|scale| scalar("step/loss_scale", scale)));
                self.add(global_step, values)?;
            }
            TrainingEvent::Histograms { global_step, histograms } => {
                self.add(global_step, histograms.iter().map(|(path, spread)| histogram(path, spread)).collect())?;
            }
            TrainingEvent::SamplesPredicted { epoch, samples } if !samples.is_empty() => {
                let sheet = picture("samples", &sample_sheet(samples, SHEET_COLUMNS, SHEET_TILE_PX))?;
                self.add(self.last_step(epoch), vec![sheet])?;
            }
            TrainingEvent::ValidationFinished { epoch, details, .. } => {
                for detail in details {
                    if let MetricDetail::ConfusionMatrix { labels, matrix } = detail
                        && let Some(drawn) = confusion_picture(matrix, labels)
                    {
                        self.add(self.last_step(epoch), vec![picture("confusion_matrix", &drawn)?])?;
                        break; // one picture a tag and step
                    }
                }
            }
            TrainingEvent::EpochFinished { epoch, train, valid, samples, train_time, time, .. } => {
                let speed = samples as f64 / train_time.as_secs_f64();
                let time = [("epoch/seconds", time.as_secs_f64()), ("epoch/samples_per_second", speed)];
                self.epoch(epoch, train, valid, time)?;
            }
            // One that was interrupted goes on later, perhaps.
            TrainingEvent::RunFinished { reason: StopReason::Interrupted, .. } => self.flush()?,
            TrainingEvent::RunFinished { .. } => self.end(Status::Success)?,
            TrainingEvent::RunFailed { .. } => self.end(Status::Failure)?,
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

fn scalar(tag: &str, value: f64) -> Value {
    Value { tag: tag.to_owned(), metadata: None, content: Some(Content::Scalar(value as f32)) }
}

fn histogram(path: &str, histogram: &Histogram) -> Value {
    let proto = HistogramProto {
        min: histogram.min,
        max: histogram.max,
        num: histogram.count as f64,
        sum: histogram.sum,
        sum_squares: histogram.sum_of_squares,
        bucket_limit: histogram.limits(),
        bucket: histogram.counts.iter().map(|&count| count as f64).collect(),
    };
    Value { tag: format!("parameters/{path}"), metadata: None, content: Some(Content::Histogram(proto)) }
}

fn picture(tag: &str, image: &Image) -> Result<Value, ObserverError> {
    let encoded = png_bytes(image)
        .map_err(|error| ObserverError::with_source(format!("cannot make a PNG of the picture {tag:?}"), error))?;
    let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    let picture = Picture {
        height: side(image.height()),
        width: side(image.width()),
        colorspace: image.channels().count() as i32,
        encoded,
    };
    Ok(Value { tag: tag.to_owned(), metadata: None, content: Some(Content::Image(picture)) })
}

#[cfg(test)]
mod tests;
