//! The MNIST family: a file of grey images and a file of their labels, all in memory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mvl_core::{Channels, DataError, Dataset, Image, Labels, Sample, SampleKey};

use super::idx_file::IdxFile;
use super::listing::{self, list};
use super::{LabelledDataset, Split, join_problems, past_the_end};

/// `(images, labels)` of each part, without extension; some copies have a dot for the second dash.
const TRAIN_NAMES: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST_NAMES: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Grey images of one size with a label each, from IDX files, raw or gzip.
///
/// # Example
/// ```no_run
/// use mvl_data::{IdxDataset, Split};
/// let digits = IdxDataset::open_split("mnist", Split::Train)?;
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct IdxDataset {
    height: u32,
    width: u32,
    /// `[N, H, W]`
    pixels: Arc<[u8]>,
    /// `[N]`
    classes: Arc<[u8]>,
    labels: Labels,
    /// Where each part begins, and the name its images go by.
    parts: Vec<(usize, Arc<str>)>,
}

impl IdxDataset {
    /// Reads a file of images and the file of their labels. Classes are named by their numbers, see [`Self::with_labels`].
    ///
    /// # Errors
    /// [`DataError::Io`] or [`DataError::Format`] when a file cannot be read, and [`DataError::Format`] when there are not as
    /// many labels as images.
    pub fn open(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self, DataError> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        let format = |what| DataError::Format { path: images.to_owned(), what };
        Self::join(&images.display().to_string(), IdxFile::open(images)?, IdxFile::open(labels)?)
            .map_err(|what| format(format!("{what} in {}", labels.display())))
    }

    /// Reads a part of a data set that is stored under MNIST's file names, `train-images-idx3-ubyte` and so on, with or without
    /// `.gz`. [`Split::All`] is both parts, training first.
    ///
    /// # Errors
    /// [`DataError::Format`] that names every missing file, or for [`Split::Valid`], which the family lacks, and all errors of
    /// [`Self::open`].
    pub fn open_split(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let wanted: &[[&str; 2]] = match split {
            Split::Train => &[TRAIN_NAMES],
            Split::Valid => {
                let what = "no validation part: MNIST's files are train and t10k; hold a part of train out".to_owned();
                return Err(DataError::Format { path: folder.to_owned(), what });
            }
            Split::Test => &[TEST_NAMES],
            Split::All => &[TRAIN_NAMES, TEST_NAMES],
        };
        let files = list(folder)?.files;
        let missing: Vec<&str> = wanted.iter().flatten().copied().filter(|name| find(&files, name).is_none()).collect();
        if !missing.is_empty() {
            let what = format!("expected {}, with or without .gz, found no such file", missing.join(" and "));
            return Err(DataError::Format { path: folder.to_owned(), what });
        }
        let mut parts = Vec::new();
        for [images, labels] in wanted {
            if let (Some(images), Some(labels)) = (find(&files, images), find(&files, labels)) {
                parts.push(Self::open(images, labels)?);
            }
        }
        Self::concatenate(parts).map_err(|what| DataError::Format { path: folder.to_owned(), what })
    }

    /// Reads images and labels that are already in memory.
    ///
    /// # Errors
    /// [`DataError::Image`] with the given name and what is wrong.
    pub fn from_bytes(name: &str, images: &[u8], labels: &[u8]) -> Result<Self, DataError> {
        let read = || Self::join(name, IdxFile::read(images)?, IdxFile::read(labels)?);
        read().map_err(|what| DataError::Image { image: name.into(), what })
    }

    /// The parts that a folder holds under MNIST's file names.
    pub(super) fn splits_in(folder: &Path) -> Vec<Split> {
        let files = list(folder).map(|listing| listing.files).unwrap_or_default();
        let whole = |names: [&str; 2]| names.iter().any(|name| find(&files, name).is_some());
        let parts = [(Split::Train, TRAIN_NAMES), (Split::Test, TEST_NAMES)];
        parts.into_iter().filter(|&(_, names)| whole(names)).map(|(split, _)| split).collect()
    }

    /// Names the classes.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when a label has no name, or two classes have the same one.
    pub fn with_labels(mut self, labels: Labels) -> Result<Self, DataError> {
        let mut problems = Vec::new();
        if labels.len() < self.labels.len() {
            problems.push(format!("expected names for {} classes, got {}", self.labels.len(), labels.len()));
        }
        if labels.iter().collect::<BTreeSet<_>>().len() < labels.len() {
            problems.push("expected every class to have a name of its own".to_owned());
        }
        if !problems.is_empty() {
            return Err(DataError::invalid(join_problems(&problems)));
        }
        self.labels = labels;
        Ok(self)
    }

    /// Height and width of every image in pixels.
    #[must_use]
    pub fn image_size(&self) -> [u32; 2] {
        [self.height, self.width]
    }

    fn join(name: &str, images: IdxFile<3>, labels: IdxFile<1>) -> Result<Self, String> {
        let [count, height, width] = images.sizes;
        if labels.sizes != [count] {
            return Err(format!(
                "expected as many labels as images, got {count} images and {} labels",
                labels.sizes[0]
            ));
        }
        let classes = labels.data.iter().max().map_or(0, |&largest| usize::from(largest) + 1);
        Ok(Self {
            height: height as u32,
            width: width as u32,
            pixels: images.data.into(),
            classes: labels.data.into(),
            labels: Labels::new((0..classes).map(|class| class.to_string())),
            parts: vec![(0, name.into())],
        })
    }

    /// Several parts as one, in order.
    pub(super) fn concatenate(parts: Vec<Self>) -> Result<Self, String> {
        let mut parts = parts.into_iter();
        let mut whole = parts.next().ok_or("expected at least one part")?;
        for part in parts {
            if part.image_size() != whole.image_size() {
                let (expected, got) = (whole.image_size(), part.image_size());
                return Err(format!("expected images of one size in all parts, got {expected:?} and {got:?}"));
            }
            let begin = whole.classes.len();
            whole.pixels = [&*whole.pixels, &*part.pixels].concat().into();
            whole.classes = [&*whole.classes, &*part.classes].concat().into();
            whole.parts.extend(part.parts.into_iter().map(|(start, name)| (begin + start, name)));
            if part.labels.len() > whole.labels.len() {
                whole.labels = part.labels;
            }
        }
        Ok(whole)
    }

    /// `file.idx#17`
    fn source_of(&self, index: usize) -> String {
        let part = self.parts.iter().rev().find(|(start, _)| *start <= index);
        part.map_or_else(|| format!("#{index}"), |(start, name)| format!("{name}#{}", index - start))
    }
}

/// A file under this name, packed or not, with the dash or the dot that some copies have.
fn find<'a>(files: &'a [PathBuf], name: &str) -> Option<&'a PathBuf> {
    let dotted = name.replacen("-idx", ".idx", 1);
    let mut known = [name, &dotted].into_iter().flat_map(|name| [name.to_owned(), format!("{name}.gz")]);
    known.find_map(|known| files.iter().find(|file| listing::name(file) == known))
}

impl Dataset<Sample> for IdxDataset {
    fn len(&self) -> usize {
        self.classes.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        let class = self.label_of(key.index).ok_or_else(|| past_the_end(key.index, self.len()))?;
        let size = self.height as usize * self.width as usize;
        let pixels = self.pixels[key.index * size..][..size].to_vec();
        let image = Image::new(self.width, self.height, Channels::Gray, pixels).expect("the sizes were checked");
        Ok(Sample::new(image, self.source_of(key.index)).with_label(class))
    }
}

impl LabelledDataset for IdxDataset {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.classes.get(index).map(|&class| usize::from(class))
    }
}
