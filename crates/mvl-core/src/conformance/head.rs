//! Does a head or a neck read what it says, learn, and survive being saved? The features are drawn at random from the taps, so no
//! backbone is needed.

use burn::backend::Capture;
use burn::module::Module;
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::backbone::FUSED;
use super::gradients::finite_gradients;
use super::half_precision::half_precision;
use super::worn::UnlikeFresh;
use crate::{BoxedHead, Feature, Features, Head, Layout, Neck, Tap, TapSet, fuse};

/// Pictures of these many multiples of the largest stride.
const SIZES: [[usize; 2]; 2] = [[1, 2], [2, 1]];
/// Pictures in a batch: batch normalisation wants more than one.
const COUNT: usize = 2;

/// Checks a head of any answer on a backbone with these taps. `make` creates it for the taps on the device it is given,
/// `flatten` lays all numbers of an answer out.
///
/// # Panics
/// When it reads no tap or one that is not there, a gradient is missing or not finite, a saved and loaded or boxed copy
/// answers otherwise, a fused one does, it cannot be trained in half precision, or the forward pass cannot be captured as a graph.
pub fn head<H: Head>(
    make: impl Fn(&[Tap], &Device) -> H,
    taps: &[Tap],
    flatten: impl Fn(H::Output) -> Tensor<1>,
    device: &Device,
) where
    H::Output: 'static,
{
    let device = device.clone().without_autodiff();
    device.seed(0); // the same features and weights in every run
    let made = make(taps, &device);
    check_reads(made.reads(), taps);
    let answer = |head: &H, features: Features| flatten(head.forward(features));
    for size in SIZES {
        answer(&made, features(taps, made.reads(), size, &device));
    }
    let input = features(taps, made.reads(), SIZES[0], &device);
    let expected = answer(&made, input.clone());

    let record = made.clone().into_record().into_bytes().expect("a record becomes bytes");
    let record = burn::store::ModuleRecord::from_bytes(record).expect("the bytes become a record");
    let loaded = make(taps, &device).try_load_record(record).expect("the record fits the same head");
    assert_same("saved and loaded", &answer(&loaded, input.clone()), &expected);
    let boxed = BoxedHead::new(made.clone());
    assert_same("boxed", &flatten(boxed.forward(input.clone())), &expected);

    let worn = make(taps, &device).map(&mut UnlikeFresh::default());
    assert_fused(&answer(&fuse(&worn), input.clone()), &answer(&worn, input.clone()));

    let training = device.clone().autodiff();
    let learner = make(taps, &training);
    let output = answer(&learner, features(taps, learner.reads(), SIZES[0], &training));
    check_gradients(&learner, output);

    let draw = |head: &H, device: &Device| features(taps, head.reads(), SIZES[0], device);
    let run = |head: &H, input: &Features, dtype: DType| answer(head, in_type(input, dtype));
    half_precision(|device| make(taps, device), draw, run, &device);

    captured(input, |input, device| answer(&made.clone().to_device(device), input));
}

/// Checks a neck on a backbone with these taps, as [`head`] does, and that its own taps tell the truth.
///
/// # Panics
/// Like [`head`]; when a feature it returns is not what its tap says, or the size of the pictures gets lost.
pub fn neck<N: Neck>(make: impl Fn(&[Tap], &Device) -> N, taps: &[Tap], device: &Device) {
    let device = device.clone().without_autodiff();
    device.seed(0);
    let made = make(taps, &device);
    check_reads(made.reads(), taps);
    assert!(!made.taps().is_empty(), "a neck gives something");
    let strides: Vec<usize> = made.taps().iter().map(|tap| tap.stride).collect();
    assert!(strides.is_sorted(), "finest first, got strides {strides:?}");
    for size in SIZES {
        let input = features(taps, made.reads(), size, &device);
        let [height, width] = input.picture_size().expect("it was set");
        let output = made.forward(input.clone());
        assert_eq!(output.picture_size(), input.picture_size(), "the size of the pictures is handed on");
        let mut output = output;
        for (index, tap) in made.taps().iter().enumerate() {
            assert_eq!(tap.layout, Layout::Map, "tap {:?}", tap.name);
            let expected = [COUNT, tap.channels, height.div_ceil(tap.stride), width.div_ceil(tap.stride)];
            assert_eq!(output.take_map(index).dims(), expected, "tap {:?}", tap.name);
        }
    }
    let input = features(taps, made.reads(), SIZES[0], &device);
    let expected = flat(made.forward(input.clone()));

    let record = made.clone().into_record().into_bytes().expect("a record becomes bytes");
    let record = burn::store::ModuleRecord::from_bytes(record).expect("the bytes become a record");
    let loaded = make(taps, &device).try_load_record(record).expect("the record fits the same neck");
    assert_same("saved and loaded", &flat(loaded.forward(input.clone())), &expected);

    let worn = make(taps, &device).map(&mut UnlikeFresh::default());
    assert_fused(&flat(fuse(&worn).forward(input.clone())), &flat(worn.forward(input.clone())));

    let training = device.clone().autodiff();
    let learner = make(taps, &training);
    let output = flat(learner.forward(features(taps, learner.reads(), SIZES[0], &training)));
    check_gradients(&learner, output);

    let draw = |neck: &N, device: &Device| features(taps, neck.reads(), SIZES[0], device);
    let run = |neck: &N, input: &Features, dtype: DType| flat(neck.forward(in_type(input, dtype)));
    half_precision(|device| make(taps, device), draw, run, &device);

    captured(input, |input, device| flat(made.clone().to_device(device).forward(input)));
}

