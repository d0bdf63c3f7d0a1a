//! A backbone and a head that no `mvl` crate knows, boxed as a registry holds them, and what is said where something cannot be exported.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Distribution, Tensor, activation};
use mvl_core::{
    Backbone, Backend, BoxedBackbone, BoxedHead, Classifier, ClassifierSpec, Cpu, Features, Head, Labels, ModelConfig,
    Network, Preprocess, Tap, TapSet, fuse,
};
use mvl_infer::export::{ExportError, OnnxAnswer, OnnxExport, with_trial_weights, write_trial};
use mvl_models::layers::{Activation, ConvNormAct, ConvNormActConfig};

use crate::onnxruntime::assert_equal_in_onnxruntime;
use crate::structure::{assert_well_formed, metadata, operators};

/// Two convolutions, and a sharpness of its own that no layer knows.
#[derive(Module, Debug)]
struct Sharp {
    convs: Vec<ConvNormAct>,
    sharpness: Param<Tensor<1>>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl Backbone for Sharp {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let x = self.convs.iter().fold(images, |x, conv| conv.forward(x));
        let blurred = x.clone().mean_dim(3).mean_dim(2); // [N, C, 1, 1]
        let x = x.clone() + (x - blurred) * self.sharpness.val().reshape([1, 8, 1, 1]);
        features.keep_map(keep, 0, &x);
        features
    }
}

#[derive(Module, Debug)]
struct Largest {
    linear: Linear,
}

impl Head for Largest {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(0)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let map = features.take_map(0);
        let [count, channels, ..] = map.dims();
        self.linear.forward(map.flatten::<3>(2, 3).max_dim(2).reshape([count, channels]))
    }
}

fn own_classifier() -> Classifier {
    let device = Cpu::device(0).expect("a CPU");
    let conv = |channels| {
        ConvNormActConfig::new(channels, [3; 2]).with_stride(2).with_activation(Activation::Relu).init(&device)
    };
    let backbone = Sharp {
        convs: vec![conv([3, 6]), conv([6, 8])],
        sharpness: Param::from_tensor(Tensor::random([8], Distribution::Default, &device)),
        taps: vec![Tap::map("sharp", 8, 4)],
    };
    let head = Largest { linear: LinearConfig::new(8, 4).init(&device) };
    let model = Network::new(BoxedBackbone::new(backbone), BoxedHead::new(head));
    with_trial_weights(model, 11, [3, 20, 27], |model, images| model.forward(images))
}

#[test]
fn somebodys_own_classifier_is_equal_in_onnxruntime() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, device) = (own_classifier(), Cpu::device(0).expect("a CPU"));
    let picture = [3, 20, 27];
    let of = || OnnxExport::of(&model, picture);
    let cases = [
        ("fused", of(), OnnxAnswer::Logits),
        ("unfused", of().without_fusing(), OnnxAnswer::Logits),
        ("one class", of().with_answer(OnnxAnswer::Softmax), OnnxAnswer::Softmax),
        ("any classes", of().with_answer(OnnxAnswer::Sigmoid), OnnxAnswer::Sigmoid),
        ("external", of().with_external_weights(), OnnxAnswer::Logits),
    ];
    let count = cases.len();
    for (name, export, answer) in cases {
        let folder = folder.path().join(name);
        let summary = export.write(folder.join("model.onnx")).expect("it can be exported");
        assert_eq!(summary.output.name, answer.name());
        assert_eq!(summary.files.len(), if name == "external" { 2 } else { 1 }, "{name}");
        let on_disk: u64 = summary.files.iter().map(|file| file.metadata().expect("it is there").len()).sum();
        assert_eq!(summary.bytes as u64, on_disk, "{name}");
        write_trial(&folder, &[1, 2, 5], picture, &device, |images| answer.of(model.forward(images)))
            .expect("writable");
    }
    assert_equal_in_onnxruntime(folder.path(), 3 * count);
}

#[test]
fn fusing_leaves_no_normalisation() {
    let model = own_classifier();
    let bytes = |export: OnnxExport<'_>| export.build().expect("it can be exported").to_bytes().expect("it is small");
    let fused = operators(&bytes(OnnxExport::of(&model, [3, 16, 16])));
    let unfused = operators(&bytes(OnnxExport::of(&model, [3, 16, 16]).without_fusing()));
    let norms = |operators: &[String]| operators.iter().filter(|name| *name == "BatchNormalization").count();
    assert_eq!((norms(&fused), norms(&unfused)), (0, 2));
    let convs = |operators: &[String]| operators.iter().filter(|name| *name == "Conv").count();
    assert_eq!((convs(&fused), convs(&unfused)), (2, 2));
    assert_eq!(fused.iter().filter(|name| *name == "MatMul").count(), 1);
}

