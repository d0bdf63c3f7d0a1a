//! Shards as a data set with random access.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Labels, Location, Record, Sample, SampleKey};
use mvl_kernels::map_file;

use super::index::{ShardEntry, ShardIndex};
use super::open::{no_shards, shards_in};
use super::record::{Json, encoded_of};
use super::sample::ShardSample;
use crate::decode::{MAX_FILE_BYTES, decode_record};
use crate::place::Place;
use crate::sources::{LabelledDataset, past_the_end};

/// The largest sample that is read: image, annotations and masks.
const MAX_SAMPLE_BYTES: u64 = 2 * MAX_FILE_BYTES;
/// The largest shard in an object store that is read whole because it has no index.
#[cfg(feature = "remote")]
const MAX_WALKED_BYTES: u64 = 4 << 30;

/// WebDataset shards: `.tar` files of `KEY.jpg` (or `png`, `webp`, `bmp`, or `npy` for raw pixels), `KEY.json` and `KEY.cls`.
///
/// An index beside each shard says where each sample lies, see [`ShardIndex`]; it is made where it is missing. So every item has a
/// [`Location`] with a checksum, and strategies can map, stream and cache shards.
///
/// # Example
/// ```no_run
/// use mvl_core::Dataset;
/// use mvl_data::ShardDataset;
/// let train = ShardDataset::open_folder("pets/train".as_ref(), None)?;
/// println!("{} images", train.len());
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ShardDataset {
    labels: Labels,
    shards: Vec<Shard>,
    /// One past the last item of each shard.
    ends: Vec<usize>,
    json: Json,
}

/// A shard's path or URL, and what is in it.
#[derive(Debug, Clone)]
struct Shard {
    object: Arc<str>,
    index: Arc<ShardIndex>,
}

impl ShardDataset {
    /// Shards, by path or URL, whose indices are known already. With class names the shards are the family's own, as
    /// [`ingest`](crate::ingest) writes them, and their JSON members are annotations; without, the classes are the numbers in the `cls`
    /// members and JSON members are left alone.
    ///
    /// # Errors
    /// [`DataError::Format`] when a class has no name.
    pub fn new(
        shards: impl IntoIterator<Item = (Arc<str>, ShardIndex)>,
        labels: Option<Labels>,
    ) -> Result<Self, DataError> {
        let shards: Vec<_> = shards.into_iter().map(|(object, index)| Shard { object, index: index.into() }).collect();
        let (mut ends, mut classes, mut len) = (Vec::with_capacity(shards.len()), 0, 0);
        for shard in &shards {
            len += shard.index.entries.len();
            ends.push(len);
            for entry in &shard.index.entries {
                classes = classes.max(entry.class.map_or(0, |class| class + 1));
                if let (Some(class), Some(labels)) = (entry.class, &labels)
                    && class >= labels.len()
                {
                    let what = format!("expected one of {} classes, got {class}", labels.len());
                    return Err(shard.error(entry, &what));
                }
            }
        }
        let json = if labels.is_some() { Json::Annotations } else { Json::Foreign };
        let labels = labels.unwrap_or_else(|| Labels::new((0..classes).map(|class| class.to_string())));
        Ok(Self { labels, shards, ends, json })
    }

    /// Opens shards by path or address in the given order, with the index of each. A missing index is made by walking through the shard,
    /// and written beside it where that is possible; in an object store it is made anew each time, of all the shard's bytes.
    ///
    /// # Errors
    /// [`DataError::Io`] when a shard cannot be read; [`DataError::Format`] when an index is damaged, a shard is not as long as its
    /// index says, or a shard without an index is damaged; all errors of [`Self::new`].
    pub fn open(paths: &[PathBuf], labels: Option<Labels>) -> Result<Self, DataError> {
        let indices = ShardIndex::read_each_beside(paths)?;
        let shards = paths.iter().zip(indices).map(|(path, index)| open_shard(path, index));
        Self::new(shards.collect::<Result<Vec<_>, _>>()?, labels)
    }

    /// Opens all `.tar` files of a folder, in the order of their names.
    ///
    /// # Errors
    /// All errors of [`Self::open`]; [`DataError::Format`] when there are none.
    pub fn open_folder(folder: &Path, labels: Option<Labels>) -> Result<Self, DataError> {
        let shards = shards_in(folder)?;
        if shards.is_empty() {
            return Err(no_shards(folder));
        }
        Self::open(&shards, labels)
    }

    /// The key of a sample within its shard; `None` past the end.
    #[must_use]
    pub fn key_of(&self, index: usize) -> Option<&str> {
        self.place(index).map(|(_, entry)| entry.key.as_str())
    }

    /// Gives the classes up.
    pub(super) fn into_labels(self) -> Labels {
        self.labels
    }

