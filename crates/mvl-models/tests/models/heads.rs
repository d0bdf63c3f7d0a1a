//! Heads fit or say why not.

use burn::tensor::Tensor;
use mvl_core::ModelConfig;
use mvl_models::zoo;

use super::fixtures::{answer, cpu};
use super::user_backbone::registry;

#[test]
fn every_head_answers() {
    for head in ["attention_pool", "conv", "conv_mlp", "linear", "mlp"] {
        assert!(zoo().heads::<Tensor<2>>().any(|name| name == head));
        let config = ModelConfig::new("resnet8", 7).with_head(head).with_head_option("dropout", 0.5);
        let model = zoo().create_classifier(&config, &cpu()).expect("a valid config");
        let logits = answer(&model, 3, 16);
        assert_eq!((logits.len(), answer(&model, 3, 16)), (14, logits)); // no dropout outside training
    }
}

#[test]
fn both_sides_of_a_mismatch_are_named() {
    let grid = serde_json::json!({ "grid": 2 });
    for head in ["conv_mlp", "linear", "mlp"] {
        let config = ModelConfig::new("words", 2).with_head(head).with_head_option("pool", grid.clone());
        let error = registry().create_classifier(&config, &cpu());
        assert_eq!(
            error.expect_err("tokens only").to_string(),
            format!(
                "head {head:?} cannot sit on backbone \"words\": expected a tap with a feature map [N, C, H, W], found \
                 \"words\" (Tokens)"
            )
        );
    }
}

#[test]
fn mistakes_are_named() {
    let config = ModelConfig::new("resnet8", 2);
    let cases = [
        (config.clone().with_option("stems", "small"), "unknown field `stems`"),
        (config.clone().with_option("width", 0.0), "width: expected a number above 0"),
        (ModelConfig::new("resnet18", 2).with_option("stem", "tiny"), "unknown variant `tiny`"),
        (config.clone().with_head_option("drop", 0.1), "unknown field `drop`"),
        (config.clone().with_head_option("dropout", 1.0), "dropout: expected a number from 0 to below 1, got 1"),
        (config.with_head("mlp").with_head_option("hidden", vec![0]), "hidden: expected 1 to 65536, got 0"),
        (ModelConfig::new("resnet19", 2), "unknown model \"resnet19\", did you mean \"resnet18\"?"),
    ];
    for (config, expected) in cases {
        let error = zoo().create_classifier(&config, &cpu()).expect_err(expected).to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    }
}
