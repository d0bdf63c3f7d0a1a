//! Every built-in model and head by name.

use mvl_core::Registry;

use crate::{backbones, heads};

/// A registry of everything in this crate; add your own to it with
/// [`register_model`](Registry::register_model) and [`register_head`](Registry::register_head).
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
    backbones::googlenet::register(&mut registry);
    backbones::inception_v3::register(&mut registry);
    backbones::resnet::register(&mut registry);
    backbones::mobilenet_v2::register(&mut registry);
    backbones::resnet::register(&mut registry);
    backbones::squeezenet::register(&mut registry);
    backbones::vgg::register(&mut registry);
    backbones::vision_transformer::register(&mut registry);
    heads::register(&mut registry);
    registry
}
