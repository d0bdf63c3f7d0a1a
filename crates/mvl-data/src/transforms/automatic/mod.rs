//! Policies of augmentation that were searched for, or need no search: AutoAugment, RandAugment, TrivialAugment, AugMix.
//!
//! All of them draw from one set of operations ([`AugmentOp`]), each with a magnitude. Where an operation moves pixels, it moves
//! boxes, masks and keypoints along (torchvision refuses them).

mod aug_mix;
mod augment_op;
mod auto_augment;
mod policies;
mod rand_augment;
mod strength;
mod trivial_augment_wide;

pub use aug_mix::AugMix;
pub use augment_op::AugmentOp;
pub use auto_augment::AutoAugment;
pub use policies::AutoAugmentPolicy;
pub use rand_augment::RandAugment;
pub use trivial_augment_wide::TrivialAugmentWide;
