//! Does a backbone do what its taps say, learn, and survive being saved?

use burn::backend::Capture;
use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::gradients::finite_gradients;
use super::half_precision::half_precision;
use super::worn::{LastBits, UnlikeFresh};
use crate::{Backbone, BoxedBackbone, Feature, Layout, MAX_TAPS, ModelConfig, ModelFactory, TapSet, fuse};

/// Largest difference allowed between an output and the same output after a round trip through a file's bytes.
const ROUND_TRIP: f32 = 0.0;
/// Largest difference allowed between outputs of a model and of its fused form, in root mean squares where they are above 1.
pub(super) const FUSED: f32 = 1e-4;
/// So many times what the last bits of the weights change, where that is more.
const LAST_BITS: f32 = 4.0;
/// Of the step of training.
const LEARNING_RATE: f64 = 1e-3;
/// Pictures in a batch in half precision: batch normalisation over fewer amplifies roundings more.
const PICTURES: usize = 4;
/// How many multiples of the largest stride are looked at for a side that the backbone takes.
const MOST_STRIDES: usize = 64;

/// Checks a factory: its name, its strictness, and the backbone it makes, for 1, 3 and 4 input channels.
///
/// # Panics
/// Like [`backbone`] and [`half_precision_backbone`], or when the factory answers to no name or accepts an option it cannot know.
pub fn factory(factory: &dyn ModelFactory, config: &ModelConfig, device: &Device) {
    assert!(!factory.name().is_empty() && !factory.family().is_empty(), "a factory has a name and a family");
    let wrong = config.clone().with_option("conformance_suite_option_that_nobody_knows", true);
    assert!(
        factory.create_model(&wrong, device).is_err(),
        "{}: an unknown option was accepted; read options into a type that denies unknown fields",
        factory.name()
    );
    for in_channels in [1, 3, 4] {
        let config = config.clone().with_in_channels(in_channels);
        let make = |device: &Device| factory.create_model(&config, device).expect("a valid config");
        backbone(make, in_channels, device);
    }
    let make = |device: &Device| factory.create_model(config, device).expect("a valid config");
    half_precision_backbone(make, config.in_channels, device);
}

/// Checks a backbone on one device. `make` creates it on the device it is given.
///
/// # Panics
/// When taps change or lie, a kept tap is missing or another is kept, a size other than the first fails, a gradient is missing
/// or not finite, a step of training leaves no finite loss, a saved and loaded copy answers otherwise, a fused one does, or the
/// forward pass cannot be captured as a graph.
pub fn backbone<B: Backbone>(make: impl Fn(&Device) -> B, in_channels: usize, device: &Device) {
    let device = device.clone().without_autodiff();
    device.seed(0); // the same inputs and weights in every run
    taps_tell_the_truth(&make(&device), in_channels, &device);
    every_parameter_learns(&make(&device.clone().autodiff()), in_channels, &device.clone().autodiff());
    trains_a_step(make(&device.clone().autodiff()), in_channels, &device.clone().autodiff());
    survives_saving(&make, in_channels, &device);
    survives_boxing(make(&device), in_channels, &device);
    survives_fusing(make(&device), in_channels, &device);
    can_be_captured(make(&device), in_channels, &device);
}

/// Checks that a backbone can be trained in half precision: copies by [`lower_precision`](crate::lower_precision) in `bf16` and `f16`
/// run, answer near its own answer, and give finite gradients in `f32` for every parameter. [`factory`] checks it too.
///
/// # Panics
/// When one of this fails, or the device does not compute in half precision.
pub fn half_precision_backbone<B: Backbone>(make: impl Fn(&Device) -> B, in_channels: usize, device: &Device) {
    let device = device.clone().without_autodiff();
    device.seed(0);
    let draw = |backbone: &B, device: &Device| images(PICTURES, in_channels, sizes(backbone)[0], device);
    let run = |backbone: &B, input: &Tensor<4>, dtype: DType| answer(backbone, input.clone().cast(dtype));
    half_precision(make, draw, run, &device);
}

