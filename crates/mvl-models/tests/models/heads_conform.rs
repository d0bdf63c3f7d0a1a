//! Every head and neck on every kind of backbone: it keeps its contract or says why it does not fit.

use std::collections::HashSet;

use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, BoxedHead, Features, Head, ModelConfig, ModelError, Network, Registry, Tap, conformance};
use mvl_models::necks::NeckConfig;
use serde_json::{Value, json};

use super::fixtures::{cpu, picture};
use super::user_backbone::registry;

/// Backbones by kind: maps at few strides, maps at many, maps at one and tokens after a class token, after two tokens, tokens only.
fn backbones(registry: &Registry) -> Vec<(ModelConfig, Vec<Tap>)> {
    let configs = [
        ModelConfig::new("resnet8", 3).with_option("width", 0.5),
        ModelConfig::new("mobilenet_v2", 3).with_option("width", 0.25),
        ModelConfig::new("vit_tiny_patch16_224", 3).with_option("depth", 2),
        ModelConfig::new("deit_tiny_distilled_patch16_224", 3).with_option("depth", 1),
        ModelConfig::new("words", 3),
    ];
    let taps = |config: ModelConfig| {
        let backbone = registry.create_backbone(&config, &cpu()).expect("a valid config");
        (config, backbone.taps().to_vec())
    };
    configs.into_iter().map(taps).collect()
}

/// Narrow options, so that the suite is quick.
fn options(head: &str) -> Value {
    match head {
        "embedding" => json!({ "dim": 8 }),
        "mlp" => json!({ "hidden": [8] }),
        "deeplabv3" => json!({ "width": 8, "rates": [1, 2] }),
        "fcn" => json!({ "hidden": 8 }),
        "fpn_segmentation" => json!({ "width": 8, "neck": { "fpn": { "width": 8 } } }),
        "unet" => json!({ "widths": [8, 8, 8, 4, 4, 4] }),
        _ => json!({}),
    }
}

/// Checks a head of this answer on all backbones; the names of those on which it sits.
fn sits_on<O: 'static>(head: &str, flatten: fn(O) -> Tensor<1>) -> HashSet<String> {
    let registry = registry();
    let mut fits = HashSet::new();
    for (config, taps) in backbones(&registry) {
        let mut config = config.with_head(head);
        for (key, value) in options(head).as_object().expect("an object") {
            config = config.with_head_option(key, value.clone());
        }
        match create::<O>(&registry, &config, &cpu()) {
            Ok(_) => {
                let make = |_: &[Tap], device: &Device| create::<O>(&registry, &config, device).expect("as before");
                conformance::head(make, &taps, flatten, &cpu());
                fits.insert(config.name);
            }
            Err(ModelError::Mismatch { head, backbone, what }) => {
                assert!(!head.is_empty() && backbone == config.name, "{head} on {backbone}: {what}");
                println!("{head} on {backbone}: {what}");
            }
            Err(other) => panic!("{head} on {}: {other}", config.name),
        }
    }
    fits
}

fn create<O: 'static>(registry: &Registry, config: &ModelConfig, device: &Device) -> Result<BoxedHead<O>, ModelError> {
    registry.create_network::<O>(config, device).map(|network| network.head)
}

fn names<O: 'static>() -> Vec<String> {
    mvl_models::zoo().heads::<O>().map(str::to_owned).collect()
}

#[test]
fn heads_of_classes_conform() {
    for head in names::<Tensor<2>>() {
        let fits = sits_on::<Tensor<2>>(&head, |logits| logits.flatten(0, 1));
        let everywhere = ["attention_pool", "embedding", "linear", "mlp"].contains(&head.as_str());
        assert!(fits.len() == 5 || !everywhere && !fits.is_empty(), "{head} sits on {fits:?}");
    }
}

