//! Image files with all that is known about them: what every format that lies in files comes to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{Annotations, DataError, Dataset, EncodedSample, Fetch, Labels, Location, Record, Sample, SampleKey};

use super::manifest::ManifestRow;
use super::masks::{PixelFiles, add_pixels};
use super::{LabelledDataset, past_the_end};
use crate::decode::{MAX_FILE_BYTES, decode_record, read_bounded};
#[cfg(feature = "remote")]
use crate::place::Place;

/// What is known about an image, beside the name of its file; whatever format it was read from, or is to be written in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnnotatedImage {
    /// The image file, relative to the folder of images, with `/` between folders.
    pub file: String,
    /// Width and height in pixels, where they are known.
    pub size: Option<[u32; 2]>,
    /// What is in it.
    pub annotations: Annotations,
}

/// A data set of image files with annotations; each image is read when it is asked for.
#[derive(Debug, Clone)]
pub struct AnnotatedImages {
    labels: Labels,
    entries: Arc<[Entry]>,
}

/// One image.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: ImagePlace,
    pub(super) annotations: Annotations,
    pub(super) pixels: Pixels,
}

/// Where an image lies.
#[derive(Debug, Clone)]
pub(super) struct ImagePlace {
    pub(super) path: PathBuf,
    /// The bytes of it that count; all of them when `None`.
    pub(super) range: Option<Range<u64>>,
    pub(super) crc32c: Option<u32>,
}

/// What is known of single pixels, which is unpacked only when the image is.
#[derive(Debug, Clone)]
pub(super) enum Pixels {
    /// No more than the annotations say.
    None,
    /// Mask images.
    Files(Box<PixelFiles>),
    /// The class map of a manifest's row.
    Row(Box<ManifestRow>),
}

impl Entry {
    /// A whole file.
    pub(super) fn file(path: PathBuf, annotations: Annotations) -> Self {
        Self { place: ImagePlace { path, range: None, crc32c: None }, annotations, pixels: Pixels::None }
    }
}

impl AnnotatedImages {
    pub(super) fn new(labels: Labels, entries: impl IntoIterator<Item = Entry>) -> Self {
        Self { labels, entries: entries.into_iter().collect() }
    }

    /// Images below a folder, with class indices into these labels. That the images exist is found out when they are read.
    pub fn in_folder(labels: Labels, folder: &Path, images: impl IntoIterator<Item = AnnotatedImage>) -> Self {
        Self::new(labels, images.into_iter().map(|image| Entry::file(folder.join(image.file), image.annotations)))
    }

    /// What is known about an image before its file is read: everything but what lies in mask images; `None` past the end.
    #[must_use]
    pub fn annotations(&self, index: usize) -> Option<&Annotations> {
        self.entries.get(index).map(|entry| &entry.annotations)
    }

    /// The path of an image, or of the shard that it lies in; `None` past the end.
    #[must_use]
    pub fn path_of(&self, index: usize) -> Option<&Path> {
        self.entries.get(index).map(|entry| entry.place.path.as_path())
    }

    fn entry(&self, index: usize) -> Result<&Entry, DataError> {
        self.entries.get(index).ok_or_else(|| past_the_end(index, self.entries.len()))
    }
}

impl ImagePlace {
    fn read(&self) -> Result<Vec<u8>, DataError> {
        let Some(range) = &self.range else {
            return read_bounded(&self.path, MAX_FILE_BYTES);
        };
        let io = |source| DataError::Io { path: self.path.clone(), source };
        let format = |what| DataError::Format { path: self.path.clone(), what };
        let length = range.end.saturating_sub(range.start);
        if length > MAX_FILE_BYTES {
            return Err(format(format!(
                "expected an image of at most {} MiB, got {length} bytes",
                MAX_FILE_BYTES >> 20
            )));
        }
        #[cfg(feature = "remote")]
        if let Place::Store(_) = Place::of(&self.path)? {
            let object = self.path.to_string_lossy().into();
            let place = Location { object, range: self.range.clone(), crc32c: self.crc32c };
            return Ok(mvl_store::read_place(&place, MAX_FILE_BYTES)?.into());
        }
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(range.start)).map_err(io)?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).map_err(io)?;
        match self.crc32c {
            _ if bytes.len() as u64 != length => {
                Err(format(format!("expected {length} bytes from {}, got {}", range.start, bytes.len())))
            }
            Some(expected) if crc32c::crc32c(&bytes) != expected => {
                Err(format(format!("damaged: the checksum of the {length} bytes from {} differs", range.start)))
            }
            _ => Ok(bytes),
        }
    }

    /// For messages.
    fn name(&self) -> String {
        let path = self.path.to_string_lossy();
        match &self.range {
            Some(range) => format!("{path}#{}", range.start),
            None => path.into_owned(),
        }
    }
}

impl Dataset<Sample> for AnnotatedImages {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        decode_record(self.fetch(key.index)?)
    }

    fn location(&self, index: usize) -> Option<Location> {
        let ImagePlace { path, range, crc32c } = &self.entries.get(index)?.place;
        // A path that is not UTF-8 cannot be said in a location.
        Some(Location { range: range.clone(), crc32c: *crc32c, ..Location::whole(path.to_str()?) })
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        let entry = self.entry(index)?;
        let mut annotations = entry.annotations.clone();
        let source = entry.place.name();
        match &entry.pixels {
            Pixels::None => {}
            Pixels::Files(files) => add_pixels(files, &mut annotations)?,
            Pixels::Row(row) => {
                let known = row.annotations(&self.labels);
                let known = known.map_err(|what| DataError::invalid(format!("{what}; {source}")))?;
                annotations.class_map = known.class_map;
            }
        }
        Ok(Record::encoded(EncodedSample { bytes, annotations, source: source.into() }))
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let bytes = self.entry(index)?.place.read()?;
        self.record(index, bytes.into())
    }

    fn make(&self, _key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        decode_record(record)
    }

    fn only_decodes(&self) -> bool {
        true
    }
}

impl LabelledDataset for AnnotatedImages {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.entries.get(index)?.annotations.label
    }
}
