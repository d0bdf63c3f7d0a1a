//! GoogLeNet, the first Inception: Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich 2014,
//! <https://arxiv.org/abs/1409.4842>, as torchvision builds it: with batch normalisation, and 3×3 convolutions where the paper has
//! 5×5. The auxiliary classifiers, which act in training alone, are absent.

mod block;
mod factory;
mod net;

pub use block::{Inception, InceptionChannels};
pub use factory::GoogLeNetFactory;
pub use net::{GoogLeNet, GoogLeNetConfig};

pub(crate) use factory::register;
