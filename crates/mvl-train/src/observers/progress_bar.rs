//! How far a run is: a bar in a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressStyle};
use mvl_core::{Flow, Metrics, ObserverError, StopReason, TrainingEvent, TrainingObserver};

/// How often a plain line tells of steps.
const INTERVAL: Duration = Duration::from_secs(10);
const BAR: &str = "{prefix} {bar:24.cyan/blue} {pos}/{len} {msg}";

/// Shows epoch, loss, learning rate, images a second and the time left, on standard error.
///
/// Notices are printed above it. In a terminal a bar moves with each step. Elsewhere (a log file, a pipe) there is a line for every epoch, and one every
/// ten seconds in between.
pub struct ProgressBar {
    output: Output,
    interval: Duration,
    run: Run,
}

enum Output {
    Terminal(Bar),
    Lines(Box<dyn Write + Send>),
}

/// Where the run is. The clock starts anew with each epoch and each run.
pub(super) struct Run {
    pub(super) epochs: usize,
    pub(super) steps_per_epoch: usize,
    steps_left: usize,
    steps_done: usize,
    began: Instant,
    epoch_began: Instant,
    epoch_samples: usize,
    spoke: Instant,
}

impl Run {
    pub(super) fn new(epochs: usize, steps_per_epoch: usize, start_epoch: usize, start_step: usize) -> Self {
        let now = Instant::now();
        let steps_left = (epochs * steps_per_epoch).saturating_sub(start_epoch * steps_per_epoch + start_step);
        Self {
            epochs,
            steps_per_epoch,
            steps_left,
            steps_done: 0,
            began: now,
            epoch_began: now,
            epoch_samples: 0,
            spoke: now,
        }
    }

    pub(super) fn step_done(&mut self) {
        self.steps_done += 1;
        self.steps_left = self.steps_left.saturating_sub(1);
    }

    /// The time left if it goes on as so far, validation and all.
    pub(super) fn time_left(&self) -> Duration {
        let step = self.began.elapsed().as_secs_f64() / self.steps_done.max(1) as f64;
        Duration::try_from_secs_f64(step * self.steps_left as f64).unwrap_or_default()
    }
}

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressBar {
    /// On standard error: a bar if that is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self::lines(io::stderr());
        }
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::to(Output::Terminal(Bar::new(0).with_style(style.progress_chars("━╸─"))))
    }

    /// Plain lines to any writer.
    pub fn lines(writer: impl Write + Send + 'static) -> Self {
        Self::to(Output::Lines(Box::new(writer)))
    }

    fn to(output: Output) -> Self {
        Self { output, interval: INTERVAL, run: Run::new(0, 0, 0, 0) }
    }

    /// Sets the time between plain lines within an epoch.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    fn say(&mut self, line: &str) -> Result<(), ObserverError> {
        match &mut self.output {
            Output::Terminal(bar) => {
                bar.println(line);
                Ok(())
            }
            Output::Lines(writer) => writeln!(writer, "{line}")
                .and_then(|()| writer.flush())
                .map_err(|error| ObserverError::with_source("cannot write progress", error)),
        }
    }

    fn epoch_name(&self, epoch: usize) -> String {
        format!("epoch {}/{}", epoch + 1, self.run.epochs)
    }

    fn step(
        &mut self,
        epoch: usize,
        step: usize,
        loss: f64,
        learning_rate: f64,
        samples: usize,
    ) -> Result<(), ObserverError> {
        self.run.step_done();
        self.run.epoch_samples += samples;
        let speed = per_second(self.run.epoch_samples, self.run.epoch_began.elapsed());
        let left = brief_duration(self.run.time_left());
        let figures = format!("loss {loss:.4}  lr {}  {speed} images/s  {left} left", brief_rate(learning_rate));
        match &self.output {
            Output::Terminal(bar) => {
                bar.set_position(step as u64 + 1);
                bar.set_message(figures);
            }
            Output::Lines(_) if self.run.spoke.elapsed() >= self.interval => {
                self.run.spoke = Instant::now();
                let (name, steps) = (self.epoch_name(epoch), self.run.steps_per_epoch);
                self.say(&format!("{name}  step {}/{steps}  {figures}", step + 1))?;
            }
            Output::Lines(_) => {}
        }
        Ok(())
    }

    fn begin_bar(&self, prefix: String, length: usize, position: usize) {
        if let Output::Terminal(bar) = &self.output {
            bar.set_prefix(prefix);
            bar.set_length(length as u64);
            bar.set_position(position as u64);
            bar.set_message("");
        }
    }

    fn end(&mut self, line: &str) -> Result<(), ObserverError> {
        if let Output::Terminal(bar) = &self.output {
            bar.finish_and_clear();
        }
        // A finished bar prints no more lines.
        match &mut self.output {
            Output::Terminal(_) => {
                eprintln!("{line}");
                Ok(())
            }
            Output::Lines(_) => self.say(line),
        }
    }
}

