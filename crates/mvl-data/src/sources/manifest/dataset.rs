//! A file that lists images and what is known about them, for data that do not lie in class folders.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Labels, Location, Record, Sample, SampleKey};

use super::{ManifestFile, ManifestRow};
use crate::decode::{IMAGE_EXTENSIONS, has_image_extension};
use crate::place::is_file;
use crate::sources::annotated_images::{AnnotatedImages, Entry, ImagePlace, Pixels};
use crate::sources::{LabelledDataset, Parsed, Problem, Split};

/// Images by a manifest: `.csv`, `.jsonl` or `.parquet`, see [`ManifestRow`] for what a row may say.
///
/// Paths are relative to the manifest's folder. Without a header, labels are names, numbered in their sorted order, or all
/// numbers, which are class indices. That the images exist is found out when they are read.
///
/// # Example
/// ```no_run
/// use mvl_data::Manifest;
/// let birds = Manifest::open("birds/train.csv")?; // path,label
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Manifest {
    images: AnnotatedImages,
    /// The group of each image; empty when no row names one.
    groups: Box<[Option<Box<str>>]>,
}

impl Manifest {
    /// Reads a manifest, all splits of it.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read; [`DataError::Format`] with every bad row.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open_split(path, Split::All)
    }

    /// Reads the rows of one split; all agree on the classes.
    ///
    /// # Errors
    /// All errors of [`Self::open`]; [`DataError::Format`] when no row is of the split.
    pub fn open_split(path: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        let path = path.as_ref();
        let file = ManifestFile::read(path)?.strict(path)?;
        let labels = file.labels();
        let is_divided = file.rows.iter().any(|row| row.split.is_some());
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut parsed = Parsed::<Vec<Entry>>::default();
        let mut groups = Vec::new();
        for (number, row) in file.rows.into_iter().enumerate() {
            if split == Split::All || row.split == Some(split) {
                let place = if row.path.is_empty() { format!("row {number}") } else { format!("{:?}", row.path) };
                groups.push(row.group.as_deref().map(Box::from));
                match entry(row, folder, &labels) {
                    Ok(entry) => parsed.value.push(entry),
                    Err(what) => parsed.problems.push(Problem::new(place, what)),
                }
            }
        }
        let entries = parsed.strict(path)?;
        if entries.is_empty() && split != Split::All {
            let what = match is_divided {
                true => "expected rows with that split, got none",
                false => "a manifest is not divided unless its rows name a split; read all of it and hold a part out",
            };
            return Err(DataError::Format { path: path.to_owned(), what: format!("no {split} part: {what}") });
        }
        if groups.iter().all(Option::is_none) {
            groups = Vec::new();
        }
        Ok(Self { images: AnnotatedImages::new(labels, entries), groups: groups.into() })
    }

    /// The splits that a manifest's rows name, in the order training, validation, test; none when no row names one.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read; [`DataError::Format`] with every bad line.
    pub fn splits(path: impl AsRef<Path>) -> Result<Vec<Split>, DataError> {
        let path = path.as_ref();
        let file = ManifestFile::read(path)?.strict(path)?;
        let named = |split: &Split| file.rows.iter().any(|row| row.split == Some(*split));
        Ok([Split::Train, Split::Valid, Split::Test].into_iter().filter(named).collect())
    }

    /// The path of an image, or of the shard that it lies in; `None` past the end.
    #[must_use]
    pub fn path_of(&self, index: usize) -> Option<&Path> {
        self.images.path_of(index)
    }
}

fn entry(row: ManifestRow, folder: &Path, labels: &Labels) -> Result<Entry, String> {
    let place = match &row.shard {
        None => ImagePlace { path: image_path(folder, &row.path), range: None, crc32c: None },
        Some(shard) => {
            let end = shard.offset.checked_add(shard.length);
            let end = end.ok_or_else(|| format!("expected a place in a shard, got {shard:?}"))?;
            let path = if shard.file.contains("://") { shard.file.clone().into() } else { folder.join(&shard.file) };
            ImagePlace { path, range: Some(shard.offset..end), crc32c: shard.crc32c }
        }
    };
    // Class maps are large: they are unpacked with the image.
    let later =
        ManifestRow { class_map: row.class_map, width: row.width, height: row.height, ..ManifestRow::default() };
    let annotations = ManifestRow { class_map: None, ..row }.annotations(labels)?;
    let pixels = if later.class_map.is_some() { Pixels::Row(Box::new(later)) } else { Pixels::None };
    Ok(Entry { place, annotations, pixels })
}

/// The image's path. Where the name is that of a format that is not read, such as `a.tif`, and another image of the same name lies
/// there, that one is meant: tables of boxes often outlive a conversion.
fn image_path(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    if has_image_extension(&path) || is_file(&path) {
        return path;
    }
    let converted = IMAGE_EXTENSIONS.iter().map(|extension| path.with_extension(extension)).find(|path| is_file(path));
    converted.unwrap_or(path)
}

impl Dataset<Sample> for Manifest {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        self.images.get(key)
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.images.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.images.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.images.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<Sample, DataError> {
        self.images.make(key, record, fetch)
    }

    fn only_decodes(&self) -> bool {
        self.images.only_decodes()
    }
}

impl LabelledDataset for Manifest {
    fn labels(&self) -> &Labels {
        self.images.labels()
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.images.label_of(index)
    }

    fn group_of(&self, index: usize) -> Option<&str> {
        self.groups.get(index)?.as_deref()
    }
}
