//! Writes shards: each is there whole with its index, or not at all.

use std::io;
use std::path::Path;

use mvl_core::{DataError, write_atomically};
use serde::{Deserialize, Serialize};

use super::index::{ShardEntry, ShardIndex};
use super::sample::ShardSample;
use super::scan::{CLASS_EXTENSION, parse_class};
use super::tar_header::BLOCK;

/// The two empty blocks that end a tar file.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// When a shard is full: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardLimits {
    /// Samples a shard.
    pub samples: usize,
    /// Bytes a shard; the sample that reaches them is its last.
    pub bytes: u64,
}

impl Default for ShardLimits {
    /// 10,000 samples or 256 MiB: large enough to be read in one go, small enough to be shared out among ranks.
    fn default() -> Self {
        Self { samples: 10_000, bytes: 256 << 20 }
    }
}

/// Takes samples until the shard is full or there are no more, and writes them with their index beside them; `None` when
/// there was not a single one. One sample at a time is in memory.
///
/// # Errors
/// The first error among the samples; [`DataError::Other`] with the system's reason when the shard cannot be written. No shard
/// is left behind then.
///
/// # Example
/// ```
/// use mvl_data::{ShardIndex, ShardLimits, ShardSample, write_shard};
/// let folder = tempfile::tempdir()?;
/// let mut samples = (0..3).map(|n| Ok(ShardSample::new(n.to_string()).expect("a key").with_part("cls", n.to_string())));
/// let limits = ShardLimits { samples: 2, ..ShardLimits::default() };
/// let first = write_shard(&folder.path().join("a.tar"), &mut samples, limits)?.expect("two samples");
/// let second = write_shard(&folder.path().join("b.tar"), &mut samples, limits)?.expect("one sample");
/// assert_eq!((first.entries.len(), second.entries[0].class), (2, Some(2)));
/// assert!(folder.path().join("b.idx").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_shard(
    path: &Path,
    samples: &mut dyn Iterator<Item = Result<ShardSample, DataError>>,
    limits: ShardLimits,
) -> Result<Option<ShardIndex>, DataError> {
    let Some(mut sample) = samples.next().transpose()? else { return Ok(None) };
    let mut index = ShardIndex::default();
    let mut failure = None;
    let written = write_atomically(path, |out| {
        loop {
            let (offset, len) = (index.shard_len, sample.len_in_shard());
            let class = sample.part(CLASS_EXTENSION).and_then(|text| parse_class(text));
            let crc32c = sample.write(out)?;
            index.shard_len += len;
            index.entries.push(ShardEntry { key: sample.key, offset, len, crc32c, class });
            if index.entries.len() >= limits.samples || index.shard_len >= limits.bytes {
                break;
            }
            sample = match samples.next() {
                None => break,
                Some(Ok(sample)) => sample,
                Some(Err(error)) => {
                    failure = Some(error);
                    return Err(io::Error::other("a sample failed"));
                }
            };
        }
        index.shard_len += END.len() as u64;
        out.write_all(&END)
    });
    match (failure, written) {
        (Some(error), _) => Err(error),
        (None, Err(source)) => Err(cannot_write(path, source)),
        (None, Ok(())) => index.write_beside(path).map(|()| Some(index)),
    }
}

pub(crate) fn cannot_write(path: &Path, source: io::Error) -> DataError {
    DataError::Other { what: format!("cannot write {}", path.display()), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(key: &str) -> Result<ShardSample, DataError> {
        Ok(ShardSample::new(key).expect("a key").with_part("jpg", vec![5; 1000]))
    }

    #[test]
    fn a_shard_is_full_by_bytes_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = ShardLimits { samples: 100, bytes: 3000 };
        let mut samples = (0..5).map(|at| sample(&at.to_string()));
        let mut sizes = Vec::new();
        while let Some(index) = write_shard(&folder.path().join("s.tar"), &mut samples, limits).expect("written") {
            sizes.push((index.entries.len(), index.shard_len));
            let bytes = std::fs::read(folder.path().join("s.tar")).expect("there");
            assert_eq!(ShardIndex::of_tar(&bytes), Ok(index));
        }
        assert_eq!(sizes, [(2, 4096), (2, 4096), (1, 2560)]);
    }

    #[test]
    fn an_error_leaves_no_shard_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.tar");
        let mut samples = [sample("a"), Err(DataError::invalid("no more"))].into_iter();
        let error = write_shard(&path, &mut samples, ShardLimits::default()).expect_err("the second sample");
        assert_eq!(error.to_string(), "no more");
        let error = write_shard(&path, &mut [sample(&"k".repeat(99))].into_iter(), ShardLimits::default());
        assert!(error.expect_err("too long").full_message().contains("a name of at most 100 bytes"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0);
    }
}