    /// Replaces classes that are numbers, so that the parts of a data set agree.
    pub(super) fn with_numbered_classes(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    fn place(&self, index: usize) -> Option<(&Shard, &ShardEntry)> {
        let at = self.ends.partition_point(|&end| end <= index);
        let shard = self.shards.as_slice().get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some((shard, shard.index.entries.as_slice().get(index - start)?))
    }

    fn existing(&self, index: usize) -> Result<(&Shard, &ShardEntry), DataError> {
        self.place(index).ok_or_else(|| past_the_end(index, self.len()))
    }
}

/// What a shard is called, and its index, made where it is missing.
fn open_shard(path: &Path, beside: Option<ShardIndex>) -> Result<(Arc<str>, ShardIndex), DataError> {
    match Place::of(path)? {
        Place::Disk(path) => Ok((path.to_string_lossy().into(), index_on_disk(&path, beside)?)),
        #[cfg(feature = "remote")]
        Place::Store(url) => {
            let index = match beside {
                Some(index) => index,
                None => index_of(path, &mvl_store::read_object(url, MAX_WALKED_BYTES)?)?,
            };
            Ok((path.to_string_lossy().into(), index))
        }
    }
}

fn index_on_disk(path: &Path, beside: Option<ShardIndex>) -> Result<ShardIndex, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    if let Some(index) = beside {
        let len = std::fs::metadata(path).map_err(io)?.len();
        return if len == index.shard_len { Ok(index) } else { Err(other_length(path, &index, len)) };
    }
    let index = index_of(path, &map_file(path).map_err(io)?)?;
    // In a folder that cannot be written it is made again each time.
    let _ = index.write_beside(path);
    Ok(index)
}

fn index_of(path: &Path, bytes: &[u8]) -> Result<ShardIndex, DataError> {
    let refused = |what| DataError::Format { path: path.to_owned(), what: format!("{what}; repair the shard") };
    ShardIndex::of_tar(bytes).map_err(refused)
}

fn other_length(path: &Path, index: &ShardIndex, len: u64) -> DataError {
    let last = index.entries.iter().take_while(|entry| entry.range().end <= len).last();
    let last =
        last.map_or("no sample is whole".to_owned(), |entry| format!("the last whole sample is {:?}", entry.key));
    let expected = index.shard_len;
    let what = format!("expected a shard of {expected} bytes by its index, got {len}: {last}; repair the shard");
    DataError::Format { path: path.to_owned(), what }
}

impl Shard {
    fn error(&self, entry: &ShardEntry, what: &str) -> DataError {
        let (key, offset) = (&entry.key, entry.offset);
        DataError::Format {
            path: PathBuf::from(&*self.object),
            what: format!("sample {key:?} at byte {offset}: {what}"),
        }
    }

    fn location(&self, entry: &ShardEntry) -> Location {
        Location { object: self.object.clone(), range: Some(entry.range()), crc32c: Some(entry.crc32c) }
    }

    /// Reads a sample and compares its checksum.
    fn read(&self, entry: &ShardEntry) -> Result<Bytes, DataError> {
        if entry.len > MAX_SAMPLE_BYTES {
            let what = format!("expected at most {} MiB, got {} bytes", MAX_SAMPLE_BYTES >> 20, entry.len);
            return Err(self.error(entry, &what));
        }
        #[cfg(feature = "remote")]
        if self.location(entry).is_url() {
            return mvl_store::read_place(&self.location(entry), MAX_SAMPLE_BYTES);
        }
        let path = Path::new(&*self.object);
        let mut bytes = vec![0; entry.len as usize];
        let mut read = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(entry.offset))?;
            file.read_exact(&mut bytes)
        };
        read().map_err(|source| DataError::Io { path: path.to_owned(), source })?;
        match crc32c::crc32c(&bytes) {
            sum if sum == entry.crc32c => Ok(bytes.into()),
            _ => Err(self.error(entry, "damaged, its checksum does not fit")),
        }
    }
}

impl Dataset<Sample> for ShardDataset {
    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        decode_record(self.fetch(key.index)?)
    }

    fn location(&self, index: usize) -> Option<Location> {
        let (shard, entry) = self.place(index)?;
        Some(shard.location(entry))
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        let (shard, entry) = self.existing(index)?;
        let error = |what: &str| shard.error(entry, what);
        let sample = ShardSample::parse(&bytes).map_err(|damage| error(&damage.to_string()))?;
        if sample.key != entry.key {
            return Err(error(&format!("found {:?} in its place", sample.key)));
        }
        let source: Arc<str> = format!("{}#{}", shard.object, entry.key).into();
        let encoded = encoded_of(&sample, self.json, &self.labels, source).map_err(|what| error(&what))?;
        Ok(Record::encoded(encoded))
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let (shard, entry) = self.existing(index)?;
        self.record(index, shard.read(entry)?)
    }

    fn make(&self, _key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        decode_record(record)
    }

    fn only_decodes(&self) -> bool {
        true
    }
}

impl LabelledDataset for ShardDataset {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.place(index)?.1.class
    }
}
