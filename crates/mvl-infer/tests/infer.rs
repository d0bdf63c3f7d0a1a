//! A predictor answers the same for every form of an image, keeps the order, and says what is wrong.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::{Tensor, TensorData};
use mvl_core::{Backend, Cpu, ImageBatch, NdArray, Task};
use mvl_data::{InputTensor, decode_file, encode_png, preprocess};
use mvl_infer::{EngineOptions, EnginePrecision, HostTensor, InferError, Input, Predictor};

fn clothes() -> String {
    path("../../examples/assets/clothes").display().to_string()
}

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn photo() -> PathBuf {
    path("../mvl-data/tests/fixtures/resize/source.png")
}

#[test]
fn every_form_of_an_image_has_the_same_answer() {
    let predictor = Predictor::<Cpu>::load(clothes()).expect("a saved model");
    let from_path = predictor.predict(photo().as_path()).expect("an image");
    let image = decode_file(photo()).expect("an image");
    let from_image = predictor.predict(image.clone()).expect("an image");
    let bytes = encode_png(&image);
    let from_bytes = predictor.predict(bytes.as_slice()).expect("an image");
    let prepared = preprocess(&predictor.spec().preprocess, image).expect("a valid spec");
    assert_eq!(from_path.probabilities(), from_image.probabilities());
    assert_eq!(from_path.probabilities(), from_bytes.probabilities());

    // This model takes 28 x 28 pixels or any other size; prepared it is the same image.
    let prepared = predictor.predict_prepared(&[&prepared]).remove(0).expect("the right shape");
    assert_eq!(from_path.probabilities(), prepared.probabilities());

    let top = from_path.top(3);
    assert_eq!(top.len(), 3);
    assert!(top[0].probability >= top[1].probability && top[1].probability >= top[2].probability);
    assert_eq!(predictor.spec().labels.name(top[0].index), Some(top[0].label.as_str()));
}

#[test]
fn a_batch_keeps_its_order_and_errors_stay_in_their_place() {
    let predictor = Predictor::<Cpu>::load(clothes()).expect("a saved model");
    let (boot, pullover) = (path("../../examples/assets/ankle_boot.png"), path("../../examples/assets/pullover.png"));
    let inputs = vec![
        Input::Path(&boot),
        Input::Bytes(b"no image at all"),
        Input::Path(&pullover),
        Input::Path(Path::new("missing.png")),
    ];
    let answers = predictor.predict_batch(inputs);
    let label = |place: usize| answers[place].as_ref().expect("an answer").top(1)[0].label.clone();
    assert_eq!((label(0).as_str(), label(2).as_str()), ("Ankle boot", "Pullover"));
    assert!(answers[1].as_ref().expect_err("no image").to_string().starts_with("cannot decode image"));
    assert!(answers[3].as_ref().expect_err("no file").to_string().contains("missing.png"));
    assert!(predictor.predict_batch(Vec::new()).is_empty());
}

#[test]
fn streams_and_tasks_get_the_same_answers() {
    let predictor = Arc::new(Predictor::<Cpu>::load(clothes()).expect("a saved model"));
    let files = ["ankle_boot.png", "pullover.png", "ankle_boot.png"];
    let files = files.map(|file| path("../../examples/assets").join(file));
    let alone = files.each_ref().map(|file| predictor.predict(file).expect("an image").probabilities().to_vec());

    let read = Cell::new(0);
    let inputs = files.iter().map(|file| {
        read.set(read.get() + 1);
        Input::from(file)
    });
    let mut stream = predictor.predict_stream(inputs, 2);
    let first = stream.next().expect("an answer").expect("an image");
    assert_eq!((first.probabilities(), read.get()), (&alone[0][..], 2), "a batch ahead, no more");
    assert_eq!(stream.count(), 2);

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let bytes = bytes::Bytes::from(std::fs::read(&files[1]).expect("there"));
    let (from_path, from_bytes) = runtime
        .block_on(async { (predictor.predict_async(files[1].clone()).await, predictor.predict_async(bytes).await) });
    assert_eq!(from_path.expect("an image").probabilities(), alone[1]);
    assert_eq!(from_bytes.expect("an image").probabilities(), alone[1]);
}

#[test]
fn images_of_several_sizes_are_answered_as_if_alone() {
    // The clothes model has no fixed size, so each size is a forward pass of its own.
    let predictor = Predictor::<Cpu>::load(clothes()).expect("a saved model");
    let boot = path("../../examples/assets/ankle_boot.png");
    let photo = photo();
    let answers = predictor.predict_batch(vec![Input::Path(&photo), Input::Path(&boot)]);
    let alone = predictor.predict(boot.as_path()).expect("an image");
    assert_eq!(answers[1].as_ref().expect("an answer").probabilities(), alone.probabilities());
}

