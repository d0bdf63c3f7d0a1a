//! Every family of the zoo keeps the contract of a backbone; `every_name_conforms` looks at every name and takes long.

use std::collections::BTreeSet;

use burn::tensor::Device;
use mvl_core::{ModelConfig, conformance};
use mvl_models::zoo;
use serde_json::{Value, json};

use super::fixtures::cpu;

/// A cheap form of each kind of net, by family: the contract does not depend on width or depth.
fn cheap_forms() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("alexnet", "alexnet", json!({ "width": 0.125 })),
        ("clip", "vit_base_patch32_clip_quickgelu_224", json!({ "depth": 1 })),
        ("convnext", "convnext_tiny", json!({ "width": 0.125 })),
        ("convnext_v2", "convnextv2_atto", json!({ "width": 0.25 })),
        ("convnext_v2", "convnextv2_tiny", json!({ "width": 0.125 })),
        ("deit", "deit3_small_patch16_224", json!({ "depth": 2 })),
        ("deit", "deit_tiny_distilled_patch16_224", json!({ "depth": 2 })),
        ("densenet", "densenet121", json!({ "width": 0.25, "depths": [1, 2, 1, 1] })),
        ("dinov2", "vit_small_patch14_reg4_dinov2", json!({ "depth": 2, "img_size": 224 })),
        ("efficientnet", "efficientnet_b0", json!({ "width": 0.125, "depth": 0.5 })),
        (
            "efficientnet",
            "efficientnet_b0",
            json!({ "width": 0.125, "depth": 0.25, "stem": "small", "drop_path": 0.0 }),
        ),
        ("efficientnet_lite", "efficientnet_lite0", json!({ "width": 0.125, "depth": 0.5 })),
        ("efficientnet_lite", "tf_efficientnet_lite0", json!({ "width": 0.125, "depth": 0.5 })),
        ("efficientnet_v2", "efficientnet_v2_s", json!({ "width": 0.125, "depth": 0.25 })),
        ("googlenet", "googlenet", json!({ "width": 0.25 })),
        ("inception_v3", "inception_v3", json!({ "width": 0.125 })),
        ("maxvit", "maxvit_t", json!({ "width": 0.25, "depths": [2, 1, 1, 1], "partition": 2 })),
        ("mnasnet", "mnasnet0_5", json!({ "width": 0.125 })),
        ("mobilenet_v2", "mobilenet_v2", json!({ "width": 0.25 })),
        ("mobilenet_v2", "mobilenet_v2", json!({ "width": 0.25, "stem": "small" })),
        ("mobilenet_v3", "mobilenet_v3_small", json!({ "width": 0.25 })),
        ("mobilenet_v3", "mobilenet_v3_large", json!({ "width": 0.125, "stem": "small" })),
        ("mobilenet_v4", "mobilenetv4_conv_small", json!({ "width": 0.125, "drop_path": 0.1 })),
        ("mobilenet_v4", "mobilenetv4_conv_medium", json!({ "width": 0.125, "stem": "small" })),
        ("regnet", "regnet_x_400mf", json!({ "width": 0.25 })),
        ("regnet", "regnet_y_400mf", json!({ "width": 0.25 })),
        ("repvgg", "repvgg_a0", json!({ "width": 0.125 })),
        ("repvgg", "repvgg_b1g4", json!({ "width": 0.0625 })),
        ("resnet", "resnet18", json!({ "width": 0.125 })),
        ("resnet", "resnet50", json!({ "width": 0.125 })),
        ("resnet", "resnet18", json!({ "width": 0.125, "stem": "small", "zero_init_residual": true })),
        ("resnet_cifar", "resnet8", json!({ "width": 0.5 })),
        ("resnet_cifar", "resnet20", json!({ "width": 0.5 })),
        ("resnet_cifar", "resnet8", json!({ "zero_init_residual": true })),
        ("resnet_cifar", "resnet8", json!({ "stem_stride": 2 })),
        ("resnetd", "resnet18d", json!({ "width": 0.125 })),
        ("resnetd", "resnet50d", json!({ "width": 0.125, "stem": "small" })),
        ("resnext", "resnext50_32x4d", json!({ "width": 0.125 })),
        ("se_resnet", "seresnet18", json!({ "width": 0.125 })),
        ("se_resnet", "seresnext50_32x4d", json!({ "width": 0.125 })),
        ("shufflenet_v2", "shufflenet_v2_x0_5", json!({ "width": 0.5 })),
        ("squeezenet", "squeezenet1_0", json!({ "width": 0.25 })),
        ("squeezenet", "squeezenet1_1", json!({ "width": 0.25 })),
        ("swin", "swin_t", json!({ "width": 0.25, "depths": [2, 2, 2, 2] })),
        ("swin_v2", "swin_v2_t", json!({ "width": 0.25, "depths": [2, 2, 2, 2] })),
        ("vgg", "vgg11", json!({ "width": 0.125 })),
        ("vgg", "vgg11_bn", json!({ "width": 0.125 })),
        ("vit", "vit_tiny_patch16_224", json!({ "depth": 3, "drop_path": 0.1 })),
        ("wide_resnet", "wide_resnet50_2", json!({ "width": 0.125 })),
    ]
}

fn config(name: &str, options: &Value) -> ModelConfig {
    let options = options.as_object().expect("an object").iter();
    options.fold(ModelConfig::new(name, 2), |config, (key, value)| config.with_option(key, value.clone()))
}

fn conforms(config: &ModelConfig, device: &Device) {
    let zoo = zoo();
    conformance::factory(zoo.model(&config.name).expect("a name of the zoo"), config, device);
}

/// Every `step`-th form from `first` on, so that the forms are looked at side by side.
fn forms_conform(first: usize, step: usize) {
    for (family, name, options) in cheap_forms().into_iter().skip(first).step_by(step) {
        println!("{name} {options}");
        assert_eq!(zoo().model(name).expect("a name of the zoo").family(), family);
        conforms(&config(name, &options), &cpu());
    }
}

#[test]
fn even_forms_conform() {
    forms_conform(0, 2);
}

#[test]
fn odd_forms_conform() {
    forms_conform(1, 2);
}

#[test]
fn no_family_is_left_out() {
    let families = zoo().models().map(|model| model.family().to_owned()).collect::<BTreeSet<_>>();
    let tested = cheap_forms().into_iter().map(|(family, ..)| family.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(tested, families);
}

/// As published, with 1 channel and with 4: `cargo xtask prove zoo-conformance`.
#[test]
#[ignore = "takes long: every name at its full size"]
fn every_name_conforms() {
    let chosen = std::env::var("MVL_NAMES").unwrap_or_default();
    for name in zoo().models().map(|model| model.name().to_owned()).filter(|name| name.contains(&chosen)) {
        println!("{name}");
        for in_channels in [1, 4] {
            let config = ModelConfig::new(&name, 2).with_in_channels(in_channels);
            let make = |device: &Device| zoo().create_backbone(&config, device).expect("a valid config");
            conformance::backbone(make, in_channels, &cpu());
        }
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn the_smallest_nets_conform_on_ndarray() {
    use mvl_core::{Backend, NdArray};

    let device = NdArray::device(0).expect("a CPU");
    for (name, width) in [("resnet8", 0.5), ("resnet18", 0.125), ("mobilenet_v2", 0.25)] {
        let config = ModelConfig::new(name, 2).with_option("width", width);
        let make = |device: &Device| zoo().create_backbone(&config, device).expect("a valid config");
        conformance::backbone(make, config.in_channels, &device);
    }
}
