//! Downloads of weights, shown on standard error: a bar in a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use mvl::models::weights::{DownloadProgress, WeightsHub};

/// Smaller files come without a word.
const WORTH_A_WORD: u64 = 1 << 20;
/// How often a plain line tells of bytes.
const INTERVAL: Duration = Duration::from_secs(10);
const BAR: &str = "{prefix} {bar:24.cyan/blue} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// The user's weights folder, with progress shown.
pub(crate) fn weights_hub(offline: bool) -> WeightsHub {
    let hub = WeightsHub::from_environment();
    let hub = if offline { hub.with_offline(true) } else { hub };
    let shown = Mutex::new(Shown::default());
    hub.with_progress(move |progress| {
        if progress.total < WORTH_A_WORD {
            return;
        }
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if stderr().is_terminal() { shown.draw(progress) } else { shown.tell(progress) }
    })
}

/// What was shown of the file that is on its way.
#[derive(Default)]
struct Shown {
    name: String,
    bar: Option<ProgressBar>,
    spoke: Option<Instant>,
}

impl Shown {
    fn draw(&mut self, progress: DownloadProgress<'_>) {
        if self.name != progress.name {
            progress.name.clone_into(&mut self.name);
            let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(progress.total).with_prefix(self.name.clone());
            bar.set_position(progress.bytes);
            bar.reset_eta(); // bytes of an earlier attempt took no time now
            self.bar = Some(bar.with_style(style.progress_chars("━╸─")));
        }
        let Some(bar) = &self.bar else { return };
        bar.set_position(progress.bytes);
        if progress.bytes == progress.total {
            bar.finish();
            *self = Self::default();
        }
    }

    fn tell(&mut self, progress: DownloadProgress<'_>) {
        let DownloadProgress { name, bytes, total, .. } = progress;
        let done = bytes == total;
        let is_new = self.name != name;
        if is_new || done || self.spoke.is_none_or(|spoke| spoke.elapsed() >= INTERVAL) {
            name.clone_into(&mut self.name);
            self.spoke = Some(Instant::now());
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            // Whoever closed standard error wants no lines.
            let _ = writeln!(stderr(), "downloading {name}: {:.1} of {:.1} MiB", mib(bytes), mib(total));
        }
        if done {
            *self = Self::default();
        }
    }
}
