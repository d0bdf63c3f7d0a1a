//! Every name of the zoo keeps the contract of a backbone.

use burn::tensor::Device;
use mvl_core::{ModelConfig, conformance};
use mvl_models::zoo;

use super::fixtures::cpu;

/// The narrowest form of every model: the contract does not depend on width.
fn narrow(name: &str) -> ModelConfig {
    let config = ModelConfig::new(name, 2);
    match name {
        "resnet8" | "resnet14" | "resnet20" | "resnet32" | "resnet44" | "resnet56" => config.with_option("width", 0.5),
        "mobilenet_v2" => config.with_option("width", 0.25),
        _ => config.with_option("width", 0.125),
    }
}

fn conforms(config: &ModelConfig, device: &Device) {
    let zoo = zoo();
    conformance::factory(zoo.model(&config.name).expect("a name of the zoo"), config, device);
}

#[test]
fn shallow_nets_conform() {
    for name in ["resnet8", "resnet14", "resnet20", "resnet18", "resnet34"] {
        conforms(&narrow(name), &cpu());
    }
}

#[test]
fn deep_nets_conform() {
    for name in ["resnet32", "resnet44", "resnet56", "resnet50", "mobilenet_v2"] {
        conforms(&narrow(name), &cpu());
    }
}

#[test]
fn the_deepest_nets_conform() {
    for name in ["resnet101", "resnet152"] {
        let config = narrow(name);
        let make = |device: &Device| zoo().create_backbone(&config, device).expect("a valid config");
        conformance::backbone(make, config.in_channels, &cpu());
    }
}

#[test]
fn options_conform() {
    conforms(&narrow("resnet18").with_option("stem", "small").with_option("zero_init_residual", true), &cpu());
    conforms(&narrow("mobilenet_v2").with_option("stem", "small"), &cpu());
    conforms(&ModelConfig::new("resnet8", 2).with_option("zero_init_residual", true), &cpu());
    conforms(&ModelConfig::new("resnet8", 2).with_option("stem_stride", 2), &cpu());
}

#[test]
fn no_name_is_left_out() {
    let tested = [
        "mobilenet_v2",
        "resnet101",
        "resnet14",
        "resnet152",
        "resnet18",
        "resnet20",
        "resnet32",
        "resnet34",
        "resnet44",
        "resnet50",
        "resnet56",
        "resnet8",
    ];
    assert_eq!(zoo().models().map(|model| model.name().to_owned()).collect::<Vec<_>>(), tested);
}

#[cfg(feature = "ndarray")]
#[test]
fn the_smallest_nets_conform_on_ndarray() {
    use mvl_core::{Backend, NdArray};

    let device = NdArray::device(0).expect("a CPU");
    for name in ["resnet8", "resnet18", "mobilenet_v2"] {
        let config = narrow(name);
        let make = |device: &Device| zoo().create_backbone(&config, device).expect("a valid config");
        conformance::backbone(make, config.in_channels, &device);
    }
}
