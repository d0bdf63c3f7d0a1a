//! The observer: which event moves which figure.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mvl_core::{Flow, Metrics, ObserverError, StopReason, TrainingEvent, TrainingObserver};

use super::figures::{Figures, RunState};
use super::page::Page;

/// Shows a running job's figures at `http://ADDRESS/metrics`, for [Prometheus](https://prometheus.io) to read.
///
/// | name | is |
/// |---|---|
/// | `mvl_train_loss`, `_learning_rate`, `_gradient_norm`, `_loss_scale` | of the last step |
/// | `mvl_train_epoch`, `_epochs`, `_steps_per_epoch` | how far it is, and how far it goes |
/// | `mvl_train_steps_total`, `_samples_total`, `_skipped_updates_total`, `_skipped_samples_total` | since the process began, a resume included |
/// | `mvl_train_step_seconds` | a histogram of step times, data loading included, validation not |
/// | `mvl_train_epoch_seconds` | the last epoch's time |
/// | `mvl_train_validation{figure="accuracy"}` | each figure of the last validation |
/// | `mvl_train_checkpoints_total{best="true"}`, `mvl_train_notices_total` | what was saved and said |
/// | `mvl_train_state{state="running"}` | 1 for the state that the run is in: `waiting`, `running`, `finished`, `interrupted`, `failed` |
///
/// Anyone who reaches the address may read, so bind to the loopback device unless the network is yours. It serves until it is
/// dropped; with [`with_linger`](Self::with_linger) it then waits for a last visit, since a run that ends between two visits would
/// end unseen.
///
/// # Example
/// ```
/// use mvl_train::PrometheusExporter;
/// let exporter = PrometheusExporter::bind("127.0.0.1:0")?; // any free port; Prometheus's custom is 9464
/// println!("metrics at http://{}/metrics", exporter.address());
/// # drop(exporter); // Trainer::with_observer(exporter)
/// # Ok::<(), mvl_core::ObserverError>(())
/// ```
#[derive(Debug)]
pub struct PrometheusExporter {
    figures: Figures,
    page: Page,
    linger: Duration,
    /// When the last step ended, or its epoch began.
    step_began: Option<Instant>,
}

impl PrometheusExporter {
    /// The custom address of exporters that come with a program: loopback, port 9464.
    pub const DEFAULT_ADDRESS: &'static str = "127.0.0.1:9464";

    /// Listens at an address, such as `127.0.0.1:9464`; port 0 takes any that is free.
    ///
    /// # Errors
    /// When it is no address, or the port is in use.
    pub fn bind(address: &str) -> Result<Self, ObserverError> {
        let (figures, registry) = Figures::new();
        let page = Page::open(address, registry)?;
        Ok(Self { figures, page, linger: Duration::ZERO, step_began: None })
    }

    /// Sets how long it waits, when it is dropped after a run's end, for somebody to read how the run ended. Prometheus comes every
    /// minute if nothing else is set there. 0 if nothing is said.
    #[must_use]
    pub fn with_linger(mut self, at_most: Duration) -> Self {
        self.linger = at_most;
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.page.address()
    }

    fn step(&mut self, event: &TrainingEvent<'_>) {
        let TrainingEvent::StepFinished {
            epoch, loss, learning_rate, samples, gradient_norm, loss_scale, updated, ..
        } = *event
        else {
            return;
        };
        let (figures, now) = (&self.figures, Instant::now());
        figures.epoch.set(signed(epoch));
        figures.loss.set(loss);
        figures.learning_rate.set(learning_rate);
        for (gauge, value) in [(&figures.gradient_norm, gradient_norm), (&figures.loss_scale, loss_scale)] {
            if let Some(value) = value {
                gauge.set(value);
            }
        }
        figures.steps.inc();
        figures.samples.inc_by(samples as u64);
        figures.skipped_updates.inc_by(u64::from(!updated));
        if let Some(began) = self.step_began.replace(now) {
            figures.step_seconds.observe((now - began).as_secs_f64());
        }
    }

    fn validated(&self, metrics: &Metrics) {
        metrics.iter().for_each(|(figure, value)| self.figures.set_validation(figure, value));
    }

    fn end(&self, state: RunState) {
        self.figures.set_state(state);
        self.page.set_ended(true);
    }
}

impl TrainingObserver for PrometheusExporter {
    fn name(&self) -> &str {
        "prometheus"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        let figures = &self.figures;
        match *event {
            TrainingEvent::RunStarted { epochs, steps_per_epoch, start_epoch, .. } => {
                self.page.set_ended(false);
                figures.set_state(RunState::Running);
                figures.epochs.set(signed(epochs));
                figures.epoch.set(signed(start_epoch));
                figures.steps_per_epoch.set(signed(steps_per_epoch));
            }
            TrainingEvent::EpochStarted { epoch } => {
                figures.epoch.set(signed(epoch));
                self.step_began = Some(Instant::now());
            }
            TrainingEvent::StepFinished { .. } => self.step(event),
            TrainingEvent::ValidationFinished { metrics, .. } => self.validated(metrics),
            TrainingEvent::EpochFinished { valid, time, .. } => {
                valid.into_iter().for_each(|metrics| self.validated(metrics));
                figures.epoch_seconds.set(time.as_secs_f64());
            }
            TrainingEvent::SamplesSkipped { skipped, .. } => {
                figures.skipped_samples.inc_by(skipped.len() as u64);
            }
            TrainingEvent::CheckpointSaved { best, .. } => {
                figures.count_checkpoint(best);
                self.step_began = self.step_began.map(|_| Instant::now()); // saving is no part of the next step
            }
            TrainingEvent::Notice { .. } => {
                figures.notices.inc();
            }
            TrainingEvent::RunFinished { reason, .. } => {
                self.end(if *reason == StopReason::Interrupted { RunState::Interrupted } else { RunState::Finished });
            }
            TrainingEvent::RunFailed { .. } => self.end(RunState::Failed),
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

impl Drop for PrometheusExporter {
    fn drop(&mut self) {
        self.page.wait_until_seen(self.linger);
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
