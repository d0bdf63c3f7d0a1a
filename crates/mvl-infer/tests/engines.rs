//! Every engine gives the answers that burn gives. Tests of ONNX Runtime need its library (`$ORT_DYLIB_PATH`, which
//! `scripts/with_python.sh` sets); without it they say so, and fail where `$MVL_REQUIRE_ENGINES` is set, as it is in CI.
#![cfg(all(feature = "ort", feature = "rten"))]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mvl_core::{Backend, Channels, Classifier, ClassifierSpec, Cpu, Labels, ModelConfig, Preprocess};
use mvl_infer::export::{OnnxAnswer, OnnxExport, with_trial_weights};
use mvl_infer::{
    BatchOptions, Batcher, Engine, EngineKind, EngineOptions, EnginePrecision, HostTensor, Predictor, ReplicaHealth,
    Request, RequestError, load_onnx,
};
use mvl_models::{save_classifier, zoo};
use serde_json::{Value, json};

/// The largest difference of a logit, of the largest logit or 1.
const TOLERANCE: f32 = 1e-4;
const CLASSES: usize = 5;
const SIDE: u32 = 64;

/// The engines that can be tried here.
fn engines() -> Vec<EngineOptions> {
    let known = std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| !path.is_empty());
    if !known {
        let says = "NOT RUN: tests of the engine ort; set ORT_DYLIB_PATH, or use scripts/with_python.sh\n";
        assert!(std::env::var_os("MVL_REQUIRE_ENGINES").is_none(), "{says}");
        let _ = std::io::stderr().write_all(says.as_bytes()); // not through a macro, so that it is seen when tests pass
    }
    let rten = EngineOptions::from(EngineKind::Rten);
    let ort = known.then(|| EngineOptions::from(EngineKind::Ort).with_threads(1));
    [Some(rten.clone()), Some(rten.with_threads(1)), ort].into_iter().flatten().collect()
}

fn net(name: &str, options: &Value) -> (Classifier, ClassifierSpec) {
    let options = options.as_object().expect("an object").iter();
    let config = ModelConfig::new(name, CLASSES);
    let config = options.fold(config, |config, (key, value)| config.with_option(key, value.clone()));
    let device = Cpu::device(0).expect("a CPU");
    let model = zoo().create_classifier(&config, &device).expect("a valid config");
    let side = SIDE as usize;
    let model = with_trial_weights(model, 3, [3, side, side], |model, images| model.forward(images));
    let labels = Labels::new((0..CLASSES).map(|class| format!("class {class}")));
    let preprocess = Preprocess::exact(SIDE, SIDE, Channels::Rgb, &[0.5; 3], &[0.25; 3]);
    (model, ClassifierSpec::new(config, labels, preprocess))
}

/// Small nets of three kinds, each saved in a folder.
fn saved_nets() -> impl Iterator<Item = (&'static str, tempfile::TempDir)> {
    let nets = [
        ("mobilenet_v2", json!({ "width": 0.25 })),
        ("resnet18", json!({ "width": 0.125 })),
        ("vit_tiny_patch16_224", json!({ "depth": 2, "img_size": 64 })),
    ];
    nets.into_iter().map(|(name, options)| {
        let folder = tempfile::tempdir().expect("a folder");
        let (model, spec) = net(name, &options);
        save_classifier(folder.path(), &model, &spec).expect("saved");
        (name, folder)
    })
}

/// Pictures that are all different.
fn pictures(count: usize, sides: &[usize]) -> HostTensor {
    let shape = [&[count], sides].concat();
    let values: Vec<f32> = (0..shape.iter().product()).map(|n: usize| ((n * 37 % 1009) as f32 / 504.5) - 1.0).collect();
    HostTensor::from_f32(shape, &values)
}

#[track_caller]
fn assert_close(ours: &HostTensor, theirs: &HostTensor, what: &str) {
    assert_eq!(ours.shape(), theirs.shape(), "{what}");
    let (ours, theirs) = (ours.to_f32().expect("numbers"), theirs.to_f32().expect("numbers"));
    let largest = ours.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
    for (one, other) in ours.iter().zip(&theirs) {
        assert!((one - other).abs() <= TOLERANCE * largest, "{what}: {one} and {other}");
    }
}

/// Loads a model with burn and with every other engine, two replicas each, and compares what they answer.
fn assert_engines_agree(load: impl Fn(&EngineOptions) -> Vec<Arc<dyn Engine>>, what: &str) {
    let burn = load(&EngineOptions::default());
    let signature = burn[0].signature().clone();
    let sides: Vec<usize> = signature.inputs[0].shape[1..].iter().map(|side| side.expect("a fixed side")).collect();
    let asked: Vec<HostTensor> = [1, 3].map(|count| pictures(count, &sides)).into();
    let expected: Vec<Vec<HostTensor>> =
        asked.iter().map(|images| burn[0].run(vec![images.clone()]).expect("an answer")).collect();
    for options in engines() {
        let replicas = load(&options);
        assert_eq!(replicas.len(), 2);
        for engine in &replicas {
            assert_eq!(engine.signature(), &signature);
            for (images, expected) in asked.iter().zip(&expected) {
                let outputs = engine.run(vec![images.clone()]).expect("an answer");
                signature.check_outputs(&outputs).expect("as it says");
                for (output, expected) in outputs.iter().zip(expected) {
                    assert_close(expected, output, &format!("{what} with {}", engine.platform()));
                }
            }
        }
    }
}

