//! Classifiers in half precision: they learn by copies, keep what is asked for, and can be fused.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{DType, Device, Tensor};
use mvl_core::{
    Annotations, Channels, Classifier, ImageBatch, Labels, ModelConfig, Precision, Preprocess, Task, fuse,
    keep_problems, lower_precision,
};
use mvl_models::{ClassificationTask, ClassifierSpec, zoo};
use serde_json::Value;

use super::fixtures::{answer, cpu, picture};

const HALVES: [Precision; 2] = [Precision::Bf16, Precision::F16];

/// With one option.
fn classifier(name: &str, key: &str, value: impl Into<Value>, device: &Device) -> Classifier {
    let config = ModelConfig::new(name, 2).with_option(key, value);
    zoo().create_classifier(&config, device).expect("a valid config")
}

/// Four steps on copies: the loss goes down as in `f32`, logits and losses are in `f32`, statistics gather at the original.
#[test]
fn a_classifier_learns_by_copies() {
    let device = cpu().autodiff();
    let first = classifier("resnet8", "width", 0.5, &device);
    let preprocess = Preprocess::exact(16, 16, Channels::Rgb, &[0.5; 3], &[0.25; 3]);
    let spec = ClassifierSpec::new(ModelConfig::new("resnet8", 2), Labels::default(), preprocess);
    let task = ClassificationTask::new(spec);
    let annotations = [0, 1, 0, 1].map(Annotations::labelled).to_vec();
    let batch = ImageBatch { images: picture("batch", [4, 3, 16, 16], &device), annotations };
    let losses = |precision| {
        let record = first.clone().into_record().into_bytes().expect("a record becomes bytes");
        let record = burn::store::ModuleRecord::from_bytes(record).expect("the bytes become a record");
        let fresh = classifier("resnet8", "width", 0.5, &device); // with statistics of its own
        let mut model = fresh.try_load_record(record).expect("the same kind");
        let before = answer(&model.valid(), 3, 16);
        let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
        let mut losses = Vec::new();
        for _ in 0..4 {
            let lowered = lower_precision(&model, precision, &[]);
            let output = task.forward(&lowered, &batch);
            assert_eq!(output.dtype(), DType::F32, "{precision}");
            let loss = task.loss(&output, &batch).total;
            losses.push(loss.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.1, model, gradients);
        }
        assert_ne!(answer(&model.valid(), 3, 16), before, "{precision}");
        losses
    };
    let expected = losses(Precision::F32);
    for precision in HALVES {
        let losses = losses(precision);
        assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{precision}: {losses:?}");
        for (got, expected) in losses.iter().zip(&expected) {
            assert!((got - expected).abs() < 0.05 * expected.max(0.2), "{precision}: {losses:?}, in f32 {expected:?}");
        }
    }
}

#[test]
fn layers_can_be_kept_and_positions_cannot() {
    let model = classifier("vit_tiny_patch16_224", "depth", 1, &cpu());
    let patterns = ["head.*", "backbone", "backbone.pos_embed", "backbone.block"].map(str::to_owned);
    let expected = [
        "keep_f32[2]: expected a linear layer, convolution or normalisation, got backbone.pos_embed",
        "keep_f32[3]: no layer is called \"backbone.block\"",
    ];
    assert_eq!(keep_problems(&model, &patterns), expected);
    let images = picture("kept", [1, 3, 224, 224], &cpu());
    let full = model.forward(images.clone());
    for pattern in &patterns {
        let lowered = lower_precision(&model, Precision::Bf16, std::slice::from_ref(pattern));
        let difference = (lowered.forward(images.clone()).cast(DType::F32) - full.clone()).abs().max();
        assert!(difference.into_scalar::<f32>() < 0.05, "{pattern}");
    }
}

/// In `bf16`: fresh nets leave the range of `f16` at inference.
#[test]
fn a_copy_can_be_fused() {
    for (name, width) in [("repvgg_a0", 0.125), ("resnet18", 0.125), ("vgg11_bn", 0.125)] {
        let model = classifier(name, "width", width, &cpu());
        let images: Tensor<4> = picture("fused", [2, 3, 64, 64], &cpu());
        let expected = model.forward(images.clone());
        let scale = expected.clone().abs().max().into_scalar::<f32>();
        let fused = fuse(&lower_precision(&model, Precision::Bf16, &[]));
        let difference = (fused.forward(images).cast(DType::F32) - expected).abs().max().into_scalar::<f32>() / scale;
        assert!(difference < 0.1, "{name} differs by {difference}");
    }
}