impl TrainingObserver for ProgressBar {
    fn name(&self) -> &str {
        "progress"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { epochs, steps_per_epoch, start_epoch, start_step, .. } => {
                self.run = Run::new(epochs, steps_per_epoch, start_epoch, start_step);
                if start_epoch > 0 || start_step > 0 {
                    let name = self.epoch_name(start_epoch);
                    self.say(&format!("resumed at {name}, step {}/{steps_per_epoch}", start_step + 1))?;
                }
                self.begin_bar(self.epoch_name(start_epoch), steps_per_epoch, start_step);
            }
            TrainingEvent::EpochStarted { epoch } => {
                (self.run.epoch_began, self.run.epoch_samples) = (Instant::now(), 0);
                self.begin_bar(self.epoch_name(epoch), self.run.steps_per_epoch, 0);
            }
            TrainingEvent::StepFinished { epoch, step, loss, learning_rate, samples, .. } => {
                self.step(epoch, step, loss, learning_rate, samples)?;
            }
            TrainingEvent::ValidationStarted { batches, .. } => self.begin_bar("validation".to_owned(), batches, 0),
            TrainingEvent::ValidationStep { batch } => {
                if let Output::Terminal(bar) = &self.output {
                    bar.set_position(batch as u64 + 1);
                }
            }
            TrainingEvent::Notice { message } => self.say(message)?,
            TrainingEvent::SamplesSkipped { skipped, .. } => {
                let first = skipped.first().map_or("", |sample| &sample.reason);
                self.say(&format!("skipped {} unreadable samples, the first: {first}", skipped.len()))?;
            }
            TrainingEvent::EpochFinished { epoch, train, valid, learning_rate, samples, train_time, time, .. } => {
                let mut parts = vec![self.epoch_name(epoch), figures("train", train)];
                parts.extend(valid.map(|valid| figures("valid", valid)));
                parts.push(format!("lr {}", brief_rate(learning_rate)));
                parts.push(format!("{} images/s", per_second(samples, train_time)));
                parts.push(brief_duration(time));
                self.run.spoke = Instant::now();
                self.say(&parts.join("  "))?;
            }
            TrainingEvent::RunFinished { reason, time } => {
                let how = match reason {
                    StopReason::Observer { name, reason } => format!("stopped by {name}: {reason}; after"),
                    StopReason::Interrupted => "interrupted after".to_owned(),
                    _ => "finished in".to_owned(),
                };
                self.end(&format!("{how} {}", brief_duration(time)))?;
            }
            TrainingEvent::RunFailed { .. } => self.end("the run failed")?,
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

fn figures(pass: &str, metrics: &Metrics) -> String {
    let named: Vec<String> = metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    format!("{pass} {}", named.join(" "))
}

fn per_second(samples: usize, time: Duration) -> String {
    let speed = samples as f64 / time.as_secs_f64();
    match speed {
        speed if !speed.is_finite() => "–".to_owned(),
        speed if speed < 10.0 => format!("{speed:.1}"),
        speed => format!("{speed:.0}"),
    }
}

/// Three significant digits.
pub(super) fn brief_rate(rate: f64) -> String {
    if rate == 0.0 || rate >= 1e-3 { format!("{rate:.4}") } else { format!("{rate:.2e}") }
}

/// `2h05m`, `3m20s`, `12.3s`.
pub(super) fn brief_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        3600.. => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        60.. => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{:.1}s", time.as_secs_f64()),
    }
}

impl std::fmt::Debug for ProgressBar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let output = match &self.output {
            Output::Terminal(_) => "terminal",
            Output::Lines(_) => "lines",
        };
        f.debug_struct("ProgressBar").field("output", &output).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use mvl_core::conformance;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_say_what_happened() {
        let shared = Shared::default();
        conformance::observer(|| ProgressBar::lines(shared.clone()).with_interval(Duration::ZERO));
        let text = String::from_utf8(shared.0.lock().expect("not poisoned").clone()).expect("text");
        for expected in [
            "epoch 1/2  step 1/3  loss 0.5000  lr 0.1000  ",
            "epoch 2/2  train loss 0.5000 accuracy 0.5000  valid loss 0.5000 accuracy 0.2500  lr 0.1000  13 images/s  1.0s\n",
            "resumed at epoch 2/2, step 3/3\n",
            "skipped 1 unreadable samples, the first: conformance suite: skipped on purpose\n",
            "\nconformance suite: a notice\n",
            "finished in 2.0s\n",
            "the run failed\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_terminal_bar_keeps_the_contract() {
        conformance::observer(|| ProgressBar::to(Output::Terminal(Bar::hidden())));
    }

    #[test]
    fn durations_are_brief() {
        let brief = |seconds| brief_duration(Duration::from_secs_f64(seconds));
        assert_eq!([brief(1.26), brief(200.0), brief(7500.0)], ["1.3s", "3m20s", "2h05m"]);
        assert_eq!([brief_rate(0.05), brief_rate(0.0), brief_rate(0.000_123_4)], ["0.0500", "0.0000", "1.23e-4"]);
    }
}
