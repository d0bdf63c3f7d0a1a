//! CIFAR-10 and CIFAR-100 in their binary form: colour images of 32x32 pixels, all in memory.
//!
//! # Source
//! Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", <https://www.cs.toronto.edu/~kriz/cifar.html>: records of
//! one label (CIFAR-10) or a coarse and a fine one (CIFAR-100), then 1,024 bytes of red, of green, of blue.

use std::path::Path;
use std::sync::Arc;

use mvl_core::{Channels, DataError, Dataset, Fetch, Image, Labels, Record, Sample, SampleKey};

use super::{LabelledDataset, Split, join_problems, past_the_end};
use crate::decode::{decode_record, read_bounded};
use crate::place::is_file;

/// The side of every image.
const SIDE_PX: usize = 32;
const PLANE: usize = SIDE_PX * SIDE_PX;
/// The largest file that is read; CIFAR's have 30 and 154 MB.
const MAX_FILE_BYTES: u64 = 1 << 30;
const MAX_NAMES_BYTES: u64 = 1 << 20;

/// Which of the two data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CifarKind {
    /// Ten classes.
    Ten,
    /// A hundred classes; the twenty coarse ones are passed over.
    Hundred,
}

impl CifarKind {
    const ALL: [Self; 2] = [Self::Ten, Self::Hundred];

    /// Labels before the pixels; the last one counts.
    const fn labels(self) -> usize {
        match self {
            Self::Ten => 1,
            Self::Hundred => 2,
        }
    }

    const fn classes(self) -> usize {
        match self {
            Self::Ten => 10,
            Self::Hundred => 100,
        }
    }

    const fn names_file(self) -> &'static str {
        match self {
            Self::Ten => "batches.meta.txt",
            Self::Hundred => "fine_label_names.txt",
        }
    }

    const fn files(self, split: Split) -> &'static [&'static str] {
        match (self, split) {
            (Self::Ten, Split::Train) => {
                &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"]
            }
            (Self::Ten, Split::Test) => &["test_batch.bin"],
            (Self::Hundred, Split::Train) => &["train.bin"],
            (Self::Hundred, Split::Test) => &["test.bin"],
            _ => &[],
        }
    }
}

/// The records of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CifarRecords {
    /// `[N]`
    pub classes: Vec<u8>,
    /// `[N, 3, 32, 32]`, as they stand in the file.
    pub planes: Vec<u8>,
}

/// Reads the records of a file.
///
/// # Errors
/// What is wrong: a file that is no whole number of records, or a label past the last class.
pub fn parse_cifar(bytes: &[u8], kind: CifarKind) -> Result<CifarRecords, String> {
    let record = kind.labels() + 3 * PLANE;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        return Err(format!("expected records of {record} bytes, got a file of {} bytes", bytes.len()));
    }
    let mut records = CifarRecords::default();
    records.planes.reserve(bytes.len() / record * 3 * PLANE);
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        let (labels, planes) = record.split_at(kind.labels());
        match labels.last() {
            Some(&class) if usize::from(class) >= kind.classes() => {
                return Err(format!("expected a class below {}, got {class} in record {index}", kind.classes()));
            }
            class => records.classes.extend(class),
        }
        records.planes.extend_from_slice(planes);
    }
    Ok(records)
}

/// Colour images of 32x32 pixels with a class each.
#[derive(Debug, Clone)]
pub struct CifarDataset {
    labels: Labels,
    /// Where each file begins, and its name.
    files: Vec<(usize, Arc<str>)>,
    classes: Arc<[u8]>,
    planes: Arc<[u8]>,
}

