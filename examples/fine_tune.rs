//! Fine-tune a head on a frozen backbone: a model that knows ten kinds of clothes learns to tell footwear from the rest.
//!
//! Run: `cargo run --release -p mvl-examples --example fine_tune`
//! Prints an accuracy above 95 % after a few seconds.

use std::sync::Arc;

use burn::module::Module;
use mvl::prelude::*;
use mvl_examples::{asset, clothes};

/// The same pictures with other labels: 1 for sandals, sneakers and boots, 0 for the rest.
struct Footwear {
    clothes: Arc<dyn LabelledDataset>,
}

const FOOTWEAR: [usize; 3] = [5, 7, 9];

impl Dataset<Sample> for Footwear {
    fn len(&self) -> usize {
        self.clothes.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        let mut sample = self.clothes.get(key)?;
        sample.annotations.label = sample.annotations.label.map(|label| usize::from(FOOTWEAR.contains(&label)));
        Ok(sample)
    }
}

fn main() -> anyhow::Result<()> {
    let registry = zoo();
    let device = Cpu::device(0)?;

    // The old backbone, frozen, with a new head for two classes.
    let (pretrained, old) = load_classifier(asset("clothes").as_ref(), &registry, &device)?;
    let config = ModelConfig { num_classes: 2, ..old.model };
    let fresh = registry.create_classifier(&config, &device)?;
    let model = Network::new(pretrained.backbone.freeze(), fresh.head);

    let spec = ClassifierSpec::new(config, Labels::new(["other", "footwear"]), old.preprocess.clone());
    let settings = TrainConfig { epochs: 3, optimizer: OptimizerConfig::adamw(0.02), ..TrainConfig::default() };
    let mut trainer =
        Trainer::<Cpu, _>::new(ClassificationTask::new(spec), settings)?.with_observer(ProgressBar::new());

    let (train, valid) = clothes(500)?;
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(32) };
    let train = Loader::<Cpu>::new(Arc::new(Footwear { clothes: train }), old.preprocess.clone(), 0, shuffled)?
        .on_device(trainer.training_device()?);
    let valid = Loader::<Cpu>::new(Arc::new(Footwear { clothes: valid }), old.preprocess, 0, LoaderConfig::new(32))?;

    let trained = trainer.fit(model, &train, Some(&valid))?;
    let accuracy = trained.best.map_or(0.0, |best| best.value);
    println!("accuracy {accuracy:.3} on pictures never trained on");
    anyhow::ensure!(accuracy > 0.9, "expected a useful model");
    Ok(())
}