#[test]
fn a_tensor_of_another_shape_is_an_error() {
    let predictor = Predictor::<Cpu>::load(clothes()).expect("a saved model");
    let gray = predictor.prepare(photo().as_path()).expect("an image");
    let rgb = InputTensor { shape: [3, 28, 28], values: vec![0.0; 3 * 28 * 28] };
    let answers = predictor.predict_prepared(&[&rgb, &gray, &rgb]);
    for place in [0, 2] {
        let error = answers[place].as_ref().expect_err("three channels");
        assert_eq!(error.to_string(), "expected an image of shape [1, H, W], got [3, 28, 28]");
    }
    assert!(answers[1].is_ok(), "its neighbours' faults are not its own");
}

#[test]
fn what_is_no_model_is_said_so() {
    let error = Predictor::<Cpu>::load("runs/no_such_run").expect_err("nothing there");
    assert!(matches!(error, InferError::NoModel { .. }), "{error}");
    let error = Predictor::<Cpu>::load("resnet18.imagenet1k_v9").expect_err("misspelt");
    assert!(error.to_string().contains("did you mean \"resnet18.imagenet1k_v1\"?"), "{error}");
}

#[test]
fn what_a_backend_cannot_keep_is_refused() {
    let options = EngineOptions { precision: EnginePrecision::Int8, ..EngineOptions::default() };
    let error = Predictor::<NdArray>::builder(clothes()).with_engine(options).load().expect_err("ndarray").to_string();
    assert!(error.contains("int8 is for the backend cpu, got ndarray"), "{error}");
}

#[test]
fn both_backends_agree() {
    fn answer<B: Backend>() -> Vec<f32> {
        let predictor = Predictor::<B>::load(clothes()).expect("a saved model");
        let boot = path("../../examples/assets/ankle_boot.png");
        predictor.predict(boot.as_path()).expect("an image").probabilities().to_vec()
    }
    for (flex, ndarray) in answer::<Cpu>().iter().zip(answer::<NdArray>()) {
        assert!((flex - ndarray).abs() < 1e-4, "{flex} {ndarray}");
    }
}

/// Top five of a photo, as torchvision answers: index, name, probability.
type Reference = BTreeMap<String, Vec<(usize, String, f32)>>;

/// The real MobileNetV2's answers are those of the net as it was saved, and torchvision's, from the file to the probability.
#[test]
fn real_photos_are_answered_as_by_torchvision() {
    let assets = std::env::var_os("MVL_ASSETS").map_or(path("../../../shared/assets"), PathBuf::from);
    let folder = assets.join("mobilenet_v2");
    let Ok(reference) = std::fs::read(folder.join("reference_top5.json")) else {
        let _ = std::io::stderr().write_all(b"NOT RUN: the real MobileNetV2, its weights are not on this machine\n");
        return;
    };
    let reference: Reference = serde_json::from_slice(&reference).expect("top fives");
    let builder = || {
        let weights = folder.join("mobilenet_v2-b0353104.pth");
        Predictor::<Cpu>::builder("mobilenet_v2.imagenet1k_v1").with_weights(weights)
    };
    let (predictor, saved) = (builder().load().expect("it loads"), builder().load_trained().expect("it loads"));
    for (photo, top) in &reference {
        let image = predictor.prepare(assets.join("photos").join(photo)).expect("a photo");
        let answer = predictor.predict_prepared(&[&image]).remove(0).expect("an answer");
        let [channels, height, width] = image.shape;
        let images = TensorData::new(image.values, [1, channels, height, width]);
        let batch = ImageBatch::unlabelled(Tensor::<4>::from_data(images, &saved.device));
        let unfolded = saved.task.decode(saved.task.forward(&saved.model, &batch)).remove(0);
        for (one, other) in answer.probabilities().iter().zip(unfolded.probabilities()) {
            assert!((one - other).abs() < 1e-5, "{photo}: {one} and {other}");
        }
        assert_eq!(answer.top(1)[0].index, top[0].0, "{photo}");
        for (index, label, probability) in top {
            let ours = answer.probabilities()[*index];
            assert!((ours - probability).abs() < 0.01, "{photo}, {label}: {ours} and {probability}");
        }
    }
    assert_eq!(reference.len(), 3);
}

/// The real MobileNetV2 with its weights in 8 bits sees the same on every photo.
#[test]
fn real_photos_are_seen_alike_with_weights_in_8_bits() {
    let assets = std::env::var_os("MVL_ASSETS").map_or(path("../../../shared/assets"), PathBuf::from);
    let weights = assets.join("mobilenet_v2/mobilenet_v2-b0353104.pth");
    if !weights.is_file() {
        let _ = std::io::stderr().write_all(b"NOT RUN: the real MobileNetV2, its weights are not on this machine\n");
        return;
    }
    let load = |precision| {
        let options = EngineOptions { precision, ..EngineOptions::default() };
        let builder = Predictor::<Cpu>::builder("mobilenet_v2.imagenet1k_v1").with_weights(&weights);
        builder.with_engine(options).load().expect("it loads")
    };
    let (exact, near) = (load(EnginePrecision::F32), load(EnginePrecision::Int8));
    let mut largest = 0.0_f32;
    for photo in ["astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "flower.jpg", "rocket.jpg"] {
        let image = exact.prepare(assets.join("photos").join(photo)).expect("a photo");
        let [exact, near] =
            [&exact, &near].map(|model| model.predict_prepared(&[&image]).remove(0).expect("an answer"));
        assert_eq!(exact.top(1)[0].index, near.top(1)[0].index, "{photo}");
        let moved = exact.probabilities().iter().zip(near.probabilities()).map(|(a, b)| (a - b).abs());
        largest = moved.fold(largest, f32::max);
    }
    let bytes = [&exact, &near].map(|model| model.engine().weights().expect("burn knows").bytes);
    println!("int8: probabilities move by {largest} at most; {} of {} bytes", bytes[1], bytes[0]);
    assert!(largest > 0.0 && largest < 0.1, "{largest}");
    assert!(bytes[1] * 100 < bytes[0] * 32, "{bytes:?}");
}

