//! VGG, very deep convolutional networks: Simonyan, Zisserman 2014, <https://arxiv.org/abs/1409.1556>, as torchvision builds its
//! configurations A, B, D and E, with batch normalisation or without.

mod factory;

pub use factory::VggFactory;

pub(crate) use factory::register;
