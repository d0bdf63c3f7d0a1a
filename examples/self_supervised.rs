//! Learn from pictures without labels: a masked autoencoder (He et al. 2021, <https://arxiv.org/abs/2111.06377>) sees a quarter of a
//! picture's patches and draws the rest. A `Task` of its own, trained by the stock `Trainer`. Then a hundred labels are enough for a
//! linear probe on its features to beat the same probe on an encoder that has learnt nothing.
//!
//! Run: `cargo run --release -p mvl-examples --example self_supervised`
//! Prints the loss of each epoch, and both accuracies after about a minute: 0.565 against 0.450.

use burn::module::{Initializer, Module, Param};
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Int, Tensor};
use mvl::models::losses::CrossEntropy;
use mvl::prelude::*;
use mvl::train::{epoch_batches, prepare_model};
use mvl_examples::{clothes, clothes_preprocess};
use serde_json::{Value, json};

const SIDE: usize = 28;
const PATCH: usize = 4;
const GRID: usize = SIDE / PATCH;
const TOKENS: usize = GRID * GRID;
const PIXELS: usize = PATCH * PATCH;
/// Patches that the encoder sees: a quarter.
const SEEN: usize = TOKENS / 4;
const WIDTH: usize = 64;
const DECODER_WIDTH: usize = 32;
/// How many labels the probe learns from.
const LABELS: usize = 100;

/// An encoder of the patches that are seen, and a small decoder that draws all of them.
#[derive(Module, Debug)]
struct MaskedAutoencoder {
    embed: Linear,
    positions: Param<Tensor<3>>,
    encoder: TransformerEncoder,
    to_decoder: Linear,
    hidden: Param<Tensor<3>>,
    decoder_positions: Param<Tensor<3>>,
    decoder: TransformerEncoder,
    draw: Linear,
}

impl MaskedAutoencoder {
    fn new(device: &Device) -> Self {
        let blocks = |width, heads, blocks| {
            TransformerEncoderConfig::new(width, 2 * width, heads, blocks)
                .with_norm_first(true)
                .with_dropout(0.0)
                .init(device)
        };
        let table = |tokens, width| Initializer::Normal { mean: 0.0, std: 0.02 }.init([1, tokens, width], device);
        Self {
            embed: LinearConfig::new(PIXELS, WIDTH).init(device),
            positions: table(TOKENS, WIDTH),
            encoder: blocks(WIDTH, 4, 3),
            to_decoder: LinearConfig::new(WIDTH, DECODER_WIDTH).init(device),
            hidden: table(1, DECODER_WIDTH),
            decoder_positions: table(TOKENS, DECODER_WIDTH),
            decoder: blocks(DECODER_WIDTH, 2, 1),
            draw: LinearConfig::new(DECODER_WIDTH, PIXELS).init(device),
        }
    }

    fn embed(&self, patches: Tensor<3>) -> Tensor<3> {
        self.embed.forward(patches) + self.positions.val() // [N, L, C]
    }

    /// What there is to know about whole pictures, `[N, C]`.
    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let tokens = self.encoder.forward(TransformerEncoderInput::new(self.embed(patches(images))));
        tokens.mean_dim(1).squeeze_dim(1)
    }
}

/// `[N, 1, 28, 28]` → `[N, 49, 16]`
fn patches(images: Tensor<4>) -> Tensor<3> {
    let count = images.dims()[0];
    images.reshape([count, GRID, PATCH, GRID, PATCH]).permute([0, 1, 3, 2, 4]).reshape([count, TOKENS, PIXELS])
}

/// Rows of `[N, L, C]` by their indices `[N, K]`.
fn pick(tokens: Tensor<3>, rows: Tensor<2, Int>) -> Tensor<3> {
    let ([count, _, width], [_, kept]) = (tokens.dims(), rows.dims());
    tokens.gather(1, rows.unsqueeze_dim::<3>(2).expand([count, kept, width]))
}

/// The kind of problem: patches that are not seen.
struct Reconstruction;

/// All patches as they were drawn and as they are, `[N, L, P]`, and 1 for those that were not seen, `[N, L, 1]`.
struct Drawing {
    drawn: Tensor<3>,
    real: Tensor<3>,
    unseen: Tensor<3>,
}

impl Task for Reconstruction {
    type Model = MaskedAutoencoder;
    type Batch = ImageBatch;
    type Output = Drawing;
    type Prediction = ();
    type Truth = ();

    fn name(&self) -> &str {
        "reconstruction"
    }

    fn describe(&self) -> Value {
        json!({"task": self.name(), "patch": PATCH, "width": WIDTH})
    }

    fn batch_len(&self, batch: &ImageBatch) -> usize {
        batch.len()
    }

