//! How fast a run is, and how much memory it takes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver, peak_bytes};
use serde_json::{Value, json};

use super::append_file::AppendFile;

/// The rolling speed is over so many steps.
const WINDOW: usize = 50;

/// Writes speeds and memory to a JSON Lines file: one line every so many steps, and one an epoch.
///
/// | field | what |
/// |---|---|
/// | `kind` | `"steps"` or `"epoch"` |
/// | `epoch`, `global_step` | where the run was, both from 0; an epoch's line has its last step |
/// | `samples_per_second` | of `"steps"`: over the last 50 steps; of `"epoch"`: over its training, data loading included |
/// | `slowest_step_seconds` | the longest time between two steps since the line before: where the loader kept training waiting |
/// | `samples`, `train_seconds`, `seconds` | of an epoch: samples trained on, time for them, time with validation and all |
/// | `train_share` | `train_seconds / seconds`: the rest went to validation and checkpoints |
/// | `peak_memory_bytes` | the most memory that the process ever had resident; `null` on other systems than Linux |
///
/// How long training waited for data is not told apart: events come after steps, not after batches.
///
/// A fresh run begins a fresh file. A resumed one keeps the lines of the steps before it.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when the file cannot be written; lines are kept then, up to 32 MiB, and written later.
///
/// # Example
/// ```
/// use mvl_train::{Observers, OnObserverError, Throughput};
/// let throughput = Throughput::new("runs/one/throughput.jsonl").with_every(50);
/// let observers = Observers::new(OnObserverError::Stop).with(throughput);
/// # let _ = observers;
/// ```
#[derive(Debug)]
pub struct Throughput {
    file: AppendFile,
    every: usize,
    rolling: RollingSpeed,
    /// Since the line before.
    slowest: Duration,
    last_step: Option<usize>,
}

impl Throughput {
    /// Writes to this file, usually `throughput.jsonl` in the run's folder, a line every hundred steps.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let file = AppendFile::new("file of speeds", path);
        Self { file, every: 100, rolling: RollingSpeed::default(), slowest: Duration::ZERO, last_step: None }
    }

    /// Writes a line every so many steps; 0 for none but those of epochs.
    pub fn with_every(mut self, steps: usize) -> Self {
        self.every = steps;
        self
    }

    fn begin(&mut self, first_step: usize) -> Result<(), ObserverError> {
        (self.rolling, self.slowest, self.last_step) = (RollingSpeed::default(), Duration::ZERO, None);
        let step_of = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("global_step")?.as_u64();
        self.file.begin("", |line| step_of(line).is_some_and(|step| step < first_step as u64))
    }

    fn write(&mut self, line: &Value) -> Result<(), ObserverError> {
        self.slowest = Duration::ZERO;
        self.file.append(format!("{line}\n").as_bytes())
    }
}

impl TrainingObserver for Throughput {
    fn name(&self) -> &str {
        "throughput"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { steps_per_epoch, start_epoch, start_step, .. } => {
                self.begin(start_epoch * steps_per_epoch + start_step)?;
            }
            TrainingEvent::EpochStarted { .. } => self.rolling.pause(Instant::now()),
            TrainingEvent::StepFinished { epoch, global_step, samples, .. } => {
                let took = self.rolling.step(Instant::now(), samples);
                (self.slowest, self.last_step) = (self.slowest.max(took), Some(global_step));
                if self.every > 0 && (global_step + 1).is_multiple_of(self.every) {
                    let line = json!({
                        "kind": "steps",
                        "epoch": epoch,
                        "global_step": global_step,
                        "samples_per_second": self.rolling.samples_per_second(),
                        "slowest_step_seconds": self.slowest.as_secs_f64(),
                        "peak_memory_bytes": peak_bytes(),
                    });
                    self.write(&line)?;
                }
            }
            TrainingEvent::EpochFinished { epoch, samples, train_time, time, .. } => {
                let (train_seconds, seconds) = (train_time.as_secs_f64(), time.as_secs_f64());
                let line = json!({
                    "kind": "epoch",
                    "epoch": epoch,
                    "global_step": self.last_step,
                    "samples_per_second": samples as f64 / train_seconds,
                    "slowest_step_seconds": self.slowest.as_secs_f64(),
                    "samples": samples,
                    "train_seconds": train_seconds,
                    "seconds": seconds,
                    "train_share": train_seconds / seconds,
                    "peak_memory_bytes": peak_bytes(),
                });
                self.write(&line)?;
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

/// Samples a second over the last steps, without the time between epochs.
#[derive(Debug, Default)]
pub(super) struct RollingSpeed {
    last: Option<Instant>,
    steps: VecDeque<(Duration, usize)>,
}

impl RollingSpeed {
    /// The next step begins now.
    pub(super) fn pause(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// A step is done; answers the time it took.
    pub(super) fn step(&mut self, now: Instant, samples: usize) -> Duration {
        let took = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if self.last.is_some() {
            self.steps.push_back((took, samples));
        }
        if self.steps.len() > WINDOW {
            self.steps.pop_front();
        }
        self.last = Some(now);
        took
    }

    /// `None` before there is anything to tell.
    pub(super) fn samples_per_second(&self) -> Option<f64> {
        let time: Duration = self.steps.iter().map(|(time, _)| *time).sum();
        let samples: usize = self.steps.iter().map(|(_, samples)| samples).sum();
        Some(samples as f64 / time.as_secs_f64()).filter(|speed| speed.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mvl_core::conformance;

    use super::*;

    #[test]
    fn the_rolling_speed_forgets() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut speed = RollingSpeed::default();
        assert_eq!((speed.step(start, 5), speed.samples_per_second()), (Duration::ZERO, None));
        speed.step(start + second, 10);
        assert_eq!(speed.samples_per_second(), Some(10.0));
        speed.pause(start + 100 * second);
        speed.step(start + 101 * second, 20);
        assert_eq!(speed.samples_per_second(), Some(15.0));
        (0..WINDOW as u32).for_each(|step| {
            speed.step(start + (102 + step) * second, 30);
        });
        assert_eq!(speed.samples_per_second(), Some(30.0));
    }

    #[test]
    fn lines_tell_of_steps_and_epochs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("throughput.jsonl");
        let mut runs = 0;
        conformance::observer(|| {
            runs += 1;
            Throughput::new(folder.path().join(if runs == 1 { "throughput.jsonl" } else { "other.jsonl" }))
                .with_every(2)
        });
        let lines = |path| -> Vec<Value> {
            let text = fs::read_to_string(path).expect("written");
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
        };
        let read = lines(&path);
        let steps: Vec<(&str, u64)> = read
            .iter()
            .map(|line| (line["kind"].as_str().unwrap_or_default(), line["global_step"].as_u64().unwrap_or(99)))
            .collect();
        assert_eq!(steps, [("steps", 1), ("epoch", 2), ("steps", 3), ("steps", 5), ("epoch", 5)]);
        assert_eq!(read[1]["train_share"], 0.9);
        assert_eq!(read[1]["peak_memory_bytes"].is_u64(), cfg!(target_os = "linux"));

        Throughput::new(&path).begin(3).expect("writable"); // as a resumed run does
        assert_eq!(lines(&path).len(), 2);
    }
}
