//! The parts of a data set, whichever it has.

use std::sync::Arc;

use mvl::data::{LabelledDataset, Split};

use crate::training_data::{has_split, open_split};

/// Training, validation and test where the data is divided, otherwise all of it as one part.
pub(super) fn open_parts(path: &str) -> anyhow::Result<Vec<(Split, Arc<dyn LabelledDataset>)>> {
    let mut splits = Vec::new();
    for split in [Split::Train, Split::Valid, Split::Test] {
        if has_split(path, split)? {
            splits.push(split);
        }
    }
    if splits.is_empty() {
        splits.push(Split::All);
    }
    splits.into_iter().map(|split| Ok((split, open_split(path, split)?))).collect()
}

/// The name of a part on the command line and in JSON.
pub(super) fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Valid => "valid",
        Split::Test => "test",
        _ => "all",
    }
}
