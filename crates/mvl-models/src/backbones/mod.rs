//! Images to features. A family is a folder here and one line in [`zoo()`](crate::zoo()).

pub mod alexnet;
pub mod convnext;
pub mod densenet;
pub mod efficientnet;
pub mod googlenet;
pub mod inception_v3;
pub mod maxvit;
pub mod mnasnet;
pub mod mobilenet_v2;
pub mod mobilenet_v3;
pub mod mobilenet_v4;
pub mod regnet;
pub mod repvgg;
pub mod resnet;
pub mod sequence;
pub mod shufflenet_v2;
pub mod squeezenet;
mod stem;
mod step_net;
pub mod swin;
pub mod vgg;
pub mod vision_transformer;
mod width_options;

pub use stem::Stem;
pub use step_net::{Step, StepConfig, StepNet};
pub use width_options::WidthOptions;
