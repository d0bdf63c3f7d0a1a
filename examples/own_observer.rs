//! Your own observer: it keeps the loss of every step, draws it with letters, and stops the run when it has seen enough.
//!
//! Run: `cargo run --release -p mvl-examples --example own_observer`
//! Prints a little curve after some seconds.

use mvl::prelude::*;
use mvl_examples::{clothes, clothes_preprocess};

const ENOUGH: usize = 40; // steps
const HEIGHT: usize = 8; // lines

#[derive(Default)]
struct Sketch {
    losses: Vec<f64>,
}

impl TrainingObserver for Sketch {
    fn name(&self) -> &str {
        "sketch"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match event {
            TrainingEvent::StepFinished { loss, .. } => self.losses.push(*loss),
            TrainingEvent::RunFinished { reason, .. } => println!("{}the run ended: {reason:?}", self.draw()),
            _ => {} // whatever else happens, now or in later versions
        }
        match self.losses.len() {
            ENOUGH => Ok(Flow::Stop { reason: format!("{ENOUGH} steps are enough for a sketch") }),
            _ => Ok(Flow::Continue),
        }
    }
}

impl Sketch {
    fn draw(&self) -> String {
        let top = self.losses.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let line = |row: usize| {
            let level = top * row as f64 / HEIGHT as f64;
            let mark = |loss: &f64| if *loss > level { '#' } else { ' ' };
            format!("{level:5.2} |{}\n", self.losses.iter().map(mark).collect::<String>())
        };
        (0..HEIGHT).rev().map(line).collect()
    }
}

fn main() -> anyhow::Result<()> {
    mvl::core::conformance::observer(Sketch::default); // bears every kind of run

    let (train, _) = clothes(500)?;
    let config = ModelConfig::new("resnet8", train.labels().len()).with_in_channels(1).with_option("width", 0.5);
    let spec = ClassifierSpec::new(config.clone(), train.labels().clone(), clothes_preprocess());
    let settings = TrainConfig { epochs: 10, optimizer: OptimizerConfig::sgd(0.05), ..TrainConfig::default() };
    let mut trainer = Trainer::<Cpu, _>::new(ClassificationTask::new(spec), settings)?.with_observer(Sketch::default());
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(32) };
    let train = Loader::<Cpu>::new(train, clothes_preprocess(), 0, shuffled)?.on_device(trainer.training_device()?);

    let model = zoo().create_classifier(&config, &trainer.device()?)?;
    let trained = trainer.fit(model, &train, None)?;
    anyhow::ensure!(trained.stop_reason != StopReason::Completed, "expected the sketch to stop the run");
    Ok(())
}
