//! The run as a dashboard that fills the terminal.
//!
//! `view` is what is shown, `log` the lines below, `screen` the terminal, and `ansi_backend` how ratatui draws to it.

mod ansi_backend;
mod log;
mod screen;
mod view;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver};

use self::log::Log;
use self::screen::Screen;
use self::view::View;
use super::ProgressBar;

/// The least time between two pictures.
const INTERVAL: Duration = Duration::from_millis(200);

/// Fills the terminal on standard error with the run: how far it is, curves of loss and learning rate over steps, images a second and the time left,
/// the figures of the last epoch, and a log of epochs and notices.
///
/// Where standard error is no terminal, it writes the plain lines of a [`ProgressBar`] instead. When the run ends, or panics, the
/// terminal is as it was, and the log (its last thousand lines) is printed. After a kill that leaves a program no time, `reset` brings the terminal
/// back. It is used instead of a [`ProgressBar`], not beside one. After a resume the curves begin there.
///
/// It installs a panic hook, which leaves the dashboard and then calls the hook from before.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when the terminal cannot be written to.
///
/// # Example
/// ```
/// use mvl_train::{Dashboard, Observers, OnObserverError};
/// let observers = Observers::new(OnObserverError::Warn).with(Dashboard::new());
/// # let _ = observers;
/// ```
pub struct Dashboard {
    output: Output,
}

enum Output {
    Lines(ProgressBar),
    Live(Box<Live>),
}

/// A dashboard, and the lines that it keeps for later.
struct Live {
    enter: fn() -> io::Result<Option<Screen>>,
    /// There while a run goes on.
    screen: Option<Screen>,
    view: View,
    lines: ProgressBar,
    log: Log,
    drawn: Instant,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self::new()
    }
}

impl Dashboard {
    /// On standard error: a dashboard if that is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        let able = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let output = if able {
            Output::Live(Box::new(Live::new(|| Screen::enter().map(Some))))
        } else {
            Output::Lines(ProgressBar::new())
        };
        Self { output }
    }
}

impl Live {
    fn new(enter: fn() -> io::Result<Option<Screen>>) -> Self {
        let log = Log::default();
        Self {
            enter,
            screen: None,
            view: View::new(log.clone()),
            lines: ProgressBar::lines(log.clone()).with_interval(Duration::MAX),
            log,
            drawn: Instant::now(),
        }
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        let failed = |error| ObserverError::with_source("cannot draw the dashboard", error);
        let flow = self.lines.update(event)?;
        self.view.take_in(event);
        match event {
            TrainingEvent::RunStarted { .. } => {
                self.screen = (self.enter)().map_err(failed)?;
                self.draw(true).map_err(failed)?;
            }
            TrainingEvent::RunFinished { .. } | TrainingEvent::RunFailed { .. } => self.end().map_err(failed)?,
            // Others may have written across the picture.
            TrainingEvent::EpochFinished { .. } => self.draw(true).map_err(failed)?,
            _ if self.drawn.elapsed() >= INTERVAL => self.draw(false).map_err(failed)?,
            _ => {}
        }
        Ok(flow)
    }

    fn draw(&mut self, all: bool) -> io::Result<()> {
        self.drawn = Instant::now();
        self.screen.as_mut().map_or(Ok(()), |screen| screen.draw(&self.view, all))
    }

    /// Gives the terminal back, with what there was to say.
    fn end(&mut self) -> io::Result<()> {
        self.screen = None;
        let mut out = io::stderr().lock();
        self.log.take().iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Nobody is left to be told of a failure.
        let _ = self.end();
    }
}

impl TrainingObserver for Dashboard {
    fn name(&self) -> &str {
        "dashboard"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match &mut self.output {
            Output::Lines(lines) => lines.update(event),
            Output::Live(live) => live.update(event),
        }
    }
}

impl std::fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let output = match &self.output {
            Output::Lines(_) => "lines",
            Output::Live(_) => "terminal",
        };
        f.debug_struct("Dashboard").field("output", &output).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::conformance;

    use super::*;

    #[test]
    fn keeps_the_contract() {
        // Without a screen, which tests do not have for sure.
        conformance::observer(|| Dashboard { output: Output::Live(Box::new(Live::new(|| Ok(None)))) });
        let lines = || Output::Lines(ProgressBar::lines(io::sink()));
        conformance::observer(|| Dashboard { output: lines() });
    }

    #[test]
    fn the_log_outlives_the_picture() {
        let mut live = Live::new(|| Ok(None));
        let notice = TrainingEvent::Notice { message: "the loss scale was halved" };
        assert_eq!(live.update(&notice).expect("nothing is drawn yet"), Flow::Continue);
        assert_eq!(live.log.last(9), ["the loss scale was halved"]);
        live.end().expect("printed");
        assert!(live.log.last(9).is_empty());
    }
}
