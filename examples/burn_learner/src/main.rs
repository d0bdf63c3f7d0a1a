//! burn's own `Learner`, with ML Vision Lab's loader, observers and checkpoints plugged in where burn has a socket for each.
//!
//! - [`loader::Epochs`] is a burn `DataLoader` over any of our loaders: the order of every epoch is a function of the seed, whatever
//!   the number of workers, and a resumed run goes on with the epoch that comes next.
//! - [`watch::Watch`] is a burn `MetricLogger` that tells our observers what burn's metrics say, and lets them stop the run.
//! - [`checkpoints::Parts`] are burn `Checkpointer`s that put burn's three records into one checksummed folder, replaced as one.
//!
//! Run: `cargo run --release --manifest-path examples/burn_learner/Cargo.toml`
//! Trains two epochs, goes on from their checkpoint for two more as a new process would, and compares that with four epochs in one go.
//! Prints an epoch a line for some seconds.

mod checkpoints;
mod learnable;
mod loader;
mod watch;

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::SgdConfig;
use burn::optim::momentum::MomentumConfig;
use burn_train::metric::{AccuracyMetric, LearningRateMetric, LossMetric};
use burn_train::{Interrupter, Learner, SupervisedTraining};
use mvl::prelude::*;
use mvl::train::{CheckpointKind, Checkpointer, CsvLog, Observers, OnObserverError, seed_initialization};

use crate::checkpoints::Parts;
use crate::learnable::Learnable;
use crate::loader::Epochs;
use crate::watch::{Run, Watch};

const IMAGES: usize = 600;
const BATCH: usize = 32;
const EPOCHS: usize = 4;
const LEARNING_RATE: f64 = 0.05;
const SEED: u64 = 1;

fn main() -> Result<()> {
    let (broken, whole) = (tempfile::tempdir()?, tempfile::tempdir()?);
    train(broken.path(), 2)?; // as if the process ended here …
    let resumed = train(broken.path(), EPOCHS)?; // … and another one went on
    let uninterrupted = train(whole.path(), EPOCHS)?;
    println!("figures of the last epoch: {resumed:?}, without interruption {uninterrupted:?}");
    ensure!(resumed == uninterrupted, "expected the resumed run to end like the other");
    judge(whole.path(), uninterrupted.get("accuracy").context("no accuracy")?)
}

/// Trains up to an epoch, from the last checkpoint if there is one. Answers what burn measured last on the validation images.
fn train(folder: &Path, epochs: usize) -> Result<Metrics> {
    let device = Cpu::device(0)?;
    let (train, valid) = clothes()?;
    let labels = train.labels().clone();
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(BATCH) };
    let train = Loader::<Cpu>::new(train, clothes_preprocess(), 0, shuffled)?.on_device(device.clone().autodiff());
    let valid = Loader::<Cpu>::new(valid, clothes_preprocess(), 0, LoaderConfig::new(BATCH))?;
    let steps = train.batches_per_epoch();

    let config = ModelConfig::new("resnet8", labels.len()).with_in_channels(1).with_option("width", 0.5);
    let task = ClassificationTask::new(ClassifierSpec::new(config.clone(), labels, clothes_preprocess()));
    seed_initialization(&device, SEED);
    let model = Learnable::new(zoo().create_classifier(&config, &device.clone().autodiff())?, &task);

    let checkpointer = Checkpointer::new(folder);
    checkpointer.create()?;
    let saved = checkpointer.files(CheckpointKind::Last)?;
    let observers =
        Observers::new(OnObserverError::Warn).with(CsvLog::new(folder.join("metrics.csv"))).with(ProgressBar::new());
    let interrupter = Interrupter::new();
    let run =
        Run::new(&task, observers, [EPOCHS, steps, train.samples_per_epoch()], interrupter.clone(), saved.as_ref())?;
    let first = run.state().epoch;
    let run = Arc::new(Mutex::new(run));
    let [weights, optimizer, schedule] = Parts::of(checkpointer, run.clone(), task.clone(), model.clone());

    let training = SupervisedTraining::<Learnable>::new(folder, Epochs::from(train, first), Epochs::from(valid, 0))
        .metric_train_numeric(LossMetric::new())
        .metric_train_numeric(LearningRateMetric::new())
        .metric_valid_numeric(LossMetric::new())
        .metric_valid_numeric(AccuracyMetric::new())
        .num_epochs(epochs)
        .with_interrupter(interrupter)
        .with_application_logger(None)
        .renderer(Box::new(watch::Silent))
        .with_metric_logger(Watch::new(run.clone()))
        .with_custom_checkpointers(weights, optimizer, schedule);
    let training = if first == 0 { training } else { training.checkpoint(first) };

    let schedule =
        CosineAnnealingLrSchedulerConfig::new(LEARNING_RATE, EPOCHS * steps).init().map_err(anyhow::Error::msg)?;
    let optimizer = SgdConfig::new().with_momentum(Some(MomentumConfig::new())).init();
    let result = training.launch(Learner::new(model, optimizer, schedule));
    if let Some(error) = result.error {
        return Err(anyhow::Error::msg(error.to_string()));
    }
    let mut run = run.lock().expect("no thread of burn's panicked");
    run.finish()?;
    run.state().history.last().and_then(|epoch| epoch.valid.clone()).context("no epoch was judged")
}

/// The saved model is one like any other: `mvl predict` takes it, and so does this.
fn judge(folder: &Path, expected: f64) -> Result<()> {
    let device = Cpu::device(0)?;
    let checkpoint = Checkpointer::new(folder).path(CheckpointKind::Last);
    let (model, spec) = load_classifier(&checkpoint, &zoo(), &device)?;
    let (_, valid) = clothes()?;
    let valid = Loader::<Cpu>::new(valid, clothes_preprocess(), 0, LoaderConfig::new(BATCH))?;
    let figures = evaluate(&ClassificationTask::new(spec), &model, &valid, |_, _, _| {})?;
    let accuracy = figures.get("accuracy").context("no accuracy")?;
    println!("burn measured {expected:.3}, the saved model has {accuracy:.3}");
    ensure!((accuracy - expected).abs() < 0.05, "the saved model is not the one that was trained");
    ensure!(accuracy > 0.4, "expected more than guessing, 0.1");
    Ok(())
}

type Pictures = Arc<dyn LabelledDataset>;

/// Pictures of clothes, 28×28 and grey, dealt out 4 : 1.
fn clothes() -> Result<(Pictures, Pictures)> {
    let all: Pictures = Arc::new(fashion_mnist_part(Split::Test)?);
    let few: Pictures = Arc::new(Subset::new(all, (0..IMAGES).collect::<Vec<_>>())?);
    let (train, held) = split_balanced(&*few, 0.2, 0);
    Ok((Arc::new(Subset::new(few.clone(), train)?), Arc::new(Subset::new(few, held)?)))
}

fn clothes_preprocess() -> Preprocess {
    Preprocess::exact(28, 28, Channels::Gray, &[0.286], &[0.353])
}
