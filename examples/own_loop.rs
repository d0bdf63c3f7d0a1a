//! Your own loop, without `Trainer`: the same pieces, in your order. Here the learning rate is halved whenever the validation
//! loss has not improved, which no schedule does.
//!
//! Run: `cargo run --release -p mvl-examples --example own_loop`
//! Prints an epoch a line for some seconds.

use mvl::prelude::*;
use mvl::train::{MeanLoss, RunPlan, Updater, epoch_batches, prepare_model, train_step};
use mvl_examples::{clothes, clothes_preprocess};

fn main() -> anyhow::Result<()> {
    let device = Cpu::device(0)?;
    let training_device = device.clone().autodiff(); // gradients, and batch statistics in normalisation layers

    let (train, valid) = clothes(600)?;
    let labels = train.labels().clone();
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(32) };
    let train = Loader::<Cpu>::new(train, clothes_preprocess(), 0, shuffled)?.on_device(training_device.clone());
    let valid = Loader::<Cpu>::new(valid, clothes_preprocess(), 0, LoaderConfig::new(32))?;

    let config = ModelConfig::new("resnet8", labels.len()).with_in_channels(1).with_option("width", 0.5);
    let task = ClassificationTask::new(ClassifierSpec::new(config.clone(), labels, clothes_preprocess()));
    let settings = TrainConfig {
        epochs: 4,
        optimizer: OptimizerConfig::sgd(0.05),
        schedule: ScheduleConfig::constant(),
        ..TrainConfig::default()
    };

    let plan = RunPlan::new(&settings, train.batches_per_epoch());
    let mut model = prepare_model(zoo().create_classifier(&config, &device)?, &training_device, settings.seed);
    let mut updater = Updater::new(&settings, &model);
    let (mut factor, mut best) = (1.0, f64::INFINITY);
    for epoch in 0..settings.epochs {
        let mut mean = MeanLoss::default();
        for (step, batch) in epoch_batches(&train, "training", epoch, 0)?.enumerate() {
            let mut step = plan.step(epoch, step);
            step.learning_rate *= factor; // the twist
            let (updated, report) = train_step(&task, model, &[batch?], &mut updater, step)?;
            model = updated;
            mean.add(&report.loss, report.samples);
        }
        let figures = evaluate(&task, &model, &valid, |_, _, _| {})?;
        let loss = figures.get("loss").unwrap_or(f64::NAN);
        let accuracy = figures.get("accuracy").unwrap_or(f64::NAN);
        println!("epoch {epoch}: train {:?}, valid loss {loss:.3}, accuracy {accuracy:.3}", mean.metrics().0);
        if loss < best {
            best = loss;
        } else {
            factor /= 2.0;
        }
    }
    anyhow::ensure!(best < 2.0, "expected the loss to fall below that of guessing, 2.3");
    Ok(())
}
