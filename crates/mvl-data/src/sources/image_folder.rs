//! A folder of images for each class, as torchvision's `ImageFolder` reads it.
//!
//! ```text
//! pets/cat/001.jpg
//! pets/cat/more/002.png
//! pets/dog/001.webp
//! ```
//! Classes are the names of the top folders, sorted; images are found at any depth, in the order of their paths. Hidden files
//! are passed over; visible files that are not images are counted, see [`ImageFolder::ignored`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::{Annotations, DataError, Dataset, Fetch, Labels, Location, Record, Sample, SampleKey};

use super::annotated_images::{AnnotatedImages, Entry};
use super::listing::{files_below, list, name};
use super::{LabelledDataset, join_problems};
use crate::decode::{IMAGE_EXTENSIONS, has_image_extension};

/// A data set of image files in class folders; each image is read when it is asked for.
///
/// # Example
/// ```no_run
/// use mvl_core::Dataset;
/// use mvl_data::{ImageFolder, LabelledDataset};
/// let pets = ImageFolder::open("pets")?;
/// println!("{} images of {} classes, {} other files", pets.len(), pets.labels().len(), pets.ignored());
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageFolder {
    images: AnnotatedImages,
    ignored: usize,
}

impl ImageFolder {
    /// Lists a folder of class folders.
    ///
    /// # Errors
    /// [`DataError::Io`] when a folder cannot be listed; [`DataError::Format`] when it holds no image in a class folder.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DataError> {
        let root = root.as_ref();
        let labels = class_names(root)?;
        Self::open_with_labels(&[root], labels)
    }

    /// Lists several folders of class folders as one data set with given class names, so that the parts of a data set agree
    /// on their indices. A class that a folder lacks is fine.
    ///
    /// # Errors
    /// All errors of [`Self::open`]; [`DataError::Format`] that names every folder that is no class.
    pub fn open_with_labels(roots: &[&Path], labels: Labels) -> Result<Self, DataError> {
        let mut found = Found::default();
        for root in roots {
            found.add(root, &labels)?;
        }
        let entries = found.images.into_iter().map(|(path, label)| Entry::file(path, Annotations::labelled(label)));
        Ok(Self { images: AnnotatedImages::new(labels, entries), ignored: found.others })
    }

    /// How many visible files were passed over because their extension is not that of an image.
    #[must_use]
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// The path of an image; `None` past the end.
    #[must_use]
    pub fn path_of(&self, index: usize) -> Option<&Path> {
        self.images.path_of(index)
    }
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    images: Vec<(PathBuf, usize)>,
    others: usize,
}

impl Found {
    /// Adds a root's images.
    fn add(&mut self, root: &Path, labels: &Labels) -> Result<(), DataError> {
        let listing = list(root)?;
        let (images_before, others_before) = (self.images.len(), self.others);
        self.others += listing.files.len();
        let mut problems = Vec::new();
        for folder in listing.folders {
            let class = name(&folder);
            let Some(label) = labels.index(&class) else {
                problems.push(format!("folder {class:?} is not one of the {} classes", labels.len()));
                continue;
            };
            let (images, others): (Vec<_>, Vec<_>) =
                files_below(&folder)?.into_iter().partition(|path| has_image_extension(path));
            self.others += others.len();
            self.images.extend(images.into_iter().map(|path| (path, label)));
        }
        if !problems.is_empty() {
            return Err(DataError::Format { path: root.to_owned(), what: join_problems(&problems) });
        }
        if self.images.len() == images_before {
            return Err(no_images(root, self.others - others_before));
        }
        Ok(())
    }
}

/// The names of a root's class folders, sorted.
pub(super) fn class_names(root: &Path) -> Result<Labels, DataError> {
    let names: BTreeSet<String> = list(root)?.folders.iter().map(|folder| name(folder)).collect();
    Ok(Labels::new(names))
}

fn no_images(root: &Path, others: usize) -> DataError {
    let extensions = IMAGE_EXTENSIONS.join(", .");
    let what = format!(
        "no images: expected a folder for each class with .{extensions} files in it, such as cat/001.jpg, \
         found {others} other files"
    );
    DataError::Format { path: root.to_owned(), what }
}

impl Dataset<Sample> for ImageFolder {
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

impl LabelledDataset for ImageFolder {
    fn labels(&self) -> &Labels {
        self.images.labels()
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.images.label_of(index)
    }
}
