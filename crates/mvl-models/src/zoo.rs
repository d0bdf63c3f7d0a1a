//! Every built-in model, head and task by name.

use burn::tensor::Device;
use mvl_core::{Classifier, ModelConfig, ModelError, Registry};

use crate::{backbones, heads, tasks};

/// A registry of everything in this crate; add your own to it with
/// [`register_model`](Registry::register_model), [`register_head`](Registry::register_head) and
/// [`register_task`](Registry::register_task).
///
/// # Example
/// ```
/// let zoo = mvl_models::zoo();
/// assert!(zoo.models().any(|model| (model.name(), model.family()) == ("resnet20", "resnet_cifar")));
/// ```
#[must_use]
pub fn zoo() -> Registry {
    let mut registry = Registry::new();
    backbones::alexnet::register(&mut registry);
    backbones::convnext::register(&mut registry);
    backbones::densenet::register(&mut registry);
    backbones::efficientnet::register(&mut registry);
    backbones::googlenet::register(&mut registry);
    backbones::inception_v3::register(&mut registry);
    backbones::maxvit::register(&mut registry);
    backbones::mnasnet::register(&mut registry);
    backbones::mobilenet_v2::register(&mut registry);
    backbones::mobilenet_v3::register(&mut registry);
    backbones::mobilenet_v4::register(&mut registry);
    backbones::regnet::register(&mut registry);
    backbones::repvgg::register(&mut registry);
    backbones::resnet::register(&mut registry);
    backbones::shufflenet_v2::register(&mut registry);
    backbones::squeezenet::register(&mut registry);
    backbones::swin::register(&mut registry);
    backbones::vgg::register(&mut registry);
    backbones::vision_transformer::register(&mut registry);
    heads::register(&mut registry);
    tasks::register(&mut registry);
    registry
}

/// A built-in classifier for RGB pictures by name, with the head it was published with, freshly initialised. For other channels
/// and options, or models of your own, see [`Registry::create_classifier`]; for weights, [`load_weights`](crate::weights::load_weights).
///
/// # Errors
/// [`ModelError::UnknownModel`] with the nearest known name.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Cpu, count_parameters};
///
/// let model = mvl_models::create_model("resnet18", 10, &Cpu::device(0)?)?;
/// assert_eq!(count_parameters(&model), 11_181_642);
/// assert!(mvl_models::zoo().filter("resnet*").count() > 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_model(name: &str, num_classes: usize, device: &Device) -> Result<Classifier, ModelError> {
    zoo().create_classifier(&ModelConfig::new(name, num_classes), device)
}
