//! What the page shows, by name.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

/// The upper limit of the first bucket of step times, in seconds.
const FIRST_BUCKET_SECONDS: f64 = 0.001;
/// Each bucket reaches twice as far as the one before it: the last to 65.5 s.
const BUCKETS: u16 = 17;

type Labels = Vec<(&'static str, String)>;
pub(super) type Number = Gauge<f64, AtomicU64>;

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunState {
    Waiting,
    Running,
    Finished,
    Interrupted,
    Failed,
}

const STATES: [(RunState, &str); 5] = [
    (RunState::Waiting, "waiting"),
    (RunState::Running, "running"),
    (RunState::Finished, "finished"),
    (RunState::Interrupted, "interrupted"),
    (RunState::Failed, "failed"),
];

/// Everything that is counted; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) loss: Number,
    pub(super) learning_rate: Number,
    pub(super) gradient_norm: Number,
    pub(super) loss_scale: Number,
    pub(super) epoch: Gauge,
    pub(super) epochs: Gauge,
    pub(super) steps_per_epoch: Gauge,
    pub(super) steps: Counter,
    pub(super) skipped_updates: Counter,
    pub(super) samples: Counter,
    pub(super) skipped_samples: Counter,
    pub(super) step_seconds: Histogram,
    pub(super) epoch_seconds: Number,
    pub(super) notices: Counter,
    validation: Family<Labels, Number>,
    checkpoints: Family<Labels, Counter>,
    states: Family<Labels, Gauge>,
}

impl Figures {
    /// All figures at their beginning, and the registry that they are shown from.
    pub(super) fn new() -> (Self, Registry) {
        let mut registry = Registry::with_prefix("mvl_train");
        let step_seconds = Histogram::new(exponential_buckets(FIRST_BUCKET_SECONDS, 2.0, BUCKETS));
        let figures = Self {
            loss: add(&mut registry, "loss", "Mean loss of the last batch", Number::default()),
            learning_rate: add(&mut registry, "learning_rate", "Learning rate of the last step", Number::default()),
            gradient_norm: add(
                &mut registry,
                "gradient_norm",
                "Norm of all gradients before clipping; 0 where it is not measured",
                Number::default(),
            ),
            loss_scale: add(
                &mut registry,
                "loss_scale",
                "Factor on the loss; 0 where a precision needs none",
                Number::default(),
            ),
            epoch: add(&mut registry, "epoch", "Epoch under way, counted from 0", Gauge::default()),
            epochs: add(&mut registry, "epochs", "Epochs of the run", Gauge::default()),
            steps_per_epoch: add(&mut registry, "steps_per_epoch", "Steps of an epoch", Gauge::default()),
            steps: add(&mut registry, "steps", "Steps since the process began", Counter::default()),
            skipped_updates: add(
                &mut registry,
                "skipped_updates",
                "Steps whose scaled gradients overflowed, so that nothing was learnt",
                Counter::default(),
            ),
            samples: add(&mut registry, "samples", "Samples trained on since the process began", Counter::default()),
            skipped_samples: add(
                &mut registry,
                "skipped_samples",
                "Samples that could not be read",
                Counter::default(),
            ),
            step_seconds: add(&mut registry, "step_seconds", "Time of a step, data loading included", step_seconds),
            epoch_seconds: add(
                &mut registry,
                "epoch_seconds",
                "Time of the last epoch, validation included",
                Number::default(),
            ),
            notices: add(&mut registry, "notices", "Notices to the user", Counter::default()),
            validation: add(&mut registry, "validation", "Figures of the last validation", Family::default()),
            checkpoints: add(&mut registry, "checkpoints", "Checkpoints saved", Family::default()),
            states: add(&mut registry, "state", "1 for the state that the run is in", Family::default()),
        };
        for best in [false, true] {
            let _ = figures.checkpoints.get_or_create(&kind_of_checkpoint(best)); // shown from the first page on
        }
        figures.set_state(RunState::Waiting);
        (figures, registry)
    }

    pub(super) fn set_state(&self, now: RunState) {
        for (state, name) in STATES {
            self.states.get_or_create(&vec![("state", name.to_owned())]).set(i64::from(state == now));
        }
    }

    pub(super) fn set_validation(&self, figure: &str, value: f64) {
        self.validation.get_or_create(&vec![("figure", figure.to_owned())]).set(value);
    }

    pub(super) fn count_checkpoint(&self, best: bool) {
        self.checkpoints.get_or_create(&kind_of_checkpoint(best)).inc();
    }
}

fn kind_of_checkpoint(best: bool) -> Labels {
    vec![("best", best.to_string())]
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}