#[test]
fn heads_of_pixels_conform() {
    let names = names::<Tensor<4>>();
    assert_eq!(names, ["deeplabv3", "fcn", "fpn_segmentation", "unet"]);
    for head in names {
        let fits = sits_on::<Tensor<4>>(&head, |logits| logits.flatten(0, 3));
        assert!(fits.len() == 4 && !fits.contains("words"), "{head} wants maps, it sits on {fits:?}");
    }
}

fn necks() -> Vec<NeckConfig> {
    let necks = json!([
        { "fpn": { "width": 8 } },
        { "fpn": { "width": 8, "extra": "max_pool" } },
        { "fpn": { "width": 8, "extra": "convs" } },
        { "fpn": { "width": 8, "extra": "backbone_convs" } },
        { "pafpn": { "width": 8 } },
        { "pafpn": { "width": 8, "extra": "max_pool" } },
        { "bifpn": { "width": 8, "layers": 2 } },
        { "unet": { "widths": [8, 8, 8, 4, 4] } },
        { "unet": { "widths": [8, 8, 8, 4], "full_size": false } },
        { "aspp": { "width": 8, "rates": [1, 2] } },
    ]);
    serde_json::from_value(necks).expect("necks")
}

#[test]
fn necks_conform() {
    let registry = registry();
    for config in necks() {
        for (model, taps) in backbones(&registry) {
            match config.build(&model.name, &taps, &cpu()) {
                Ok(_) => {
                    let make =
                        |taps: &[Tap], device: &Device| config.build(&model.name, taps, device).expect("as before");
                    conformance::neck(make, &taps, &cpu());
                }
                Err(ModelError::Mismatch { backbone, what, .. }) => {
                    assert_eq!(backbone, "words", "{config:?}: {what}");
                }
                Err(other) => panic!("{config:?} on {}: {other}", model.name),
            }
        }
    }
}

#[test]
fn dense_heads_conform_on_every_neck() {
    let registry = registry();
    let (model, taps) = backbones(&registry).remove(1);
    for neck in necks() {
        let one_map = matches!(neck, NeckConfig::Unet(_) | NeckConfig::Aspp(_));
        for head in if one_map { &["fcn", "fpn_segmentation"][..] } else { &["fpn_segmentation"] } {
            let neck = serde_json::to_value(&neck).expect("plain data");
            let mut config = model.clone().with_head(*head).with_head_option("neck", neck);
            if *head == "fpn_segmentation" {
                config = config.with_head_option("width", 8);
            }
            let make = |_: &[Tap], device: &Device| create::<Tensor<4>>(&registry, &config, device).expect("it fits");
            conformance::head(make, &taps, |logits| logits.flatten(0, 3), &cpu());
        }
    }
}

#[test]
fn both_sides_of_a_mismatch_are_named() {
    let on = |model: &str, neck: Value| {
        let config = ModelConfig::new(model, 2).with_head("fpn_segmentation").with_head_option("neck", neck);
        registry().create_network::<Tensor<4>>(&config, &cpu()).expect_err("it does not fit").to_string()
    };
    let cases = [
        (
            on("words", json!({ "fpn": {} })),
            "head \"fpn\" cannot sit on backbone \"words\": expected a tap with a feature map",
        ),
        (
            on("words", json!({ "unet": { "levels": { "taps": ["words"] } } })),
            "head \"unet\" cannot sit on backbone \"words\": tap \"words\" holds tokens [N, L, C], expected a map [N, C, H, W]",
        ),
        (
            on("resnet8", json!({ "pafpn": { "levels": { "strides": [4, 8] } } })),
            "head \"pafpn\" cannot sit on backbone \"resnet8\": expected a map at stride 8, found \"stem\" (Map, stride 1), ",
        ),
        (
            on("resnet8", json!({ "bifpn": { "levels": { "taps": ["layer3", "layer2"] } } })),
            "head \"bifpn\" cannot sit on backbone \"resnet8\": expected maps at growing strides, got 2 after 4",
        ),
        (
            on("resnet8", json!({ "bifpn": { "levels": { "coarsest": 1 }, "extra": 0 } })),
            "head \"bifpn\" cannot sit on backbone \"resnet8\": expected 2 levels or more, got one at stride 4",
        ),
        (
            on("resnet8", json!({ "aspp": { "tap": "layer4" } })),
            "head \"aspp\" cannot sit on backbone \"resnet8\": expected a tap \"layer4\", found \"stem\"",
        ),
    ];
    for (error, expected) in cases {
        assert!(error.starts_with(expected), "expected {expected:?}, got {error:?}");
    }
    let config = ModelConfig::new("resnet8", 2).with_head("attention_pool").with_head_option("heads", 7);
    let error = registry().create_classifier(&config, &cpu()).expect_err("7 does not divide 64").to_string();
    assert_eq!(
        error,
        "head \"attention_pool\" cannot sit on backbone \"resnet8\": 7 attention heads do not divide the 64 channels of \"layer3\""
    );
}

