//! A predictor answers the same for every form of an image, keeps the order, and says what is wrong.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Distribution, Tensor};
use mvl_core::{Backend, Cpu, NdArray};
use mvl_data::{decode_file, encode_png, preprocess};
use mvl_infer::{InferError, Input, Predictor};

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

    // This model takes 28 x 28 pixels or any other size; as a tensor it is the same image.
    let [channels, height, width] = prepared.shape;
    let tensor = Tensor::<1>::from_floats(prepared.values.as_slice(), predictor.device());
    let from_tensor = predictor.predict_tensor(tensor.reshape([1, channels, height, width])).expect("the right shape");
    assert_eq!(from_path.probabilities(), from_tensor[0].probabilities());

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
    let rgb = Tensor::<4>::random([1, 3, 28, 28], Distribution::Default, predictor.device());
    let error = predictor.predict_tensor(rgb).expect_err("three channels");
    assert_eq!(error.to_string(), "expected images of shape [N, 1, H, W], got [1, 3, 28, 28]");
}

#[test]
fn what_is_no_model_is_said_so() {
    let error = Predictor::<Cpu>::load("runs/no_such_run").expect_err("nothing there");
    assert!(matches!(error, InferError::NoModel { .. }), "{error}");
    let error = Predictor::<Cpu>::load("resnet18.imagenet1k_v9").expect_err("misspelt");
    assert!(error.to_string().contains("did you mean \"resnet18.imagenet1k_v1\"?"), "{error}");
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
