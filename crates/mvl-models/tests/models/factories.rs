//! Models from names and configs.

use burn::tensor::Tensor;
use mvl_core::{Feature, FeatureExtractor, ModelConfig, ModelError, count_parameters};
use mvl_models::{create_model, zoo};

use super::fixtures::cpu;

#[test]
fn a_pattern_finds_its_models() {
    let zoo = zoo();
    let names = |pattern: &str| zoo.filter(pattern).map(|model| model.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names("resnet1?"), ["resnet14", "resnet18"]);
    assert_eq!(names("mobilenet_v2"), ["mobilenet_v2"]);
    assert_eq!(names("no such*"), [""; 0]);
    assert_eq!(names("*").len(), zoo.models().count());
}

#[test]
fn a_misspelt_name_has_a_neighbour() {
    let error = create_model("resnet 18", 10, &cpu()).expect_err("no such name");
    assert!(matches!(&error, ModelError::UnknownModel { nearest: Some(name), .. } if name == "resnet18"), "{error}");
}

/// The config in TOML is all that is needed, for every name.
#[test]
fn a_config_alone_rebuilds_the_model() {
    let zoo = zoo();
    for factory in zoo.models() {
        let config = ModelConfig { head: factory.head(), ..ModelConfig::new(factory.name(), 7) }.with_in_channels(4);
        let text = config.to_toml().expect("a config has a form in TOML");
        let read = ModelConfig::from_toml(&text).expect("what was written");
        assert_eq!(read, config, "{text}");
        let count = |config| count_parameters(&zoo.create_classifier(config, &cpu()).expect("a valid config"));
        assert_eq!(count(&read), count(&ModelConfig::new(factory.name(), 7).with_in_channels(4)), "{text}");
    }
    let error = ModelConfig::from_toml("name = \"resnet18\"\nnum_classes = 2\nchanels = 1").expect_err("misspelt");
    assert!(error.to_string().contains("unknown field `chanels`"), "{error}");
}

#[test]
fn features_come_in_the_order_asked_for() {
    let config = ModelConfig::new("resnet18", 1).with_option("width", 0.125);
    let features = zoo().create_feature_extractor(&config, ["layer3", "stem"], &cpu()).expect("known taps");
    let strides: Vec<_> = features.taps().map(|tap| (tap.name.as_str(), tap.stride)).collect();
    assert_eq!(strides, [("layer3", 16), ("stem", 2)]);
    let answers = features.forward(Tensor::ones([2, 3, 64, 32], &cpu()));
    let shapes = answers.iter().map(|feature| match feature {
        Feature::Map(map) => map.dims(),
        _ => panic!("a map"),
    });
    assert_eq!(shapes.collect::<Vec<_>>(), [[2, 32, 4, 2], [2, 8, 32, 16]]);

    let pyramid = FeatureExtractor::pyramid(features.backbone, 8);
    assert_eq!(pyramid.taps().map(|tap| tap.name.as_str()).collect::<Vec<_>>(), ["layer2", "layer3", "layer4"]);
    let error = FeatureExtractor::new(pyramid.backbone, ["layer5"]).expect_err("no such tap");
    assert!(error.to_string().starts_with("unknown tap \"layer5\", did you mean \"layer"), "{error}");
}
