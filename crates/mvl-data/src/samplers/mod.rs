//! In which order an epoch goes through a data set. One sampler is one file.
//!
//! A sampler is a pure function of seed and epoch; ranks take turns with what it picks, see [`EpochPlan`](mvl_core::EpochPlan).
//! [`EveryItem`](mvl_core::EveryItem), plain or shuffled, is the loader's own.

mod aspect_ratio_groups;
mod aspect_ratios;
mod class_balanced;
mod config;
mod limited;
mod repeated_augmentation;
mod shard_shuffled;
mod weighted;

use std::collections::HashMap;

use mvl_core::Pick;

pub use aspect_ratio_groups::AspectRatioGroups;
pub use aspect_ratios::aspect_ratios;
pub use class_balanced::ClassBalanced;
pub use config::SamplerConfig;
pub use limited::Limited;
pub use repeated_augmentation::RepeatedAugmentation;
pub use shard_shuffled::ShardShuffled;
pub use weighted::Weighted;

/// Tells the times apart that an epoch comes to an item.
fn count_repeats(indices: impl Iterator<Item = usize>) -> Vec<Pick> {
    let mut times = HashMap::new();
    let pick = |index| {
        let next = times.entry(index).or_insert(0);
        *next += 1;
        Pick { index, repeat: *next - 1 }
    };
    indices.map(pick).collect()
}