#[test]
fn engines_agree_on_nets_of_the_zoo() {
    for (name, folder) in saved_nets() {
        let load = |options: &EngineOptions| {
            let builder = Predictor::<Cpu>::builder(folder.path());
            builder.with_engine(options.clone()).load_replicas(2).expect("it loads").0
        };
        assert_engines_agree(load, name);
    }
}

#[test]
fn engines_agree_on_the_real_mobilenet() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/assets");
    let assets = std::env::var_os("MVL_ASSETS").map_or(beside, PathBuf::from);
    let weights = assets.join("mobilenet_v2/mobilenet_v2-b0353104.pth");
    if !weights.is_file() {
        let _ = std::io::stderr().write_all(b"NOT RUN: the real MobileNetV2, its weights are not on this machine\n");
        return;
    }
    let load = |options: &EngineOptions| {
        let builder = Predictor::<Cpu>::builder("mobilenet_v2.imagenet1k_v1").with_weights(&weights);
        builder.with_engine(options.clone()).load_replicas(2).expect("it loads").0
    };
    assert_engines_agree(load, "mobilenet_v2.imagenet1k_v1");
}

#[test]
fn a_graph_in_a_file_is_a_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, spec) = net("mobilenet_v2", &json!({ "width": 0.25 }));
    let side = SIDE as usize;
    let images = pictures(2, &[3, side, side]);
    let export = |answer, file: &str| {
        let path = folder.path().join(file);
        OnnxExport::of(&model, [3, side, side]).with_spec(&spec).with_answer(answer).write(&path).expect("written");
        path
    };
    let (logits, probabilities) = (export(OnnxAnswer::Logits, "l.onnx"), export(OnnxAnswer::Softmax, "p.onnx"));
    save_classifier(&folder.path().join("saved"), &model, &spec).expect("saved");
    let burn = Predictor::<Cpu>::builder(folder.path().join("saved")).load_replicas(1);
    let expected = burn.expect("it loads").0[0].run(vec![images.clone()]).expect("an answer");
    for options in engines() {
        let file = load_onnx(&logits, &options, 2).expect("it loads");
        assert_eq!((file.replicas.len(), file.classifier), (2, None), "logits alone say nothing of pictures");
        let signature = file.replicas[1].signature();
        assert!(signature.batched);
        assert_eq!(signature.inputs[0].wire_shape(), [-1, 3, side as i64, side as i64]);
        let answer = file.replicas[1].run(vec![images.clone()]).expect("an answer");
        assert_close(&expected[0], &answer[0], "logits");

        let file = load_onnx(&probabilities, &options, 1).expect("it loads");
        let known = file.classifier.expect("its metadata say what it is");
        assert_eq!((known.labels, known.preprocess), (spec.labels.clone(), spec.preprocess.clone()));
        let answer = file.replicas[0].run(vec![images.clone()]).expect("an answer");
        assert_close(&expected[1], &answer[0], "probabilities");
    }
    let error = load_onnx(&logits, &EngineOptions::default(), 1).expect_err("burn reads no graphs");
    assert!(error.to_string().contains("use the engine ort or rten"), "{error}");
}

#[test]
fn what_cannot_be_computed_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let garbage = folder.path().join("garbage.onnx");
    std::fs::write(&garbage, b"\xff\xff not a graph").expect("written");
    let open = folder.path().join("open");
    let (model, spec) = net("mobilenet_v2", &json!({ "width": 0.25 }));
    let any_size = Preprocess { resize: None, crop: None, ..spec.preprocess.clone() };
    save_classifier(&open, &model, &ClassifierSpec { preprocess: any_size, ..spec }).expect("saved");
    for options in engines() {
        load_onnx(&garbage, &options, 1).expect_err("no graph");
        load_onnx(folder.path().join("missing.onnx"), &options, 1).expect_err("no file");
        let error = Predictor::<Cpu>::builder(&open).with_engine(options).load().expect_err("pictures of any size");
        assert!(error.to_string().contains("for pictures of one size"), "{error}");
    }
    let nowhere = EngineOptions::from(EngineKind::Ort).with_library(folder.path());
    let error = load_onnx(&garbage, &nowhere, 1).expect_err("no graph, no library").to_string();
    assert!(
        error.contains("expected a model in ONNX's format") || error.contains("pip install onnxruntime"),
        "{error}"
    );
}

