//! How much quicker are the layers that learn on the CPU than burn's own? Forward and backward of a convolution or a normalisation,
//! in turn, as `forward_mixed` takes them and as burn does.
//! Run: `cargo bench --workspace --bench learnt_layers`

use anyhow::Result;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Distribution, Tensor};
use mvl::core::{Backend, MixedForward};
use mvl_benches::{heading, measure, on_every_backend};

on_every_backend!(run);

fn run<B: Backend>() -> Result<()> {
    heading::<B>("learnt layers, images/s forward and backward");
    let device = B::device(0)?.autodiff();
    let padded = |channels, kernel: usize| {
        let side = kernel / 2;
        let padding = PaddingConfig2d::Explicit(side, side, side, side);
        Conv2dConfig::new(channels, [kernel; 2]).with_padding(padding).with_bias(false)
    };
    convolution("48 channels, 14×14, 3×3", &padded([48, 48], 3), [128, 48, 14, 14], &device);
    convolution("192 channels, 4×4, 3×3", &padded([192, 192], 3), [128, 192, 4, 4], &device);
    convolution("64 channels, 56×56, 3×3", &padded([64, 64], 3), [8, 64, 56, 56], &device);
    convolution(
        "48 to 96 channels, 14×14, 3×3, stride 2",
        &padded([48, 96], 3).with_stride([2; 2]),
        [128, 48, 14, 14],
        &device,
    );
    convolution(
        "3 to 64 channels, 224×224, 7×7, stride 2",
        &padded([3, 64], 7).with_stride([2; 2]),
        [4, 3, 224, 224],
        &device,
    );
    convolution("256 to 64 channels, 14×14, 1×1", &padded([256, 64], 1), [32, 256, 14, 14], &device);
    let depthwise = padded([96, 96], 3).with_groups(96);
    convolution("96 channels apart, 28×28, 3×3", &depthwise, [16, 96, 28, 28], &device);
    convolution("96 channels apart, 56×56, 3×3, stride 2", &depthwise.with_stride([2; 2]), [8, 96, 56, 56], &device);
    let norm = BatchNormConfig::new(64).init(&device);
    compare(
        "batch normalisation, 64 channels, 14×14",
        [128, 64, 14, 14],
        &device,
        |x| norm.forward_mixed(x),
        |x| BatchNorm::forward(&norm, x),
    );
    Ok(())
}

fn convolution(name: &str, config: &Conv2dConfig, shape: [usize; 4], device: &Device) {
    let conv = config.init(device);
    compare(name, shape, device, |x| conv.forward_mixed(x), |x| Conv2d::forward(&conv, x));
}

fn compare(
    name: &str,
    shape: [usize; 4],
    device: &Device,
    ours: impl Fn(Tensor<4>) -> Tensor<4>,
    burns: impl Fn(Tensor<4>) -> Tensor<4>,
) {
    let images = Tensor::random(shape, Distribution::Normal(0.0, 1.0), device).require_grad();
    let rate = |layer: &dyn Fn(Tensor<4>) -> Tensor<4>| {
        let timing = measure(|| {
            let gradients = layer(images.clone()).sum().backward();
            let of_images = images.grad(&gradients).expect("of the images");
            assert!(of_images.slice([0..1, 0..1, 0..1, 0..1]).into_scalar::<f32>().is_finite());
        });
        shape[0] as f64 / timing.median.as_secs_f64()
    };
    let (ours, burns) = (rate(&ours), rate(&burns));
    println!("  {name:<42} {ours:>8.0} ours {burns:>8.0} burn's {:>6.1} times", ours / burns);
}
