//! VOC's folders as data sets.
//!
//! ```text
//! VOC2012/Annotations/2007_000027.xml       VOC2012/JPEGImages/2007_000027.jpg
//! VOC2012/ImageSets/Main/train.txt          VOC2012/ImageSets/Segmentation/train.txt
//! VOC2012/SegmentationClass/2007_000032.png VOC2012/SegmentationObject/2007_000032.png
//! trees/OSBS_029.xml                        trees/OSBS_029.png      (flat)
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mvl_core::{Annotations, DataError, Labels};

use super::{PixelOrigin, VOC_CLASSES, VocAnnotation, parse_voc};
use crate::decode::read_bounded;
use crate::place::{is_file, is_folder};
use crate::sources::annotated_images::{AnnotatedImages, Entry, Pixels};
use crate::sources::class_names::read_class_names;
use crate::sources::images_by_stem::{images_by_stem, stem};
use crate::sources::listing::{files_below, list};
use crate::sources::masks::PixelFiles;
use crate::sources::{Parsed, Split};

const MAX_XML_BYTES: u64 = 64 << 20;
const MAX_LIST_BYTES: u64 = 256 << 20;
const ANNOTATIONS: &str = "Annotations";
const IMAGES: &str = "JPEGImages";
const CLASS_MASKS: &str = "SegmentationClass";
const OBJECT_MASKS: &str = "SegmentationObject";
const DETECTION_SETS: &str = "ImageSets/Main";
const SEGMENTATION_SETS: &str = "ImageSets/Segmentation";
/// The class of pixels in no object.
const BACKGROUND: &str = "background";
/// The lists of image names that a split may go by.
const LISTS: [(Split, &[&str]); 3] =
    [(Split::Train, &["train"]), (Split::Valid, &["val", "valid"]), (Split::Test, &["test"])];

/// Which of VOC's layouts a folder has.
#[derive(Debug, Clone)]
pub(in crate::sources) enum VocLayout {
    /// The challenge's folders, with the splits that are listed.
    Folders(Vec<Split>),
    /// The challenge's folders without XML: masks only, with the splits that are listed.
    Masks(Vec<Split>),
    /// XML beside images.
    Flat,
}

/// Recognises VOC's layouts.
pub(in crate::sources) fn voc_layout(root: &Path) -> Result<Option<VocLayout>, DataError> {
    if is_folder(&root.join(IMAGES)) {
        let listed = |sets| {
            let splits = LISTS.iter().map(|(split, _)| *split);
            splits.filter(|split| list_of(root, sets, *split).is_some()).collect()
        };
        if is_folder(&root.join(ANNOTATIONS)) {
            return Ok(Some(VocLayout::Folders(listed(DETECTION_SETS))));
        }
        if is_folder(&root.join(CLASS_MASKS)) {
            return Ok(Some(VocLayout::Masks(listed(SEGMENTATION_SETS))));
        }
    }
    let flat = list(root)?.files.iter().any(|path| is_xml(path));
    Ok(flat.then_some(VocLayout::Flat))
}

/// Opens VOC's boxes. An image is what an XML file describes; its file is found by the name of the XML file.
///
/// Classes are those of a `classes.txt` beside, or VOC's twenty where no other name occurs, or else all names in sorted order.
/// Pixels are counted from 1, unless an edge at 0 shows that they are not, see [`PixelOrigin::of`].
///
/// # Errors
/// [`DataError::Io`] when something cannot be read; [`DataError::Format`] with every bad file and object.
pub fn open_voc(root: &Path, split: Split) -> Result<AnnotatedImages, DataError> {
    let is_flat = !is_folder(&root.join(ANNOTATIONS));
    let (xml_folder, image_folder) =
        if is_flat { (root.to_owned(), root.to_owned()) } else { (root.join(ANNOTATIONS), root.join(IMAGES)) };
    let annotations = read_annotations(root, &xml_folder)?;
    let labels = match read_class_names(root)? {
        Some(labels) => labels,
        None => labels_of(&annotations),
    };
    let wanted = names_in(root, DETECTION_SETS, split)?;
    let images = images_by_stem(&image_folder)?;
    let origin = PixelOrigin::of(annotations.values());
    let mut parsed = Parsed::<Vec<Entry>>::default();
    let names: Vec<&String> =
        wanted.as_ref().map_or_else(|| annotations.keys().collect(), |names| names.iter().collect());
    for name in names {
        let place = |what: &str| format!("{what} {name:?}");
        match (annotations.get(name), images.get(name)) {
            (Some(annotation), Some(path)) => {
                let (image, problems) = annotation.image(&labels, origin);
                parsed.problems.extend(problems.into_iter().map(|problem| problem.within(&format!("{name}.xml"))));
                parsed.value.push(Entry::file(path.clone(), image.annotations));
            }
            (None, _) => parsed.problem(place("image"), "expected an XML file of this name, got none"),
            (_, None) => parsed.problem(place("annotation"), "expected an image of this name, got none"),
        }
    }
    if parsed.value.is_empty() && parsed.problems.is_empty() {
        parsed.problem("", "expected at least one XML file with its image, got none");
    }
    Ok(AnnotatedImages::new(labels, parsed.strict(root)?))
}

