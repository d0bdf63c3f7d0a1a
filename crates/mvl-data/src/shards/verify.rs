//! Finds the damaged samples of shards, and rewrites shards without them.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::{DataError, write_atomically};
use mvl_kernels::map_file;
use serde::Serialize;

use super::index::{ShardEntry, ShardIndex};
use super::record::image_part;
use super::sample::ShardSample;
use super::scan::{Damage, Scan};
use super::tar_walk::TarError;
use super::writer::{END, cannot_write};
use crate::decode::decode;

/// A part of a shard that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamagedSample {
    /// The shard.
    pub shard: PathBuf,
    /// The sample's key; `None` where not even that can be read.
    pub key: Option<String>,
    /// Its first byte in the shard.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The samples that are in the shard now.
    pub kept: usize,
    /// What was left out; when there is nothing here, the shard is as it was.
    pub dropped: Vec<DamagedSample>,
    /// Whether the index was missing, damaged or of another shard, and was made anew.
    pub index_rebuilt: bool,
}

/// Reads shards whole and lists every sample that is damaged. With a good index the checksums decide; without, every image is
/// decoded, as nothing else could tell.
///
/// # Errors
/// [`DataError::Io`] when a shard cannot be read at all.
pub fn verify_shards(shards: &[PathBuf]) -> Result<Vec<DamagedSample>, DataError> {
    let mut damaged = Vec::new();
    for shard in shards {
        damaged.extend(Inspection::of(shard)?.damaged);
    }
    Ok(damaged)
}

/// Rewrites a shard without its damaged samples, and makes its index where that is missing or damaged. A good shard with a good
/// index is left alone. What is dropped is gone from the shard: keep a copy of one that cannot be made again.
///
/// # Errors
/// [`DataError::Io`] when the shard cannot be read; [`DataError::Format`] when nothing of it is good;
/// [`DataError::Other`] when it cannot be written.
pub fn repair_shard(shard: &Path) -> Result<Repair, DataError> {
    let Inspection { bytes, good, damaged, is_index_good } = Inspection::of(shard)?;
    let repair = Repair { kept: good.len(), dropped: damaged, index_rebuilt: !is_index_good };
    if good.is_empty() {
        let what = "no sample of the shard is good; nothing was changed".to_owned();
        return Err(DataError::Format { path: shard.to_owned(), what });
    }
    let mut index = ShardIndex { shard_len: bytes.len() as u64, entries: good };
    if !repair.dropped.is_empty() {
        index.shard_len = rewrite(shard, &bytes, &mut index.entries).map_err(|source| cannot_write(shard, source))?;
    }
    if repair.index_rebuilt || !repair.dropped.is_empty() {
        index.write_beside(shard)?;
    }
    Ok(repair)
}

/// Copies these samples, updates where they lie, and gives the length.
fn rewrite(shard: &Path, bytes: &Bytes, entries: &mut [ShardEntry]) -> io::Result<u64> {
    let mut len = 0;
    write_atomically(shard, |out| {
        for entry in entries.iter_mut() {
            let content = content_of(entry, bytes).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.write_all(&content)?;
            entry.offset = len;
            len += entry.len;
        }
        len += END.len() as u64;
        out.write_all(&END)
    })?;
    Ok(len)
}

/// A shard, told apart into what is good and what is not.
struct Inspection {
    bytes: Bytes,
    good: Vec<ShardEntry>,
    damaged: Vec<DamagedSample>,
    is_index_good: bool,
}

impl Inspection {
    fn of(shard: &Path) -> Result<Self, DataError> {
        let bytes = map_file(shard).map_err(|source| DataError::Io { path: shard.to_owned(), source })?;
        let index = match ShardIndex::read_beside(shard) {
            Err(DataError::Format { .. }) => None, // damaged: no better than none
            index => index?,
        };
        // An index of another length is that of the shard before it was cut off, and still knows what was in it; but beside a
        // shard without any damage it belongs to another shard.
        let cut = |index: &ShardIndex| index.shard_len != bytes.len() as u64;
        let (entries, walk_damage, is_index_good) = match index {
            Some(index) if !cut(&index) => (index.entries, Vec::new(), true),
            index => match (index, Scan::of(&bytes)) {
                (Some(index), scan) if !scan.damage.is_empty() => (index.entries, Vec::new(), true),
                (_, scan) => (scan.entries, scan.damage, false),
            },
        };
        let (mut good, mut damaged) = (Vec::new(), Vec::new());
        for entry in entries {
            match judge(&entry, &bytes, is_index_good) {
                Ok(()) => good.push(entry),
                Err(what) => damaged.push(DamagedSample {
                    shard: shard.to_owned(),
                    key: Some(entry.key),
                    offset: entry.offset,
                    what,
                }),
            }
        }
        damaged.extend(walk_damage.into_iter().map(|Damage { key, error: TarError { offset, what, .. } }| {
            DamagedSample { shard: shard.to_owned(), key, offset: offset as u64, what }
        }));
        damaged.sort_by_key(|sample| sample.offset);
        Ok(Self { bytes, good, damaged, is_index_good })
    }
}

fn content_of(entry: &ShardEntry, bytes: &Bytes) -> Option<Bytes> {
    let (start, end) = (usize::try_from(entry.offset).ok()?, usize::try_from(entry.range().end).ok()?);
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}