fn images(count: usize, channels: usize, [height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    Tensor::random([count, channels, height, width], Distribution::Normal(0.0, 1.0), device)
}

/// Sides that it takes and every stride divides: two of them, not square.
fn sizes<B: Backbone>(backbone: &B) -> [[usize; 2]; 2] {
    let stride = backbone.taps().iter().map(|tap| tap.stride).max().expect("a backbone has taps");
    let sides = backbone.sides();
    let mut allowed = (1..=MOST_STRIDES).map(|factor| factor * stride).filter(|&side| sides.allow(side));
    let small = allowed.next().expect("a multiple of the largest stride is allowed");
    [[small, 2 * small], [2 * small, small]]
}

fn taps_tell_the_truth<B: Backbone>(backbone: &B, in_channels: usize, device: &Device) {
    let taps = backbone.taps();
    assert!((1..=MAX_TAPS).contains(&taps.len()), "1 to {MAX_TAPS} taps, got {}", taps.len());
    for (index, tap) in taps.iter().enumerate() {
        assert!(!taps[..index].iter().any(|other| other.name == tap.name), "tap name {:?} twice", tap.name);
    }
    for [height, width] in sizes(backbone) {
        let features = backbone.forward(images(2, in_channels, [height, width], device), TapSet::first(taps.len()));
        assert_eq!(features.iter().map(|(tap, _)| tap).collect::<Vec<_>>(), (0..taps.len()).collect::<Vec<_>>());
        for (index, feature) in features.iter() {
            let tap = &taps[index];
            match feature {
                Feature::Map(map) => {
                    let [count, channels, rows, columns] = map.dims();
                    assert_eq!((count, channels, tap.layout), (2, tap.channels, Layout::Map), "tap {:?}", tap.name);
                    for (cells, side) in [(rows, height), (columns, width)] {
                        let most = side / tap.stride;
                        let fewest = most.saturating_sub(backbone.sides().margin);
                        let truth = (fewest..=most).contains(&cells);
                        assert!(truth, "tap {:?}: {cells} cells of {side} px at stride {}", tap.name, tap.stride);
                    }
                }
                Feature::Tokens(tokens) => {
                    let patches = (height / tap.stride) * (width / tap.stride);
                    let expected = [2, tap.prefix + patches, tap.channels];
                    assert_eq!((tokens.dims(), tap.layout), (expected, Layout::Tokens), "tap {:?}", tap.name);
                }
            }
        }
    }
    for index in 0..taps.len() {
        let size = sizes(backbone)[0];
        let kept = backbone.forward(images(1, in_channels, size, device), TapSet::one(index));
        assert_eq!(kept.iter().map(|(tap, _)| tap).collect::<Vec<_>>(), [index], "only tap {index} was asked for");
    }
}

/// All features of one image batch, flattened into one vector.
fn answer<B: Backbone>(backbone: &B, images: Tensor<4>) -> Tensor<1> {
    Tensor::cat(answers(backbone, images), 0)
}

/// Each feature of one image batch, flattened.
fn answers<B: Backbone>(backbone: &B, images: Tensor<4>) -> Vec<Tensor<1>> {
    let features = backbone.forward(images, TapSet::first(backbone.taps().len()));
    let flat = features.iter().map(|(_, feature)| match feature {
        Feature::Map(map) => map.clone().flatten::<1>(0, 3),
        Feature::Tokens(tokens) => tokens.clone().flatten::<1>(0, 2),
    });
    flat.collect()
}

fn every_parameter_learns<B: Backbone>(backbone: &B, in_channels: usize, device: &Device) {
    let size = sizes(backbone)[0];
    let output = answer(backbone, images(2, in_channels, size, device));
    let weights = Tensor::random(output.dims(), Distribution::Normal(0.0, 1.0), device);
    let gradients = (output * weights).sum().backward();
    assert!(finite_gradients(backbone, gradients) > 0, "a backbone has parameters that learn");
}

/// A step of gradient descent leaves a finite loss, and another one.
fn trains_a_step<B: Backbone>(backbone: B, in_channels: usize, device: &Device) {
    let input = images(2, in_channels, sizes(&backbone)[0], device);
    let loss = |backbone: &B| answer(backbone, input.clone()).powi_scalar(2).mean();
    let before = loss(&backbone);
    let gradients = GradientsParams::from_grads(before.backward(), &backbone);
    let stepped = SgdConfig::new().init().step(LEARNING_RATE, backbone, gradients);
    let (before, after) = (before.into_scalar::<f32>(), loss(&stepped).into_scalar::<f32>());
    assert!(after.is_finite() && after != before, "a step of training changed the loss from {before} to {after}");
}

fn largest_difference(a: &Tensor<1>, b: &Tensor<1>) -> f32 {
    (a.clone() - b.clone()).abs().max().into_scalar::<f32>()
}

fn survives_saving<B: Backbone>(make: &impl Fn(&Device) -> B, in_channels: usize, device: &Device) {
    let first = make(device);
    let input = images(1, in_channels, sizes(&first)[0], device);
    let expected = answer(&first, input.clone());
    assert_eq!(
        largest_difference(&answer(&first, input.clone()), &expected),
        0.0,
        "the same input gives the same answer"
    );
    let bytes = first.into_record().into_bytes().expect("a record becomes bytes");
    let record = burn::store::ModuleRecord::from_bytes(bytes).expect("the bytes become a record");
    let second = make(device).try_load_record(record).expect("the record fits the same backbone");
    let difference = largest_difference(&answer(&second, input), &expected);
    assert!(difference <= ROUND_TRIP, "saved and loaded, the answer differs by {difference}");
}

fn survives_boxing<B: Backbone>(backbone: B, in_channels: usize, device: &Device) {
    let input = images(1, in_channels, sizes(&backbone)[0], device);
    let expected = answer(&backbone, input.clone());
    let boxed = BoxedBackbone::new(backbone);
    assert_eq!(largest_difference(&answer(&boxed.clone(), input), &expected), 0.0, "boxed, the answer differs");
}

/// Folding a normalisation into a convolution rounds its weights anew. Where that changes more than the usual, as in deep nets with gates,
/// it may change some times what the last bits of the weights do.
fn survives_fusing<B: Backbone>(backbone: B, in_channels: usize, device: &Device) {
    let backbone = backbone.map(&mut UnlikeFresh::default());
    let input = images(1, in_channels, sizes(&backbone)[0], device);
    let expected = answers(&backbone, input.clone());
    let apart = |answers: Vec<Tensor<1>>| -> Vec<f32> {
        let pairs = answers.iter().zip(&expected);
        pairs
            .map(|(got, expected)| {
                let rms = expected.clone().powi_scalar(2).mean().sqrt().into_scalar::<f32>();
                largest_difference(got, expected) / rms.max(1.0)
            })
            .collect()
    };
    let boxed = BoxedBackbone::new(backbone.clone());
    let (before, fused) = (boxed.num_params(), fuse(&boxed));
    let after = fused.num_params();
    let differences = apart(answers(&fused, input.clone()));
    if differences.iter().all(|difference| *difference <= FUSED) {
        return;
    }
    // A copy of its own: mapping would change the running statistics that clones share.
    let roundings = apart(answers(&backbone.valid().map(&mut LastBits), input));
    for ((difference, rounding), tap) in differences.iter().zip(roundings).zip(boxed.taps()) {
        let (name, allowed) = (&tap.name, FUSED.max(LAST_BITS * rounding));
        assert!(
            *difference <= allowed,
            "fused from {before} to {after} values, tap {name:?} differs by {difference}, the last bits change it by {rounding}"
        );
    }
}

/// The capture device records instead of computing: a read-back to the host inside the forward pass fails there.
fn can_be_captured<B: Backbone>(backbone: B, in_channels: usize, device: &Device) {
    let capture = Device::capture();
    let size = sizes(&backbone)[0];
    let input = images(1, in_channels, size, device);
    let mut output = None; // must outlive the scope's completion
    let graph = capture
        .capture_scope(|scope| {
            let backbone = backbone.to_device(&capture);
            let input = input.to_device(&capture);
            let result = answer(&backbone, input.clone());
            output = Some(result.clone());
            let from = input.try_into_primitive::<Capture>().expect("the input is on the capture device");
            let to = result.try_into_primitive::<Capture>().expect("the output is on the capture device");
            scope.complete([from.id()], [to.id()])
        })
        .unwrap_or_else(|error| panic!("the forward pass cannot be captured as a graph: {error:?}"));
    drop(output);
    assert!(!graph.graph.operations.is_empty(), "the captured graph is empty");
}