/// Opens VOC's segmentation: a class for every pixel, 0 being the background, and objects with their masks.
///
/// # Errors
/// [`DataError::Io`] when something cannot be read; [`DataError::Format`] with every bad file and object.
pub fn open_voc_segmentation(root: &Path, split: Split) -> Result<AnnotatedImages, DataError> {
    let names = std::iter::once(BACKGROUND).chain(VOC_CLASSES);
    let labels = read_class_names(root)?.unwrap_or_else(|| Labels::new(names));
    let images = images_by_stem(&root.join(IMAGES))?;
    let class_masks = images_by_stem(&root.join(CLASS_MASKS))?;
    let has_objects = is_folder(&root.join(OBJECT_MASKS));
    let object_masks = if has_objects { images_by_stem(&root.join(OBJECT_MASKS))? } else { BTreeMap::new() };
    let has_boxes = is_folder(&root.join(ANNOTATIONS));
    let annotations = if has_boxes { read_annotations(root, &root.join(ANNOTATIONS))? } else { BTreeMap::new() };
    let origin = PixelOrigin::of(annotations.values());
    let wanted = names_in(root, SEGMENTATION_SETS, split)?.unwrap_or_else(|| class_masks.keys().cloned().collect());
    let mut parsed = Parsed::<Vec<Entry>>::default();
    for name in wanted {
        let (Some(path), Some(mask)) = (images.get(&name), class_masks.get(&name)) else {
            parsed.problem(format!("image {name:?}"), "expected an image and a mask of this name");
            continue;
        };
        let known = match annotations.get(&name) {
            None => Annotations::default(),
            Some(annotation) => {
                let (image, problems) = annotation.image(&labels, origin);
                parsed.problems.extend(problems.into_iter().map(|problem| problem.within(&format!("{name}.xml"))));
                image.annotations
            }
        };
        let files = PixelFiles {
            classes: Some(mask.clone()),
            objects: object_masks.get(&name).cloned(),
            class_count: labels.len(),
            has_borders: true,
            object_class: 0,
        };
        parsed.value.push(Entry { pixels: Pixels::Files(Box::new(files)), ..Entry::file(path.clone(), known) });
    }
    if parsed.value.is_empty() && parsed.problems.is_empty() {
        parsed.problem("", "expected at least one image with its mask, got none");
    }
    Ok(AnnotatedImages::new(labels, parsed.strict(root)?))
}

/// All annotations of a folder, by name.
fn read_annotations(root: &Path, folder: &Path) -> Result<BTreeMap<String, VocAnnotation>, DataError> {
    let mut parsed = Parsed::<BTreeMap<String, VocAnnotation>>::default();
    for path in files_below(folder)?.into_iter().filter(|path| is_xml(path)) {
        let name = stem(folder, &path);
        let Parsed { value, problems } = parse_voc(&read_bounded(&path, MAX_XML_BYTES)?);
        parsed.problems.extend(problems.into_iter().map(|problem| problem.within(&format!("{name}.xml"))));
        parsed.value.insert(name, value);
    }
    parsed.strict(root)
}

fn labels_of(annotations: &BTreeMap<String, VocAnnotation>) -> Labels {
    let objects = annotations.values().flat_map(|annotation| &annotation.objects);
    let names: BTreeSet<&str> = objects.map(|object| object.name.as_str()).collect();
    if names.iter().all(|name| VOC_CLASSES.contains(name)) { Labels::new(VOC_CLASSES) } else { Labels::new(names) }
}

/// The names of a split's images; `None` for all there are.
fn names_in(root: &Path, sets: &str, split: Split) -> Result<Option<Vec<String>>, DataError> {
    if split == Split::All {
        return Ok(None);
    }
    let path = list_of(root, sets, split).ok_or_else(|| DataError::Format {
        path: root.to_owned(),
        what: format!("no {split} part: expected a list of its images in {sets}"),
    })?;
    let text = String::from_utf8(read_bounded(&path, MAX_LIST_BYTES)?)
        .map_err(|_| DataError::Format { path, what: "expected names in UTF-8".to_owned() })?;
    Ok(Some(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()))
}

fn list_of(root: &Path, sets: &str, split: Split) -> Option<PathBuf> {
    let (_, names) = LISTS.iter().find(|(known, _)| *known == split)?;
    names.iter().map(|name| root.join(sets).join(name).with_extension("txt")).find(|path| is_file(path))
}

fn is_xml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"))
}
