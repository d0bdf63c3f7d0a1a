//! Two models, two optimisers, no `Task`: a generator learns to draw clothes from noise, and a discriminator to tell its drawings from
//! pictures. Only the loader, the updaters and the schedule are ours; the rest is a loop of burn. Goodfellow et al. 2014
//! (<https://arxiv.org/abs/1406.2661>), with the hinge loss of Lim and Ye 2017 (<https://arxiv.org/abs/1705.02894>).
//!
//! Run: `cargo run --release -p mvl-examples --example two_optimizers [PICTURE.png]`
//! Prints an epoch a line for some seconds, and draws what the generator has come to.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::activation::{leaky_relu, relu};
use burn::tensor::{Device, Distribution, Tensor};
use mvl::data::{Tile, contact_sheet, write_png};
use mvl::prelude::*;
use mvl::train::{AdamConfig, RunPlan, Updater, epoch_batches, prepare_model, seed_step};
use mvl_examples::{clothes, clothes_preprocess};

const NOISE: usize = 32;
const PIXELS: usize = 28 * 28;
const EPOCHS: usize = 25;

/// Noise `[N, 32]` to pictures `[N, 784]`, or pictures to how real they seem `[N, 1]`.
#[derive(Module, Debug)]
struct Perceptron {
    first: Linear,
    second: Linear,
    last: Linear,
}

impl Perceptron {
    fn new([inputs, hidden, outputs]: [usize; 3], device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self { first: linear(inputs, hidden), second: linear(hidden, hidden), last: linear(hidden, outputs) }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let hidden = leaky_relu(self.first.forward(input), 0.2);
        self.last.forward(leaky_relu(self.second.forward(hidden), 0.2))
    }
}

fn draw(generator: &Perceptron, count: usize, device: &Device) -> Tensor<2> {
    let noise = Tensor::random([count, NOISE], Distribution::Normal(0.0, 1.0), device);
    generator.forward(noise).tanh() * 2.0 + 1.2 // about the range of normalised pictures
}

fn main() -> anyhow::Result<()> {
    let device = Cpu::device(0)?.autodiff();
    let (train, _) = clothes(1000)?;
    let shuffled = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(40) };
    let loader = Loader::<Cpu>::new(train, clothes_preprocess(), 0, shuffled)?.on_device(device.clone());

    let adam = AdamConfig { learning_rate: 5e-4, beta1: 0.5, ..AdamConfig::default() };
    let settings = TrainConfig { epochs: EPOCHS, optimizer: OptimizerConfig::Adam(adam), ..TrainConfig::default() };
    let plan = RunPlan::new(&settings, loader.batches_per_epoch());
    let mut generator = prepare_model(Perceptron::new([NOISE, 128, PIXELS], &device), &device, 0);
    let mut discriminator = prepare_model(Perceptron::new([PIXELS, 128, 1], &device), &device, 1);
    let (mut draws, mut judges) = (Updater::new(&settings, &generator), Updater::new(&settings, &discriminator));

    for epoch in 0..EPOCHS {
        let (mut fooled, mut caught) = (0.0, 0.0);
        for (step, batch) in epoch_batches(&loader, "training", epoch, 0)?.enumerate() {
            let (step, real) = (plan.step(epoch, step), batch?.images.flatten::<2>(1, 3));
            let count = real.dims()[0];
            seed_step(&device, step.seed, step.global_step);

            // The discriminator: real pictures above 1, drawn ones below -1. The drawings are constants to it.
            let drawn = draw(&generator, count, &device).detach();
            let loss =
                relu(-discriminator.forward(real) + 1.0).mean() + relu(discriminator.forward(drawn) + 1.0).mean();
            caught += loss.clone().into_scalar::<f64>();
            let gradients = GradientsParams::from_grads(loss.backward(), &discriminator);
            discriminator = judges.step(step.learning_rate, discriminator, gradients);

            // The generator: drawings that seem real.
            let loss = -discriminator.forward(draw(&generator, count, &device)).mean();
            fooled += loss.clone().into_scalar::<f64>();
            let gradients = GradientsParams::from_grads(loss.backward(), &generator);
            generator = draws.step(step.learning_rate, generator, gradients);
        }
        let steps = plan.steps_per_epoch() as f64;
        println!("epoch {epoch:2}: discriminator {:.3}, generator {:+.3}", caught / steps, fooled / steps);
    }

    let drawn = draw(&generator.valid(), 24, &device.clone().without_autodiff());
    let pixels: Vec<f32> = drawn.clone().into_data().iter::<f32>().collect();
    let byte = |value: &f32| ((value * 0.353 + 0.286) * 255.0).clamp(0.0, 255.0) as u8;
    let picture = |pixels: &[f32]| Image::new(28, 28, Channels::Gray, pixels.iter().map(byte).collect());
    let tiles = pixels
        .chunks(PIXELS)
        .map(|pixels| Ok(Tile { image: picture(pixels)?, caption: String::new() }))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let folder = tempfile::tempdir()?;
    let path = std::env::args().nth(1).map_or_else(|| folder.path().join("drawn.png"), Into::into);
    write_png(&contact_sheet(&tiles, 8, 64), &path)?;
    println!("drew {} pictures: {}", tiles.len(), path.display());

    // Noise is not clothes: drawings must have dark borders and a bright middle, as the pictures do.
    let maps = drawn.reshape([24, 28, 28]);
    let brightness = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        maps.clone().slice([0..24, rows, columns]).mean().into_scalar::<f32>()
    };
    let (corner, middle) = (brightness(0..4, 0..4), brightness(10..18, 10..18));
    anyhow::ensure!(middle > corner + 0.5, "expected a bright middle, got {middle} against {corner}");
    Ok(())
}