impl CifarDataset {
    /// Reads a part from a folder with the files of the binary version. [`Split::All`] is all the parts that are there, training first.
    ///
    /// # Errors
    /// [`DataError::Format`] that names every missing file, for [`Split::Valid`], which CIFAR lacks, or for a bad file;
    /// [`DataError::Io`] when one cannot be read.
    pub fn open_split(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let format = |what| DataError::Format { path: folder.to_owned(), what };
        let kind = Self::kind_of(folder)
            .ok_or_else(|| format("expected CIFAR's binary files, such as data_batch_1.bin or train.bin".to_owned()))?;
        let parts = Self::splits_in(folder);
        let wanted: Vec<Split> = if split == Split::All { parts } else { vec![split] };
        let names: Vec<&str> = wanted.iter().flat_map(|split| kind.files(*split)).copied().collect();
        if names.is_empty() {
            return Err(format(format!("no {split} part: CIFAR's are train and test; hold a part of train out")));
        }
        let missing: Vec<String> =
            names.iter().filter(|name| !is_file(&folder.join(name))).map(ToString::to_string).collect();
        if !missing.is_empty() {
            return Err(format(format!("expected the files {}, found none", join_problems(&missing))));
        }
        let (mut classes, mut planes, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let path = folder.join(name);
            let records = parse_cifar(&read_bounded(&path, MAX_FILE_BYTES)?, kind)
                .map_err(|what| DataError::Format { path: path.clone(), what })?;
            files.push((classes.len(), path.to_string_lossy().into()));
            classes.extend(records.classes);
            planes.extend(records.planes);
        }
        Ok(Self { labels: labels(folder, kind)?, files, classes: classes.into(), planes: planes.into() })
    }

    /// The parts that a folder holds; none when it is not CIFAR's.
    pub(super) fn splits_in(folder: &Path) -> Vec<Split> {
        let Some(kind) = Self::kind_of(folder) else { return Vec::new() };
        let is_there = |split: &Split| kind.files(*split).iter().any(|name| is_file(&folder.join(name)));
        [Split::Train, Split::Test].into_iter().filter(is_there).collect()
    }

    fn kind_of(folder: &Path) -> Option<CifarKind> {
        let has = |kind: &CifarKind| {
            let files = [Split::Train, Split::Test].into_iter().flat_map(|split| kind.files(split));
            files.into_iter().any(|name| is_file(&folder.join(name)))
        };
        CifarKind::ALL.into_iter().find(has)
    }

    /// `data_batch_1.bin#17`
    fn source_of(&self, index: usize) -> String {
        let file = self.files.iter().rev().find(|(start, _)| *start <= index);
        file.map_or_else(|| format!("#{index}"), |(start, name)| format!("{name}#{}", index - start))
    }
}

/// The names beside the files, or else numbers.
fn labels(folder: &Path, kind: CifarKind) -> Result<Labels, DataError> {
    let path = folder.join(kind.names_file());
    if !is_file(&path) {
        return Ok(Labels::new((0..kind.classes()).map(|class| class.to_string())));
    }
    let names = super::parse_class_names(&read_bounded(&path, MAX_NAMES_BYTES)?).strict(&path)?;
    if names.len() == kind.classes() {
        return Ok(names);
    }
    let what = format!("expected the names of {} classes, got {}", kind.classes(), names.len());
    Err(DataError::Format { path, what })
}

impl Dataset<Sample> for CifarDataset {
    fn len(&self) -> usize {
        self.classes.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        decode_record(self.fetch(key.index)?)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let class = self.label_of(index).ok_or_else(|| past_the_end(index, self.len()))?;
        let planes = &self.planes[index * 3 * PLANE..][..3 * PLANE];
        let pixels = (0..PLANE).flat_map(|place| [planes[place], planes[PLANE + place], planes[2 * PLANE + place]]);
        let image = Image::new(SIDE_PX as u32, SIDE_PX as u32, Channels::Rgb, pixels.collect());
        let image = image.expect("three planes were checked to be there");
        Ok(Record::decoded(Sample::new(image, self.source_of(index)).with_label(class)))
    }

    fn make(&self, _key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        decode_record(record)
    }
}

impl LabelledDataset for CifarDataset {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.classes.get(index).map(|&class| usize::from(class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_must_be_whole_and_classes_known() {
        let mut bytes = vec![7; 2 * 3073];
        bytes[3073] = 9;
        assert_eq!(parse_cifar(&bytes, CifarKind::Ten).expect("two records").classes, [7, 9]);
        assert_eq!(
            parse_cifar(&bytes, CifarKind::Hundred),
            Err("expected records of 3074 bytes, got a file of 6146 bytes".to_owned())
        );
        bytes[3073] = 10;
        assert_eq!(
            parse_cifar(&bytes, CifarKind::Ten),
            Err("expected a class below 10, got 10 in record 1".to_owned())
        );
        assert!(parse_cifar(&[], CifarKind::Ten).is_err());
    }
}
