//! What each step of a run is made with: a pure function of the settings and the step's place, and of the epochs before it
//! where the schedule waits for a figure.

use mvl_core::Monitor;

use crate::{EpochSummary, GradientClipConfig, Schedule, TrainConfig, TrainError};

/// The plan of a whole run.
///
/// # Example
/// ```
/// use mvl_train::{OptimizerConfig, RunPlan, ScheduleConfig, TrainConfig};
/// let config = TrainConfig { schedule: ScheduleConfig::constant(), optimizer: OptimizerConfig::sgd(0.1), ..TrainConfig::default() };
/// let step = RunPlan::new(&config, 100).step(2, 7); // 100 steps an epoch; step 7 of epoch 2
/// assert_eq!((step.global_step, step.learning_rate), (207, 0.1));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    seed: u64,
    schedule: Schedule,
    batches_per_epoch: usize,
    gradient_accumulation: usize,
    gradient_clip: Option<GradientClipConfig>,
}

/// What one step is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepPlan {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The step in the epoch, from 0.
    pub step: usize,
    /// The step in the run, from 0.
    pub global_step: usize,
    /// The number of its first batch in the run, from 0.
    pub first_batch: usize,
    /// The run's seed.
    pub seed: u64,
    /// The learning rate.
    pub learning_rate: f64,
    /// How gradients are clipped, if they are.
    pub gradient_clip: Option<GradientClipConfig>,
}

impl RunPlan {
    /// The plan of a run with this many batches in each epoch.
    pub fn new(config: &TrainConfig, batches_per_epoch: usize) -> Self {
        let steps_per_epoch = batches_per_epoch.div_ceil(config.gradient_accumulation.max(1));
        Self {
            seed: config.seed,
            schedule: config.schedule.init(config.optimizer.learning_rate(), steps_per_epoch, config.epochs),
            batches_per_epoch,
            gradient_accumulation: config.gradient_accumulation.max(1),
            gradient_clip: config.gradient_clip,
        }
    }

    /// Updates of the weights in each epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.batches_per_epoch.div_ceil(self.gradient_accumulation)
    }

    /// Batches whose gradients make one update; the last of an epoch may have fewer.
    pub fn gradient_accumulation(&self) -> usize {
        self.gradient_accumulation
    }

    /// Takes in the finished epochs of the run, all of them each time, for a schedule that waits for a figure: that of its
    /// own monitor, or else of `usual`.
    ///
    /// # Errors
    /// [`TrainError::Config`] when an epoch has no such figure.
    pub fn after(&mut self, history: &[EpochSummary], usual: &Monitor) -> Result<(), TrainError> {
        self.schedule.after(history, usual)
    }

    /// The plan of one step.
    pub fn step(&self, epoch: usize, step: usize) -> StepPlan {
        let global_step = epoch * self.steps_per_epoch() + step;
        StepPlan {
            epoch,
            step,
            global_step,
            first_batch: epoch * self.batches_per_epoch + step * self.gradient_accumulation,
            seed: self.seed,
            learning_rate: self.schedule.learning_rate(global_step),
            gradient_clip: self.gradient_clip,
        }
    }
}
