//! AlexNet: Krizhevsky, Sutskever, Hinton 2012, <https://doi.org/10.1145/3065386>, in the form of Krizhevsky 2014 (One weird
//! trick), <https://arxiv.org/abs/1404.5997>, as torchvision builds it: no local response normalisation, no groups.

mod factory;

pub use factory::AlexNetFactory;

pub(crate) use factory::register;
