//! Multiply-adds and activations of well-known nets.

use mvl_core::ModelConfig;
use mvl_models::{create_model, summarize, zoo};

use super::fixtures::cpu;

/// What torchvision and timm publish: giga multiply-adds, and millions of activations where they say so.
const PUBLISHED: [(&str, f64, Option<f64>); 7] = [
    ("resnet18", 1.81, Some(2.48)),
    ("resnet50", 4.09, Some(11.11)),
    ("mobilenet_v2", 0.30, Some(6.68)),
    ("densenet121", 2.83, None),
    ("convnext_tiny", 4.46, None),
    ("efficientnet_b0", 0.39, None),
    ("vit_base_patch16_224", 17.56, None),
];

#[test]
fn multiply_adds_are_those_that_are_published() {
    let zoo = zoo();
    for (name, giga, activations) in PUBLISHED {
        if zoo.model(name).is_err() {
            println!("{name} is not in the zoo");
            continue;
        }
        let summary = summarize(create_model(name, 1000, &cpu()).expect("a name"), [3, 224, 224]).expect("a graph");
        let got = summary.multiply_adds as f64 / 1e9;
        assert!((got - giga).abs() < 0.02 * giga, "{name}: expected {giga} giga multiply-adds, got {got}");
        if let Some(millions) = activations {
            let got = summary.activation_mib * (1 << 20) as f64 / 4e6;
            assert!((got - millions).abs() < 0.02 * millions, "{name}: expected {millions} M activations, got {got}");
        }
    }
}

#[test]
fn parts_add_up_and_know_their_outputs() {
    let config = ModelConfig::new("resnet50", 10).with_in_channels(1);
    let model = zoo().create_classifier(&config, &cpu()).expect("a valid config");
    let summary = summarize(model, [1, 64, 96]).expect("a graph");
    let parts: Vec<_> = summary.parts.iter().map(|part| (part.part.as_str(), part.output.as_slice())).collect();
    let expected: [(&str, &[usize]); 6] = [
        ("stem", &[64, 32, 48]),
        ("layer1", &[256, 16, 24]),
        ("layer2", &[512, 8, 12]),
        ("layer3", &[1024, 4, 6]),
        ("layer4", &[2048, 2, 3]),
        ("head", &[10]),
    ];
    assert_eq!(parts, expected);
    assert_eq!(summary.parts.iter().map(|part| part.parameters).sum::<usize>(), summary.parameters);
    // 7×7 from one channel to 64 and a normalisation; 2048 features to 10 classes
    let (stem, head) = (&summary.parts[0], &summary.parts[5]);
    assert_eq!((stem.parameters, stem.multiply_adds), (49 * 64 + 128, 49 * 64 * 32 * 48));
    assert_eq!((head.parameters, head.multiply_adds), (20490, 20480));
}