#[test]
fn absurd_options_are_refused() {
    let cases = [
        ("unet", json!({ "widths": [8] }), "widths: expected 2 for steps to strides [2, 1], got [8]"),
        ("deeplabv3", json!({ "rates": [0] }), "rates: expected up to 16 from 1 to 1024, got [0]"),
        ("deeplabv3", json!({ "dropout": 1.0 }), "dropout: expected a number from 0 to below 1, got 1"),
        (
            "fpn_segmentation",
            json!({ "width": 40 }),
            "width: expected below 32 or a multiple of it up to 16384, got 40",
        ),
        ("fpn_segmentation", json!({ "neck": { "fpn": { "width": 0 } } }), "width: expected 1 to 16384, got 0"),
        ("fcn", json!({ "hidden": 0 }), "hidden: expected 1 to 16384, got 0"),
        ("fcn", json!({ "neck": { "fpm": {} } }), "unknown variant `fpm`"),
        ("fcn", json!({ "neck": { "fpn": {} } }), "neck: expected \"unet\" or \"aspp\""),
        ("fpn_segmentation", json!({ "neck": { "bifpn": { "layers": 0 } } }), "layers: expected 1 to 32, got 0"),
    ];
    for (head, options, expected) in cases {
        let mut config = ModelConfig::new("resnet8", 2).with_head(head);
        for (key, value) in options.as_object().expect("an object") {
            config = config.with_head_option(key, value.clone());
        }
        let error = registry().create_network::<Tensor<4>>(&config, &cpu()).expect_err(expected).to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    }
}

#[test]
fn segmentation_nets_answer_at_the_picture_s_own_size() {
    for (model, size) in [("resnet8", [19, 33]), ("mobilenet_v2", [41, 70])] {
        for head in names::<Tensor<4>>() {
            let mut config = ModelConfig::new(model, 5).with_head(&head);
            for (key, value) in options(&head).as_object().expect("an object") {
                config = config.with_head_option(key, value.clone());
            }
            let network: Network<_, BoxedHead<Tensor<4>>> =
                registry().create_network(&config, &cpu()).expect("a valid config");
            let logits = network.forward(picture("size", [1, 3, size[0], size[1]], &cpu()));
            assert_eq!(logits.dims(), [1, 5, size[0], size[1]], "{head} on {model}");
        }
    }
}

/// Without a picture's size a dense head answers for as many pixels as the stride makes of the cells.
#[test]
fn features_alone_are_enough() {
    let config = ModelConfig::new("resnet8", 2).with_head("fcn");
    let network = registry().create_network::<Tensor<4>>(&config, &cpu()).expect("a valid config");
    let features: Features = network.backbone.forward(picture("alone", [1, 3, 16, 24], &cpu()), network.head.reads());
    assert_eq!(network.head.forward(features).dims(), [1, 2, 16, 24]);
}
