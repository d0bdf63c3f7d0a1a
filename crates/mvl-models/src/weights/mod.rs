//! Weights files: reading torchvision's `.pth` and anyone's `.safetensors`, writing `.safetensors` under torchvision's keys,
//! and cards of published weights.
//!
//! No code in a file is ever run: pickles are parsed as data, and what is not a tensor is refused or left out.

mod cards;
mod checkpoint_file;
mod compare;
mod export;
mod fit;
mod imagenet_labels;
mod input_channels;
mod key_names;
mod load;
mod parameters;
mod safetensors;

pub use cards::{Pixels, WeightsCard, weights_card, weights_cards};
pub use compare::{OutputDifference, compare_with_reference};
pub use export::save_safetensors;
pub use imagenet_labels::imagenet1k_labels;
pub use input_channels::AdaptedInput;
pub use load::{HeadPolicy, LoadReport, load_weights, load_weights_mapped};

pub(crate) use fit::{Misfit, fill};
pub(crate) use parameters::parameter_slots;
