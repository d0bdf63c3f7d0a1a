//! Which batch size fits: sizes are doubled until a step fails, takes too much memory, or is no faster for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use mvl_core::{DataError, DataLoader, Task, resident_bytes};
use serde::Serialize;

use crate::prepare::own_copy;
use crate::{RunPlan, TrainConfig, TrainError, Updater, epoch_batches, train_step};

/// Which sizes are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSizeConfig {
    /// The first size; each next is twice as large.
    pub smallest: usize,
    /// No size exceeds this.
    pub largest: usize,
    /// Updates for each size; the first is not timed.
    pub steps: usize,
    /// Bytes that the process may hold, where the system tells; on a GPU its own memory is the limit.
    pub memory_bytes: Option<u64>,
}

impl Default for BatchSizeConfig {
    fn default() -> Self {
        Self { smallest: 8, largest: 4096, steps: 3, memory_bytes: None }
    }
}

/// What came of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchSizeTrial {
    /// Samples in a batch.
    pub batch_size: usize,
    /// Samples a second, without loading; `None` when it did not fit.
    pub samples_per_second: Option<f64>,
    /// Bytes that the process held after it, where the system tells.
    pub memory_bytes: Option<u64>,
    /// Why it did not fit.
    pub failure: Option<String>,
}

/// What came of all sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchSizeReport {
    /// In the order they were tried.
    pub trials: Vec<BatchSizeTrial>,
    /// The largest that fits.
    pub largest: Option<usize>,
    /// The smallest that is within a twentieth of the fastest.
    pub suggestion: Option<usize>,
}

/// Tries sizes on copies of the model, each with a loader that `loader` makes for it. A device that runs out of memory ends a step by a
/// panic, which is caught here and printed by the program's panic hook. The model must come from [`prepare_model`](crate::prepare_model).
///
/// # Errors
/// Those of the data, and of a step that fails for another reason than its size.
pub fn find_batch_size<T: Task, L: DataLoader<Batch = T::Batch>>(
    task: &T,
    model: &T::Model,
    mut loader: impl FnMut(usize) -> Result<L, DataError>,
    settings: &TrainConfig,
    config: BatchSizeConfig,
) -> Result<BatchSizeReport, TrainError> {
    let mut trials: Vec<BatchSizeTrial> = Vec::new();
    let mut size = config.smallest.max(1);
    while size <= config.largest {
        let data = |source| TrainError::Data { pass: "training", epoch: 0, source };
        let loader = loader(size).map_err(data)?;
        let Some(batch) = epoch_batches(&loader, "training", 0, 0)?.next().transpose()? else {
            return Err(TrainError::NoBatches { pass: "training" });
        };
        let samples = task.batch_len(&batch);
        if samples < size {
            break; // there is no more data
        }
        let timed = catch_unwind(AssertUnwindSafe(|| time(task, own_copy(model), &batch, settings, config.steps)));
        let (seconds, failure) = match timed {
            Ok(Ok(seconds)) => (Some(seconds), None),
            Ok(Err(error)) => return Err(error),
            Err(panic) => (None, Some(message(&*panic))),
        };
        let memory_bytes = resident_bytes();
        let too_much = memory_bytes.zip(config.memory_bytes).filter(|(held, most)| held > most);
        let failure = failure.or_else(|| too_much.map(|(held, most)| format!("took {held} bytes of {most}")));
        let samples_per_second = seconds.filter(|_| failure.is_none()).map(|seconds| samples as f64 / seconds);
        let fits = failure.is_none();
        trials.push(BatchSizeTrial { batch_size: size, samples_per_second, memory_bytes, failure });
        if !fits {
            break;
        }
        size *= 2;
    }
    let rates = || trials.iter().filter_map(|trial| Some((trial.batch_size, trial.samples_per_second?)));
    let fastest = rates().map(|(_, rate)| rate).fold(0.0, f64::max);
    let suggestion = rates().find(|(_, rate)| *rate >= 0.95 * fastest).map(|(size, _)| size);
    Ok(BatchSizeReport { largest: rates().map(|(size, _)| size).next_back(), suggestion, trials })
}

/// Seconds of an update.
fn time<T: Task>(
    task: &T,
    mut model: T::Model,
    batch: &T::Batch,
    settings: &TrainConfig,
    steps: usize,
) -> Result<f64, TrainError> {
    let plan = RunPlan::new(settings, steps + 1);
    let mut updater = Updater::new(settings, &model);
    let mut began = Instant::now();
    for number in 0..=steps.max(1) {
        if number == 1 {
            began = Instant::now();
        }
        // The loss is read at the end of each step, so nothing is left to do then but the update.
        model = train_step(task, model, std::slice::from_ref(batch), &mut updater, plan.step(0, number))?.0;
    }
    Ok(began.elapsed().as_secs_f64() / steps.max(1) as f64)
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the step panicked".to_owned())
}