#[test]
fn lower_precisions_of_burn_move_answers_a_little() {
    use EnginePrecision::{Bf16, F16, F32, Int8};

    for (name, folder) in saved_nets() {
        let side = SIDE as usize;
        let answer = |precision| {
            let options = EngineOptions { precision, ..EngineOptions::default() };
            let (replicas, _) =
                Predictor::<Cpu>::builder(folder.path()).with_engine(options).load_replicas(2).expect("it loads");
            let answer = replicas[0].run(vec![pictures(2, &[3, side, side])]).expect("an answer");
            (answer[1].to_f32().expect("numbers"), replicas[1].weights().expect("burn knows").bytes)
        };
        let (exact, whole) = answer(F32);
        for (precision, most, share) in [(F16, 0.01, 0.5..0.55), (Bf16, 0.06, 0.5..0.55), (Int8, 0.05, 0.25..0.45)] {
            let (near, bytes) = answer(precision);
            let moved = exact.iter().zip(near).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
            assert!(moved > 0.0 && moved < most, "{name}, {precision}: {moved}");
            let kept = bytes as f64 / whole as f64;
            assert!(share.contains(&kept), "{name}, {precision}: {kept} of the memory");
        }
    }
}

/// A graph `y = x w` with `x` `[N, W]` and `w` `[3, 2]` of ones, as a message of ONNX written by hand: it says that any W will do.
fn products() -> Vec<u8> {
    fn varint(number: u32, value: u64) -> Vec<u8> {
        let mut bytes = vec![(number << 3) as u8];
        let mut rest = value;
        while rest > 127 {
            bytes.push((rest & 127) as u8 | 128);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }
    fn field(number: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = varint(number, content.len() as u64);
        bytes[0] |= 2;
        [&bytes, content].concat()
    }
    let named = |name: &str, sides: [&[u8]; 2]| {
        let shape: Vec<u8> = sides.iter().flat_map(|side| field(1, side)).collect();
        let tensor = [varint(1, 1), field(2, &shape)].concat();
        [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
    };
    let node = [field(1, b"x"), field(1, b"w"), field(2, b"y"), field(3, b"product"), field(4, b"MatMul")].concat();
    let ones = [1.0_f32; 6].map(f32::to_le_bytes).concat();
    let weights = [varint(1, 3), varint(1, 2), varint(2, 1), field(8, b"w"), field(9, &ones)].concat();
    let (rows, width, two) = (field(2, b"N"), field(2, b"W"), varint(1, 2));
    let (x, y) = (named("x", [&rows, &width]), named("y", [&rows, &two]));
    let graph = [field(1, &node), field(2, b"products"), field(5, &weights), field(11, &x), field(12, &y)].concat();
    [varint(1, 8), field(7, &graph), field(8, &varint(2, 17))].concat()
}

#[test]
fn sides_that_a_graph_cannot_compute_are_the_requests_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("products.onnx");
    std::fs::write(&path, products()).expect("written");
    for options in engines() {
        let engines = load_onnx(&path, &options, 1).expect("it loads").replicas;
        let signature = engines[0].signature();
        assert_eq!(signature.inputs[0].wire_shape(), [-1, -1], "it does not say that it wants three");
        let batcher = Batcher::start(engines, BatchOptions::default());
        let ask =
            |width: usize| batcher.submit(Request::new(vec![HostTensor::from_f32(vec![1, width], &vec![2.0; width])]));
        for _ in 0..4 {
            let error = ask(4).wait().expect_err("a product of 4 and 3");
            assert!(matches!(error, RequestError::Input(_)), "{error:?}");
        }
        let report = batcher.replicas()[0];
        assert_eq!((report.health, report.failures), (ReplicaHealth::Healthy, 0), "{report:?}");
        assert_eq!(ask(3).wait().expect("an answer").outputs[0].to_f32().expect("numbers"), [6.0, 6.0]);
    }
}

#[test]
fn pictures_that_are_too_small_for_a_net_are_the_requests_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, spec) = net("mobilenet_v2", &json!({ "width": 0.25 }));
    let any_size = Preprocess { resize: None, crop: None, ..spec.preprocess.clone() };
    save_classifier(folder.path(), &model, &ClassifierSpec { preprocess: any_size, ..spec }).expect("saved");
    let (replicas, _) = Predictor::<Cpu>::builder(folder.path()).load_replicas(1).expect("it loads");
    let batcher = Batcher::start(replicas, BatchOptions::default());
    let ask = |side: usize| batcher.submit(Request::new(vec![pictures(1, &[3, side, side])])).wait();
    let error = ask(31).expect_err("a stride of 32");
    assert!(matches!(&error, RequestError::Input(what) if what.contains("at least 32")), "{error:?}");
    assert_eq!(batcher.replicas()[0].failures, 0);
    assert_eq!(ask(33).expect("an answer").outputs[0].shape(), [1, CLASSES]);
}