#[test]
fn a_predictor_says_what_it_takes() {
    let predictor = Predictor::<Cpu>::load(clothes()).expect("a saved model");
    predictor.warm_up(8).expect("there is nothing to be done for pictures of any size");
    let error = predictor.report(&[1], Duration::ZERO).expect_err("pictures of any size").to_string();
    assert!(error.contains("known sides"), "{error}");

    let folder = tempfile::tempdir().expect("a folder");
    let trained = Predictor::<Cpu>::builder(clothes()).load_trained().expect("a saved model");
    let fixed = mvl_core::Preprocess::exact(28, 28, mvl_core::Channels::Gray, &[0.5], &[0.25]);
    let spec = mvl_core::ClassifierSpec { preprocess: fixed, ..trained.spec };
    mvl_models::save_classifier(folder.path(), &trained.model, &spec).expect("saved");
    let predictor = Predictor::<Cpu>::load(folder.path()).expect("a saved model");
    predictor.warm_up(8).expect("it takes 28 by 28");
    let report = predictor.report(&[1, 4], Duration::ZERO).expect("figures");
    let weights = report.weights.expect("burn knows");
    let parameters = mvl_core::count_parameters(&trained.model) as u64;
    assert_eq!((report.platform.as_str(), weights.parameters), ("burn-cpu", parameters));
    // Normalisations are folded: four bytes a parameter, less their scales.
    assert!(weights.bytes < 4 * parameters && weights.bytes > 3 * parameters, "{weights:?} of {parameters}");
    assert_eq!(report.timings.iter().map(|timing| timing.batch).collect::<Vec<_>>(), [1, 4]);
    assert!(report.loading.ms > 0.0 && report.timings.iter().all(|timing| timing.p50_ms > 0.0), "{report:?}");
    if cfg!(target_os = "linux") {
        assert!(report.peak_bytes > report.loading.bytes, "{report:?}");
    }
    let json = serde_json::to_string(&report).expect("JSON");
    assert_eq!(serde_json::from_str::<mvl_infer::EngineReport>(&json).expect("the same").weights, report.weights);
}

thread_local! {
    /// Which devices were opened.
    static OPENED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Two devices that are both this CPU.
#[derive(Debug, Clone, Copy, Default)]
struct TwoCpus;

impl Backend for TwoCpus {
    const NAME: &'static str = "two-cpus";
    const ON_HOST: bool = true;

    fn device(ordinal: usize) -> Result<burn::tensor::Device, mvl_core::BackendError> {
        if ordinal < 2 {
            OPENED.with_borrow_mut(|opened| opened.push(ordinal));
            return Cpu::device(0);
        }
        let (available, hint) = (2, "there are two");
        Err(mvl_core::BackendError::NoDevice { backend: Self::NAME, ordinal, available, hint })
    }

    fn device_count() -> usize {
        2
    }
}

#[test]
fn replicas_take_turns_on_devices() {
    let options = |devices: &[usize]| EngineOptions::default().with_devices(devices);
    let on = |devices: &[usize], replicas| {
        Predictor::<TwoCpus>::builder(clothes()).with_engine(options(devices)).load_replicas(replicas)
    };
    let images = HostTensor::from_f32(vec![2, 1, 28, 28], &vec![0.25; 2 * 28 * 28]);
    let (one, _) = on(&[], 1).expect("a model");
    let expected = one[0].run(vec![images.clone()]).expect("an answer");
    for (devices, replicas, read) in [(&[0, 1][..], 5, &[0, 1][..]), (&[1], 2, &[1]), (&[1, 0, 0], 3, &[1, 0])] {
        OPENED.take();
        let (engines, _) = on(devices, replicas).expect("a model");
        assert_eq!(OPENED.take(), read, "weights are read once for each device, its replicas share them");
        assert_eq!(engines.len(), replicas);
        for engine in engines {
            assert_eq!(engine.run(vec![images.clone()]).expect("an answer"), expected, "{devices:?}");
        }
    }
    let error = on(&[0, 2], 2).map(drop).expect_err("there are two").to_string();
    assert!(error.contains("no two-cpus device 2: this machine has 2"), "{error}");
    let error = on(&[0, 1], 1).map(drop).expect_err("a device for nothing").to_string();
    assert!(error.ends_with("expected a replica for each of 2 devices, got 1"), "{error}");
}
