//! Weights files: reading torchvision's `.pth` and anyone's `.safetensors`, writing `.safetensors` under torchvision's keys,
//! cards of published weights, and a cache that fetches them.
//!
//! No code in a file is ever run: pickles are parsed as data, and what is not a tensor is refused or left out.

mod cards;
mod checkpoint_file;
mod checksum;
mod class_rows;
mod compare;
mod export;
mod fit;
mod hostile_calls;
mod hub;
mod imagenet_labels;
mod input_channels;
mod key_names;
mod load;
mod parameters;
mod safetensors;

pub use cards::{WeightsCard, weights_card, weights_cards};
pub use checkpoint_file::list_tensors;
pub use compare::{OutputDifference, compare_with_reference};
pub use export::save_safetensors;
pub use fit::{MisshapenTensor, TensorShape};
pub use hub::{
    DownloadProgress, HuggingFaceModel, WeightsHub, is_hugging_face_folder, read_hugging_face_folder, weights_folder,
};
pub use imagenet_labels::imagenet1k_labels;
pub use input_channels::AdaptedInput;
pub use load::{LoadPolicy, LoadReport, load_weights, load_weights_mapped};

pub(crate) use fit::{Misfit, fill};
pub(crate) use parameters::parameter_slots;
