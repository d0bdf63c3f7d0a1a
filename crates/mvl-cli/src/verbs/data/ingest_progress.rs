//! How far an ingestion is: a bar in a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use mvl::data::{IngestProgress, IngestStep};

use crate::output::{say, thousands};

/// How often a plain line is written, besides the last of a step.
const INTERVAL: Duration = Duration::from_secs(10);
const BAR: &str = "{prefix} {bar:40} {pos}/{len} images {per_sec} {eta}";

/// Shows one step after the other on standard error.
pub(super) struct ProgressLine {
    /// `None` where standard error is no terminal.
    bar: Option<ProgressBar>,
    step: Option<IngestStep>,
    spoke: Instant,
}

impl ProgressLine {
    pub(super) fn new() -> Self {
        let style = || ProgressStyle::with_template(BAR).expect("a valid template");
        let bar = stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style()));
        Self { bar, step: None, spoke: Instant::now() }
    }

    pub(super) fn show(&mut self, progress: IngestProgress) {
        let IngestProgress { step, done, total } = progress;
        let name = if step == IngestStep::Reading { "reading" } else { "writing" };
        let begins = self.step.replace(step) != Some(step);
        match &self.bar {
            Some(bar) => {
                if begins {
                    bar.reset();
                    bar.set_length(total as u64);
                    bar.set_prefix(name);
                }
                bar.set_position(done as u64);
            }
            None if done == total || self.spoke.elapsed() >= INTERVAL => {
                self.spoke = Instant::now();
                say(format!("{name}: {} of {} images", thousands(done), thousands(total)));
            }
            None => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