#[test]
fn the_model_itself_is_not_touched() {
    let model = own_classifier();
    let device = Cpu::device(0).expect("a CPU");
    let images = Tensor::random([2, 3, 16, 16], Distribution::Default, &device);
    let before = model.forward(images.clone()).into_data();
    for fused in [true, false] {
        let export = OnnxExport::of(&model, [3, 16, 16]);
        let export = if fused { export } else { export.without_fusing() };
        export.build().expect("it can be exported");
        model.forward(images.clone()).into_data().assert_eq(&before, true);
        fuse(&model).forward(images.clone()); // its statistics are still on its device
    }
}

#[test]
fn a_spec_becomes_metadata() {
    let model = own_classifier();
    let spec = ClassifierSpec::new(
        ModelConfig::new("sharp", 4),
        Labels::new(["ash", "beech", "\"oak\"", "yew"]),
        Preprocess::imagenet(24, 20),
    );
    let exported = OnnxExport::of(&model, [3, 20, 20]).with_spec(&spec).with_metadata("grown by", "nobody");
    let bytes = exported.build().expect("it can be exported").to_bytes().expect("it is small");
    assert_well_formed(&bytes);
    let metadata = metadata(&bytes);
    let json = |key: &str| serde_json::from_str::<serde_json::Value>(&metadata[key]).expect("JSON");
    assert_eq!(metadata["task"], "classification");
    assert_eq!(metadata["grown by"], "nobody");
    assert_eq!(json("labels"), serde_json::to_value(&spec.labels).expect("JSON"));
    let preprocess: Preprocess = serde_json::from_str(&metadata["preprocess"]).expect("a preprocessing");
    assert_eq!(preprocess, spec.preprocess);
    let config: ModelConfig = serde_json::from_str(&metadata["model"]).expect("a model's config");
    assert_eq!(config, spec.model);
}

#[test]
fn a_fixed_batch_is_written_as_a_number() {
    let model = own_classifier();
    let summary =
        OnnxExport::of(&model, [3, 16, 24]).with_fixed_batch(3).build().expect("it can be exported").summary();
    assert_eq!(summary.input.shape, ["3", "3", "16", "24"]);
    assert_eq!(summary.output.shape, ["3", "4"]);
    assert_eq!((summary.opset, summary.ir_version), (17, 8));
}

#[test]
fn what_cannot_be_exported_is_named_with_its_layer() {
    let device = Cpu::device(0).expect("a CPU");
    let linear = LinearConfig::new(8, 8).init(&device);
    let sorted = OnnxExport::of_module(&linear, [3, 8, 8], |linear, images| linear.forward(images).sort(3));
    match sorted.build() {
        Err(error @ ExportError::Unsupported { .. }) => {
            let text = error.to_string();
            assert!(text.contains("Sort"), "{text}");
        }
        other => panic!("expected it to be unsupported, got {other:?}"),
    }
    let model = own_classifier();
    let sorted = OnnxExport::of_module(&model, [3, 16, 16], |model, images| model.forward(images).sort(1));
    let text = sorted.build().expect_err("it has no form").to_string();
    assert!(text.contains("Sort") && text.contains("head.linear"), "{text}");
}

#[test]
fn what_depends_on_the_number_of_pictures_is_refused_unless_that_is_fixed() {
    let linear = LinearConfig::new(8, 8).init(&Cpu::device(0).expect("a CPU"));
    let by_count = |_: &Linear, images: Tensor<4>| {
        let count = images.dims()[0] as f64;
        activation::relu(images) * count
    };
    let free = OnnxExport::of_module(&linear, [3, 8, 8], by_count).build();
    match free {
        Err(ExportError::DependsOnBatch { operation, .. }) => assert!(operation.contains("MulScalar"), "{operation}"),
        other => panic!("expected it to be refused, got {other:?}"),
    }
    let one_more = |_: &Linear, images: Tensor<4>| {
        let first = images.clone().narrow(0, 0, 1);
        Tensor::cat(vec![images, first], 0)
    };
    let free = OnnxExport::of_module(&linear, [3, 8, 8], one_more).build();
    assert!(matches!(free, Err(ExportError::DependsOnBatch { .. })), "{free:?}");
    let fixed = OnnxExport::of_module(&linear, [3, 8, 8], by_count).with_fixed_batch(4).build();
    assert_eq!(fixed.expect("one batch has no other").summary().output.shape, ["4", "3", "8", "8"]);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let model = own_classifier();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "no folder").expect("writable");
    let error = OnnxExport::of(&model, [3, 16, 16]).write(blocked.join("model.onnx")).expect_err("a file is no folder");
    assert!(error.to_string().contains("file/model.onnx"), "{error}");
}