    fn forward(&self, model: &MaskedAutoencoder, batch: &ImageBatch) -> Drawing {
        let real = patches(batch.images.clone());
        let (count, device) = (batch.len(), real.device());
        // Each picture's patches in a random order of its own; the first are seen. The trainer has seeded the generator for this step.
        let order = Tensor::<2>::random([count, TOKENS], Distribution::Default, &device).argsort(1);
        let back = order.clone().argsort(1);
        let seen = pick(model.embed(real.clone()), order.narrow(1, 0, SEEN));
        let seen = model.to_decoder.forward(model.encoder.forward(TransformerEncoderInput::new(seen)));
        let hidden = model.hidden.val().expand([count, TOKENS - SEEN, DECODER_WIDTH]);
        let all = pick(Tensor::cat(vec![seen, hidden], 1), back.clone()) + model.decoder_positions.val();
        let drawn = model.draw.forward(model.decoder.forward(TransformerEncoderInput::new(all)));
        let unseen = back.greater_equal_elem(SEEN as i64).float().unsqueeze_dim(2);
        Drawing { drawn, real, unseen }
    }

    /// Mean squared error over the pixels that were not seen.
    fn loss(&self, Drawing { drawn, real, unseen }: &Drawing, _: &ImageBatch) -> Loss {
        let errors = (drawn.clone() - real.clone()).powi_scalar(2).mean_dim(2) * unseen.clone();
        Loss::new(errors.sum() / unseen.clone().sum())
    }

    fn decode(&self, output: Drawing) -> Vec<()> {
        vec![(); output.drawn.dims()[0]]
    }

    fn truths(&self, batch: &ImageBatch) -> Vec<()> {
        vec![(); batch.len()]
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<(), ()>>> {
        Vec::new()
    }

    fn monitor(&self) -> Monitor {
        Monitor::min("loss")
    }
}

/// Features of all pictures, and their classes.
fn features(model: &MaskedAutoencoder, loader: &Loader<Cpu>) -> anyhow::Result<(Tensor<2>, Vec<i64>)> {
    let (mut all, mut labels) = (Vec::new(), Vec::new());
    for batch in epoch_batches(loader, "features", 0, 0)? {
        let batch = batch?;
        all.push(model.features(batch.images));
        labels.extend(batch.annotations.iter().filter_map(|known| known.label).map(|label| label as i64));
    }
    Ok((Tensor::cat(all, 0), labels))
}

/// Accuracy on held-out pictures of a linear layer on the features, learnt from the first labels alone.
fn probe(model: &MaskedAutoencoder, train: &Loader<Cpu>, held: &Loader<Cpu>) -> anyhow::Result<f64> {
    let ((train, labels), (held, truths)) = (features(model, train)?, features(model, held)?);
    let (mean, scale) = (train.clone().mean_dim(0), train.clone().var(0).sqrt() + 1e-6);
    let [train, held] = [train, held].map(|features| (features - mean.clone()) / scale.clone());
    let few = Tensor::from_inner(train.narrow(0, 0, LABELS));
    let device = few.device();
    let targets = Tensor::<1, Int>::from_ints(&labels[..LABELS], &device);
    let mut layer = prepare_model(LinearConfig::new(WIDTH, 10).init(&device), &device, 0);
    let mut optimizer: ModuleOptimizer = AdamConfig::new().init();
    for _ in 0..200 {
        let weight = layer.weight.val();
        let loss = CrossEntropy::new().forward(layer.forward(few.clone()), targets.clone())
            + (weight.clone() * weight).sum() * 1e-2;
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        layer = optimizer.step(0.01, layer, gradients);
    }
    let answers: Vec<i64> = layer.valid().forward(held).argmax(1).into_data().iter::<i64>().collect();
    let right = answers.iter().zip(&truths).filter(|(answer, truth)| answer == truth).count();
    Ok(right as f64 / truths.len() as f64)
}

fn main() -> anyhow::Result<()> {
    let settings = TrainConfig {
        epochs: 30,
        optimizer: OptimizerConfig::adamw(2e-3),
        schedule: ScheduleConfig::cosine().with_warmup_epochs(2.0),
        ..TrainConfig::default()
    };
    let seed = settings.seed;
    let mut trainer = Trainer::<Cpu, _>::new(Reconstruction, settings)?.with_observer(ProgressBar::new());
    let (training, device) = (trainer.training_device()?, trainer.device()?);
    let (pictures, held) = clothes(2000)?;
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(64) };
    let unlabelled =
        Loader::<Cpu>::new(pictures.clone(), clothes_preprocess(), 0, shuffled)?.on_device(training.clone());
    let pictures = Loader::<Cpu>::new(pictures, clothes_preprocess(), 0, LoaderConfig::new(200))?;
    let held = Loader::<Cpu>::new(held, clothes_preprocess(), 0, LoaderConfig::new(200))?;

    let fresh = prepare_model(MaskedAutoencoder::new(&device), &training, seed);
    let before = probe(&fresh.valid(), &pictures, &held)?;
    let trained = trainer.fit(fresh, &unlabelled, None)?;
    let after = probe(&trained.model, &pictures, &held)?;
    println!("accuracy with {LABELS} labels: {after:.3} on features learnt without any, {before:.3} on random ones");
    anyhow::ensure!(after > before + 0.05, "expected features that are better than random ones");
    Ok(())
}
