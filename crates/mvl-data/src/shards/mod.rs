//! The packed form: WebDataset tar shards with a small index beside each, so that they can be mapped, streamed and read at random.

mod dataset;
mod index;
mod npy;
mod open;
mod record;
mod sample;
mod scan;
mod tar_header;
mod tar_walk;
mod verify;
mod writer;

pub use dataset::ShardDataset;
pub use index::{ShardEntry, ShardIndex};
pub use npy::{RawPixels, encode_npy};
pub use open::find_shards;
pub use record::shard_sample;
pub use sample::{ShardPart, ShardSample};
pub use tar_walk::{TarEntry, TarError, walk_tar};
pub use verify::{DamagedSample, Repair, repair_shard, verify_shards};
pub use writer::{ShardLimits, write_shard};

pub(crate) use open::{holds_shards, is_shard, open_shard_folders, refuse_unfinished};
pub(crate) use record::{JSON_EXTENSION, Origin, ShardRow, image_range, shard_sample_from};
pub(crate) use writer::cannot_write;