/// What is wrong with a sample, if anything is.
fn judge(entry: &ShardEntry, bytes: &Bytes, has_checksum: bool) -> Result<(), String> {
    let content = content_of(entry, bytes).ok_or("the shard ends before it does")?;
    if has_checksum && crc32c::crc32c(&content) != entry.crc32c {
        return Err("damaged, its checksum does not fit".to_owned());
    }
    let sample = ShardSample::parse(&content).map_err(|damage| damage.to_string())?;
    if sample.key != entry.key {
        return Err(format!("found {:?} in its place", sample.key));
    }
    let image = image_part(&sample)?;
    if !has_checksum {
        decode(image, &entry.key).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mvl_core::{Channels, Image};

    use super::*;
    use crate::encode_png;
    use crate::shards::{ShardLimits, write_shard};

    /// A shard of five images, each with its class: 2048 bytes a sample, as every header, PNG and number fits a block.
    fn shard(folder: &Path) -> PathBuf {
        let path = folder.join("shard-000000.tar");
        let sample = |at: u8| {
            let png = encode_png(&Image::new(2, 2, Channels::Gray, vec![at; 4]).expect("four pixels"));
            Ok(ShardSample::new(format!("k{at}"))
                .expect("a key")
                .with_part("png", png)
                .with_part("cls", at.to_string()))
        };
        write_shard(&path, &mut (0..5).map(sample), ShardLimits::default()).expect("written");
        path
    }

    fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(path).expect("there");
        change(&mut bytes);
        std::fs::write(path, bytes).expect("written");
    }

    fn keys(shard: &Path) -> Vec<String> {
        let index = ShardIndex::read_beside(shard).expect("good").expect("there");
        let bytes = std::fs::read(shard).expect("there");
        assert_eq!(ShardIndex::of_tar(&bytes).expect("a good shard"), index);
        index.entries.into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn a_damaged_sample_is_named_and_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = shard(folder.path());
        assert_eq!(verify_shards(std::slice::from_ref(&path)).expect("readable"), []);
        let offset = ShardIndex::read_beside(&path).expect("good").expect("there").entries[2].offset;
        change(&path, |bytes| bytes[offset as usize + 530] ^= 1);
        let damaged = verify_shards(std::slice::from_ref(&path)).expect("readable");
        assert_eq!(damaged.len(), 1);
        assert_eq!((damaged[0].key.as_deref(), damaged[0].offset), (Some("k2"), offset));
        let repair = repair_shard(&path).expect("four are good");
        assert_eq!((repair.kept, repair.dropped, repair.index_rebuilt), (4, damaged, false));
        assert_eq!(keys(&path), ["k0", "k1", "k3", "k4"]);
        let again = repair_shard(&path).expect("all are good");
        assert_eq!((again.kept, again.dropped.len(), again.index_rebuilt), (4, 0, false));
    }

    #[test]
    fn a_lost_or_broken_index_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = shard(folder.path());
        let before = std::fs::read(&path).expect("there");
        let index = ShardIndex::path_of(&path);
        change(&index, |bytes| bytes[30] ^= 1);
        let repair = repair_shard(&path).expect("good");
        assert_eq!((repair.kept, repair.dropped.len(), repair.index_rebuilt), (5, 0, true));
        std::fs::remove_file(&index).expect("there");
        assert!(repair_shard(&path).expect("good").index_rebuilt);
        assert!(std::fs::read(&path).expect("there") == before, "a good shard is left alone");
        assert_eq!(keys(&path).len(), 5);
    }

    #[test]
    fn what_is_left_of_a_cut_shard_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = shard(folder.path());
        let third = ShardIndex::read_beside(&path).expect("good").expect("there").entries[2].range();
        for with_index in [true, false] {
            shard(folder.path());
            change(&path, |bytes| bytes.truncate(third.end as usize - 100));
            if !with_index {
                std::fs::remove_file(ShardIndex::path_of(&path)).expect("there");
            }
            let repair = repair_shard(&path).expect("two are good");
            assert_eq!((repair.kept, repair.dropped.is_empty()), (2, false), "{repair:?}");
            assert_eq!(keys(&path), ["k0", "k1"]);
        }
    }

    #[test]
    fn without_an_index_images_are_decoded_and_headers_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = shard(folder.path());
        let offsets: Vec<_> = ShardIndex::read_beside(&path)
            .expect("good")
            .expect("there")
            .entries
            .iter()
            .map(|entry| entry.offset as usize)
            .collect();
        change(&path, |bytes| {
            bytes[offsets[1] + 512 + 20] ^= 0xff; // within a PNG's header
            bytes[offsets[3]] ^= 1; // a header of tar
        });
        std::fs::remove_file(ShardIndex::path_of(&path)).expect("there");
        let repair = repair_shard(&path).expect("two are good");
        let dropped: Vec<_> =
            repair.dropped.iter().map(|sample| (sample.key.as_deref(), sample.offset as usize)).collect();
        // The damaged header may have been the third sample's, and what is behind it is not a whole sample.
        let behind = offsets[3] + 1024;
        assert_eq!(dropped, [(Some("k1"), offsets[1]), (Some("k2"), offsets[3]), (Some("k3"), behind)], "{repair:?}");
        assert_eq!(keys(&path), ["k0", "k4"]);
    }

    #[test]
    fn a_shard_without_a_good_sample_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("noise.tar");
        std::fs::write(&path, [7; 3000]).expect("written");
        assert!(repair_shard(&path).expect_err("noise").to_string().starts_with("no sample of the shard is good"));
        assert_eq!(std::fs::read(&path).expect("there"), [7; 3000]);
    }
}
