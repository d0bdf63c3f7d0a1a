//! Folders of images with a mask image each.
//!
//! ```text
//! streets/images/001.jpg
//! streets/masks/001.png        a class for every pixel, 255 for pixels that do not count
//! cells/images/001.png
//! cells/instances/001.png      the number of an object for every pixel, 0 outside of all
//! ```
//! Names of classes come from `classes.txt` beside the folders, one a line, in index order.

use std::path::{Path, PathBuf};

use mvl_core::{Annotations, DataError, Labels};

use super::{PixelFiles, read_index_png};
use crate::decode::{MAX_FILE_BYTES, read_bounded};
use crate::sources::annotated_images::{AnnotatedImages, Entry, Pixels};
use crate::sources::class_names::read_class_names;
use crate::sources::images_by_stem::images_by_stem;
use crate::sources::{Parsed, Problem};

/// Where the images lie.
pub(in crate::sources) const IMAGE_FOLDER: &str = "images";
/// Where masks of classes lie.
pub(in crate::sources) const MASK_FOLDER: &str = "masks";
/// Where masks of objects lie.
pub(in crate::sources) const INSTANCE_FOLDER: &str = "instances";

/// The name of the class of objects that have no other.
const OBJECT: &str = "object";
/// What may stand between an image's name and `.png` in its mask's.
const MASK_SUFFIXES: [&str; 3] = ["", "_mask", "_instances"];

/// Opens images with a mask of classes each: `images` and `masks` in a folder. Without a `classes.txt` every mask is read to learn how
/// many classes there are, and they go by number.
///
/// # Errors
/// [`DataError::Io`] when a folder cannot be listed; [`DataError::Format`] that names every image without a mask.
pub fn open_mask_folder(root: &Path) -> Result<AnnotatedImages, DataError> {
    let pairs = pairs(&root.join(IMAGE_FOLDER), &root.join(MASK_FOLDER))?;
    let labels = match read_class_names(root)? {
        Some(labels) => labels,
        None => numbered(&pairs)?,
    };
    let class_count = labels.len();
    let entry = |(image, mask)| Entry {
        pixels: Pixels::Files(Box::new(PixelFiles { classes: Some(mask), class_count, ..PixelFiles::default() })),
        ..Entry::file(image, Annotations::default())
    };
    Ok(AnnotatedImages::new(labels, pairs.into_iter().map(entry)))
}

/// Opens images with a mask of objects each: `images` and `instances` in a folder. All objects are of one class, the first of
/// `classes.txt` or else `object`.
///
/// # Errors
/// [`DataError::Io`] when a folder cannot be listed; [`DataError::Format`] that names every image without a mask.
pub fn open_instance_folder(root: &Path) -> Result<AnnotatedImages, DataError> {
    let pairs = pairs(&root.join(IMAGE_FOLDER), &root.join(INSTANCE_FOLDER))?;
    let labels = read_class_names(root)?.unwrap_or_else(|| Labels::new([OBJECT]));
    let entry = |(image, mask)| Entry {
        pixels: Pixels::Files(Box::new(PixelFiles { objects: Some(mask), ..PixelFiles::default() })),
        ..Entry::file(image, Annotations::default())
    };
    Ok(AnnotatedImages::new(labels, pairs.into_iter().map(entry)))
}

/// Every image with its mask.
fn pairs(images: &Path, masks: &Path) -> Result<Vec<(PathBuf, PathBuf)>, DataError> {
    let masks_by_stem = images_by_stem(masks)?;
    let mut parsed = Parsed::<Vec<_>>::default();
    for (stem, image) in images_by_stem(images)? {
        let mask = MASK_SUFFIXES.iter().find_map(|suffix| masks_by_stem.get(&format!("{stem}{suffix}")));
        match mask {
            Some(mask) => parsed.value.push((image, mask.clone())),
            None => parsed.problems.push(Problem::new(format!("image {stem:?}"), "expected a mask of the same name")),
        }
    }
    if parsed.value.is_empty() && parsed.problems.is_empty() {
        parsed.problem("", "no images: expected images with a mask of the same name each");
    }
    parsed.strict(masks)
}

/// As many classes as the largest number in any mask asks for.
fn numbered(pairs: &[(PathBuf, PathBuf)]) -> Result<Labels, DataError> {
    let mut classes = 0;
    for (_, mask) in pairs {
        let image = read_index_png(&read_bounded(mask, MAX_FILE_BYTES)?)
            .map_err(|what| DataError::Format { path: mask.clone(), what })?;
        let largest = image.indices.iter().copied().filter(|&index| index != 255).max();
        classes = classes.max(largest.map_or(0, |largest| usize::from(largest) + 1));
    }
    Ok(Labels::new((0..classes).map(|class| class.to_string())))
}
