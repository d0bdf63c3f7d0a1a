//! Your own data set: pictures of discs and squares that are drawn when they are asked for.
//!
//! Run: `cargo run --release -p mvl-examples --example own_dataset`
//! Prints an accuracy near 1 after some seconds.

use std::sync::Arc;

use mvl::prelude::*;

const SIDE: u32 = 24;

/// Even indices are discs, odd ones squares.
struct Shapes {
    len: usize,
    labels: Labels,
}

impl Shapes {
    fn new(len: usize) -> Self {
        Self { len, labels: Labels::new(["disc", "square"]) }
    }
}

impl Dataset<Sample> for Shapes {
    fn len(&self) -> usize {
        self.len
    }

    /// A pure function of the key: the same index is the same picture, on every worker and in every run.
    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        let label = self.label_of(key.index).ok_or_else(|| DataError::invalid(format!("no picture {}", key.index)))?;
        let mut rng = SampleKey::plain(key.index).rng(0);
        let middle = f64::from(SIDE) / 2.0;
        let (x, y) = (rng.between(middle - 4.0, middle + 4.0), rng.between(middle - 4.0, middle + 4.0));
        let radius = rng.between(4.0, 8.0);
        let mut pixels = Vec::with_capacity((SIDE * SIDE) as usize);
        for at in 0..SIDE * SIDE {
            let (dx, dy) = (f64::from(at % SIDE) - x, f64::from(at / SIDE) - y);
            let inside = if label == 0 { dx.hypot(dy) < radius } else { dx.abs().max(dy.abs()) < 0.85 * radius };
            pixels.push(if inside { 220 } else { 30 } + rng.below(30) as u8);
        }
        let image = Image::new(SIDE, SIDE, Channels::Gray, pixels).expect("a square of pixels");
        Ok(Sample::new(image, format!("shape {}", key.index)).with_label(label))
    }
}

/// Labels without drawing anything: splits and samplers ask for all of them.
impl LabelledDataset for Shapes {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        (index < self.len).then_some(index % 2)
    }
}

fn main() -> anyhow::Result<()> {
    let shapes: Arc<dyn LabelledDataset> = Arc::new(Shapes::new(600));
    let (train, valid) = split_balanced(&*shapes, 0.2, 0);
    let preprocess = Preprocess::exact(SIDE, SIDE, Channels::Gray, &[0.3], &[0.3]);
    let config = ModelConfig::new("resnet8", 2).with_in_channels(1).with_option("width", 0.5);
    let spec = ClassifierSpec::new(config.clone(), shapes.labels().clone(), preprocess.clone());

    let settings = TrainConfig { epochs: 3, optimizer: OptimizerConfig::sgd(0.05), ..TrainConfig::default() };
    let mut trainer =
        Trainer::<Cpu, _>::new(ClassificationTask::new(spec), settings)?.with_observer(ProgressBar::new());
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(32) };
    let train = Arc::new(Subset::new(shapes.clone(), train)?);
    let train = Loader::<Cpu>::new(train, preprocess.clone(), 0, shuffled)?.on_device(trainer.training_device()?);
    let valid = Arc::new(Subset::new(shapes, valid)?);
    let valid = Loader::<Cpu>::new(valid, preprocess, 0, LoaderConfig::new(32))?;

    let model = zoo().create_classifier(&config, &trainer.device()?)?;
    let trained = trainer.fit(model, &train, Some(&valid))?;
    let accuracy = trained.best.map_or(0.0, |best| best.value);
    println!("accuracy {accuracy:.3}");
    anyhow::ensure!(accuracy > 0.9, "expected discs and squares to be told apart");
    Ok(())
}
