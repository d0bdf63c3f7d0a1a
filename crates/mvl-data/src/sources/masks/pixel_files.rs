//! Mask images beside an image, and the annotations that they become.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mvl_core::{Annotations, ClassMap, DataError, Mask, Object};

use super::{IndexImage, read_index_png, runs_by_number};
use crate::decode::{MAX_FILE_BYTES, read_bounded};

/// VOC's border, and what most other data sets pass over too.
const IGNORED_LEVEL: u16 = 255;

/// The mask images of one image.
#[derive(Debug, Clone, Default)]
pub(in crate::sources) struct PixelFiles {
    /// A class for every pixel.
    pub(in crate::sources) classes: Option<PathBuf>,
    /// The number of an object for every pixel, 0 outside of all.
    pub(in crate::sources) objects: Option<PathBuf>,
    /// How many classes there are; a larger number in the file is an error.
    pub(in crate::sources) class_count: usize,
    /// Whether 255 among the numbers of objects is a border, as in VOC.
    pub(in crate::sources) has_borders: bool,
    /// The class of objects that neither annotations nor a class map tell of.
    pub(in crate::sources) object_class: usize,
}

/// Reads the mask images into the annotations.
///
/// The object with the number n belongs to the n-th object that is known already, as in VOC. Where none are known, each number
/// is an object, of the class that most of its pixels have.
pub(in crate::sources) fn add_pixels(files: &PixelFiles, annotations: &mut Annotations) -> Result<(), DataError> {
    if let Some(path) = &files.classes {
        let map = read(path).and_then(|image| class_map(image, files.class_count).map_err(|what| wrong(path, what)))?;
        annotations.class_map = Some(map);
    }
    if let Some(path) = &files.objects {
        let image = read(path)?;
        let map = annotations.class_map.as_ref();
        if map.is_some_and(|map| (map.width(), map.height()) != (image.width, image.height)) {
            return Err(wrong(path, "expected masks of classes and objects of one size, got two".to_owned()));
        }
        add_objects(files, &image, annotations);
    }
    Ok(())
}

/// Attaches the pixels of each number to the object of that number, or makes one of them.
fn add_objects(files: &PixelFiles, image: &IndexImage, annotations: &mut Annotations) {
    let mut masks = runs_by_number(image.width, image.height, &image.indices);
    masks.remove(&0);
    if files.has_borders {
        masks.remove(&IGNORED_LEVEL);
    }
    if !annotations.objects.is_empty() {
        for (number, mask) in masks {
            if let Some(object) = annotations.objects.get_mut(usize::from(number) - 1) {
                object.mask = Some(Mask::RunLengths(mask));
            }
        }
        return;
    }
    let classes = annotations.class_map.as_ref().map(|map| most_common_classes(image, map));
    for (number, mask) in masks {
        let class = match &classes {
            None => Some(files.object_class),
            Some(classes) => classes.get(&number).copied(),
        };
        if let (Some(class), Ok(Some(bbox))) = (class, mask.bbox()) {
            annotations.objects.push(Object::new(class, bbox).with_mask(Mask::RunLengths(mask)));
        }
    }
}

fn read(path: &Path) -> Result<IndexImage, DataError> {
    read_index_png(&read_bounded(path, MAX_FILE_BYTES)?).map_err(|what| wrong(path, what))
}

fn wrong(path: &Path, what: String) -> DataError {
    DataError::Format { path: path.to_owned(), what }
}

/// 255 is passed over by all; other numbers are classes.
fn class_map(image: IndexImage, classes: usize) -> Result<ClassMap, String> {
    let IndexImage { width, height, mut indices } = image;
    for index in &mut indices {
        if *index == IGNORED_LEVEL {
            *index = ClassMap::IGNORE;
        } else if usize::from(*index) >= classes {
            return Err(format!("expected classes below {classes} or {IGNORED_LEVEL}, got {index}"));
        }
    }
    ClassMap::new(width, height, indices).map_err(|error| error.to_string())
}

/// The class that most pixels of each object have; none for an object whose pixels are all passed over.
fn most_common_classes(objects: &IndexImage, map: &ClassMap) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::<(u16, u16), usize>::new();
    for (&object, &class) in objects.indices.iter().zip(map.classes()).filter(|&(_, &class)| class != ClassMap::IGNORE)
    {
        *counts.entry((object, class)).or_default() += 1;
    }
    let mut best = BTreeMap::<u16, (usize, u16)>::new();
    for ((object, class), count) in counts {
        let (most, found) = best.entry(object).or_insert((0, class));
        if count > *most {
            (*most, *found) = (count, class);
        }
    }
    best.into_iter().map(|(object, (_, class))| (object, usize::from(class))).collect()
}
