//! A cheap form of every kind of net in the zoo, exported, and with its weights in 8 bits.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::{Distribution, Tensor};
use mvl_core::{Backbone, Backend, Classifier, Cpu, ModelConfig, fuse, quantize_weights};
use mvl_infer::export::{OnnxExport, with_trial_weights, write_trial};
use mvl_models::zoo;
use serde_json::{Value, json};

use crate::onnxruntime::assert_equal_in_onnxruntime;
use crate::structure::assert_well_formed;

/// The sizes of batch that are compared.
const BATCHES: [usize; 3] = [1, 2, 5];
const CLASSES: usize = 7;

/// A family, a name in it, and options that make it cheap: what is exported does not depend on width or depth.
fn cheap_forms() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("alexnet", "alexnet", json!({ "width": 0.125 })),
        ("clip", "vit_base_patch32_clip_quickgelu_224", json!({ "depth": 1 })),
        ("convnext", "convnext_tiny", json!({ "width": 0.125 })),
        ("convnext_v2", "convnextv2_atto", json!({ "width": 0.25 })),
        ("deit", "deit3_small_patch16_224", json!({ "depth": 2 })),
        ("deit", "deit_tiny_distilled_patch16_224", json!({ "depth": 2 })),
        ("densenet", "densenet121", json!({ "width": 0.25, "depths": [1, 2, 1, 1] })),
        ("dinov2", "vit_small_patch14_reg4_dinov2", json!({ "depth": 2, "img_size": 224 })),
        ("efficientnet", "efficientnet_b0", json!({ "width": 0.125, "depth": 0.5 })),
        ("efficientnet_lite", "tf_efficientnet_lite0", json!({ "width": 0.125, "depth": 0.5 })),
        ("efficientnet_v2", "efficientnet_v2_s", json!({ "width": 0.125, "depth": 0.25 })),
        ("googlenet", "googlenet", json!({ "width": 0.25 })),
        ("inception_v3", "inception_v3", json!({ "width": 0.125 })),
        ("maxvit", "maxvit_t", json!({ "width": 0.25, "depths": [2, 1, 1, 1], "partition": 2 })),
        ("mnasnet", "mnasnet0_5", json!({ "width": 0.125 })),
        ("mobilenet_v2", "mobilenet_v2", json!({ "width": 0.25 })),
        ("mobilenet_v3", "mobilenet_v3_small", json!({ "width": 0.25 })),
        ("mobilenet_v4", "mobilenetv4_conv_small", json!({ "width": 0.125 })),
        ("regnet", "regnet_x_400mf", json!({ "width": 0.25 })),
        ("regnet", "regnet_y_400mf", json!({ "width": 0.25 })),
        ("repvgg", "repvgg_a0", json!({ "width": 0.125 })),
        ("repvgg", "repvgg_b1g4", json!({ "width": 0.0625 })),
        ("resnet", "resnet18", json!({ "width": 0.125 })),
        ("resnet", "resnet50", json!({ "width": 0.125 })),
        ("resnet_cifar", "resnet8", json!({ "width": 0.5 })),
        ("resnetd", "resnet18d", json!({ "width": 0.125 })),
        ("resnext", "resnext50_32x4d", json!({ "width": 0.125 })),
        ("se_resnet", "seresnet18", json!({ "width": 0.125 })),
        ("shufflenet_v2", "shufflenet_v2_x0_5", json!({ "width": 0.5 })),
        ("squeezenet", "squeezenet1_0", json!({ "width": 0.25 })),
        ("squeezenet", "squeezenet1_1", json!({ "width": 0.25 })),
        ("swin", "swin_t", json!({ "width": 0.25, "depths": [2, 2, 2, 2] })),
        ("swin_v2", "swin_v2_t", json!({ "width": 0.25, "depths": [2, 2, 2, 2] })),
        ("vgg", "vgg11", json!({ "width": 0.125 })),
        ("vgg", "vgg11_bn", json!({ "width": 0.125 })),
        ("vit", "vit_tiny_patch16_224", json!({ "depth": 3 })),
        ("wide_resnet", "wide_resnet50_2", json!({ "width": 0.125 })),
    ]
}

fn classifier(name: &str, options: &Value) -> Classifier {
    let options = options.as_object().expect("an object").iter();
    let config =
        options.fold(ModelConfig::new(name, CLASSES), |config, (key, value)| config.with_option(key, value.clone()));
    let device = Cpu::device(0).expect("a CPU");
    let model = zoo().create_classifier(&config, &device).expect("a valid config");
    let picture = picture(&model);
    with_trial_weights(model, 7, picture, |model, images| model.forward(images))
}

/// Sides that the model takes, not square, and odd where it takes odd ones.
fn picture(model: &Classifier) -> [usize; 3] {
    let sides = model.backbone.sides();
    let allowed = |from: usize| (from..).find(|&side| sides.allow(side)).expect("sides have no upper bound");
    let height = allowed(sides.min.max(65));
    [3, height, allowed(height + 20)]
}

fn export(model: &Classifier, folder: &Path) {
    let picture = picture(model);
    let exported = OnnxExport::of(model, picture).build().expect("it can be exported");
    assert_well_formed(&exported.to_bytes().expect("it is small"));
    let summary = exported.write(folder.join("model.onnx")).expect("writable");
    assert_eq!(summary.output.shape, ["batch", "7"]);
    assert_eq!(summary.input.shape, ["batch", "3", &picture[1].to_string(), &picture[2].to_string()]);
    let device = Cpu::device(0).expect("a CPU");
    write_trial(folder, &BATCHES, picture, &device, |images| model.forward(images)).expect("writable");
}

#[test]
fn every_family_is_equal_in_onnxruntime() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (family, name, options) in cheap_forms() {
        assert_eq!(zoo().model(name).expect("a name of the zoo").family(), family);
        println!("{name} {options}");
        export(&classifier(name, &options), &folder.path().join(name));
    }
    assert_equal_in_onnxruntime(folder.path(), cheap_forms().len() * BATCHES.len());
}

/// Families whose layers are unlike others': attention in windows, squeezed channels, branches that were made one, long concatenations.
const UNLIKE: [&str; 6] = ["convnext_v2", "densenet", "repvgg", "se_resnet", "swin_v2", "vit"];

/// Layers of all kinds compute with weights that burn keeps in 8 bits.
#[test]
fn weights_in_8_bits_move_answers_a_little() {
    let device = Cpu::device(0).expect("a CPU");
    device.seed(3);
    for (_, name, options) in cheap_forms().into_iter().filter(|(family, ..)| UNLIKE.contains(family)) {
        let model = fuse(&classifier(name, &options));
        let [channels, height, width] = picture(&model);
        let images = Tensor::<4>::random([2, channels, height, width], Distribution::Normal(0.0, 1.0), &device);
        let (exact, near) = (model.forward(images.clone()), quantize_weights(&model).forward(images));
        let rms = |logits: Tensor<2>| logits.powi_scalar(2).mean().sqrt().into_scalar::<f32>();
        let moved = rms(exact.clone() - near) / rms(exact);
        // Narrow nets of random weights amplify every rounding; a wrong scale anywhere would move answers by as much as they are.
        assert!(moved > 0.0 && moved < 0.25, "{name}: {moved} of the logits");
    }
}

#[test]
fn no_family_is_left_out() {
    let families = zoo().models().map(|model| model.family().to_owned()).collect::<BTreeSet<_>>();
    let tested = cheap_forms().into_iter().map(|(family, ..)| family.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(tested, families);
}