fn check_reads(reads: TapSet, taps: &[Tap]) {
    let last = reads.last().expect("it reads a tap");
    assert!(last < taps.len(), "it reads tap {last}, the backbone has {}", taps.len());
}

/// Features of pictures whose sides are multiples of the largest stride.
fn features(taps: &[Tap], keep: TapSet, size: [usize; 2], device: &Device) -> Features {
    let largest = taps.iter().map(|tap| tap.stride).max().expect("a backbone has taps");
    let [height, width] = size.map(|factor| factor * largest);
    let normal = Distribution::Normal(0.0, 1.0);
    let mut features = Features::new().with_picture_size([height, width]);
    for (index, tap) in taps.iter().enumerate() {
        let [rows, columns] = [height, width].map(|side| side / tap.stride);
        match tap.layout {
            Layout::Map => {
                let shape = [COUNT, tap.channels, rows, columns];
                features.keep_map(keep, index, &Tensor::random(shape, normal, device));
            }
            Layout::Tokens => {
                let shape = [COUNT, tap.prefix + rows * columns, tap.channels];
                features.keep_tokens(keep, index, &Tensor::random(shape, normal, device));
            }
        }
    }
    features
}

/// The same features in this type.
fn in_type(features: &Features, dtype: DType) -> Features {
    let mut cast = Features::new();
    for (tap, feature) in features.iter() {
        match feature {
            Feature::Map(map) => cast.keep_map(TapSet::one(tap), tap, &map.clone().cast(dtype)),
            Feature::Tokens(tokens) => cast.keep_tokens(TapSet::one(tap), tap, &tokens.clone().cast(dtype)),
        }
    }
    match features.picture_size() {
        Some(size) => cast.with_picture_size(size),
        None => cast,
    }
}

fn flat(mut features: Features) -> Tensor<1> {
    let taps: Vec<usize> = features.iter().map(|(tap, _)| tap).collect();
    Tensor::cat(taps.into_iter().map(|tap| features.take_map(tap).flatten(0, 3)).collect(), 0)
}

/// What has no parameters has nothing to learn.
fn check_gradients<M: Module>(module: &M, output: Tensor<1>) {
    if module.num_params() > 0 {
        let learnt = finite_gradients(module, weighted(output).backward());
        assert!(learnt > 0, "it has parameters that learn");
    }
}

fn weighted(output: Tensor<1>) -> Tensor<1> {
    let weights = Tensor::random(output.dims(), Distribution::Normal(0.0, 1.0), &output.device());
    (output * weights).sum()
}

fn assert_same(what: &str, got: &Tensor<1>, expected: &Tensor<1>) {
    let difference = (got.clone() - expected.clone()).abs().max().into_scalar::<f32>();
    assert_eq!(difference, 0.0, "{what}, the answer differs");
}

fn assert_fused(got: &Tensor<1>, expected: &Tensor<1>) {
    let rms = expected.clone().powi_scalar(2).mean().sqrt().into_scalar::<f32>();
    let difference = (got.clone() - expected.clone()).abs().max().into_scalar::<f32>() / rms.max(1.0);
    assert!(difference <= FUSED, "fused, the answer differs by {difference}");
}

/// The capture device records instead of computing: a read-back to the host inside the forward pass fails there.
fn captured(input: Features, forward: impl Fn(Features, &Device) -> Tensor<1>) {
    let capture = Device::capture();
    let mut kept = None; // must outlive the scope's completion
    let graph = capture
        .capture_scope(|scope| {
            let mut moved = Features::new().with_picture_size(input.picture_size().expect("it was set"));
            let mut from = Vec::new();
            for (tap, feature) in input.iter() {
                match feature {
                    Feature::Map(map) => {
                        let map = map.clone().to_device(&capture);
                        moved.keep_map(TapSet::one(tap), tap, &map);
                        from.push(map.try_into_primitive::<Capture>().expect("it is on the capture device").id());
                    }
                    Feature::Tokens(tokens) => {
                        let tokens = tokens.clone().to_device(&capture);
                        moved.keep_tokens(TapSet::one(tap), tap, &tokens);
                        from.push(tokens.try_into_primitive::<Capture>().expect("it is on the capture device").id());
                    }
                }
            }
            let result = forward(moved, &capture);
            kept = Some(result.clone());
            let to = result.try_into_primitive::<Capture>().expect("the output is on the capture device");
            scope.complete(from, [to.id()])
        })
        .unwrap_or_else(|error| panic!("the forward pass cannot be captured as a graph: {error:?}"));
    drop(kept);
    assert!(!graph.graph.operations.is_empty(), "the captured graph is empty");
}
