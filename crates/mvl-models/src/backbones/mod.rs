//! Images to features. A family is a folder here and one line in [`zoo()`](crate::zoo()).

pub mod alexnet;
pub mod convnext;
pub mod densenet;
pub mod googlenet;
pub mod inception_v3;
pub mod mnasnet;
pub mod mobilenet_v2;
pub mod regnet;
pub mod repvgg;
pub mod resnet;
pub mod sequence;
pub mod shufflenet_v2;
pub mod squeezenet;
mod stem;
pub mod vgg;
pub mod vision_transformer;

pub use stem::Stem;
