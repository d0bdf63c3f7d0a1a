//! YOLO's folders as data sets.
//!
//! ```text
//! pets/data.yaml                 where the parts lie, and the classes' names
//! pets/images/train/001.jpg      pets/labels/train/001.txt
//! ```
//! Without a `data.yaml`, the parts are the folders of `images`, or there are none, and names come from `classes.txt` beside them
//! or in `labels`.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use mvl_core::{Annotations, DataError};

use super::{YoloData, YoloForm, parse_yolo_data, parse_yolo_labels};
use crate::decode::{image_size_of, read_bounded};
use crate::place::{Place, is_file, is_folder};
use crate::sources::annotated_images::{AnnotatedImages, Entry};
use crate::sources::class_names::read_class_names;
use crate::sources::images_by_stem::{images_by_stem, stem};
use crate::sources::listing::files_below;
use crate::sources::{Parsed, Split};

const DATA_FILES: [&str; 3] = ["data.yaml", "dataset.yaml", "data.yml"];
const IMAGES: &str = "images";
const LABELS: &str = "labels";
const MAX_DATA_BYTES: u64 = 16 << 20;
const MAX_LABELS_BYTES: u64 = 256 << 20;
/// Where parts lie when no file says it.
const PARTS: [(Split, &[&str]); 3] =
    [(Split::Train, &["train"]), (Split::Valid, &["val", "valid"]), (Split::Test, &["test"])];

/// Opens a folder in YOLO's layout. Every image's header is read, as the lines need its size. An image without a file of labels
/// has no objects.
///
/// # Errors
/// [`DataError::Io`] when something cannot be read; [`DataError::Format`] with every bad line, or when there is no such part.
pub fn open_yolo(root: &Path, split: Split) -> Result<AnnotatedImages, DataError> {
    let data = read_data(root)?;
    let parts: Vec<(Split, PathBuf)> =
        parts(root, &data).into_iter().filter(|(part, _)| split == Split::All || *part == split).collect();
    if parts.is_empty() {
        let what = format!("no {split} part: expected its folder of images in data.yaml or as {IMAGES}/{split}");
        return Err(DataError::Format { path: root.to_owned(), what });
    }
    let form = YoloForm::of(data.kpt_shape);
    let mut parsed = Parsed::<Vec<Entry>>::default();
    for (_, images) in &parts {
        let texts = texts_by_stem(&labels_folder(images))?;
        for (stem, path) in images_by_stem(images)? {
            let mut annotations = Annotations::default();
            if let Some(text) = texts.get(&stem) {
                let [height, width] = image_size_of(&path)?;
                let read =
                    parse_yolo_labels(&read_bounded(text, MAX_LABELS_BYTES)?, [height, width], data.names.len(), form);
                let file = format!("{stem}.txt");
                parsed.problems.extend(read.problems.into_iter().map(|problem| problem.within(&file)));
                annotations.objects = read.value;
            }
            parsed.value.push(Entry::file(path, annotations));
        }
    }
    if parsed.value.is_empty() && parsed.problems.is_empty() {
        parsed.problem("", "expected at least one image, got none");
    }
    Ok(AnnotatedImages::new(data.names, parsed.strict(root)?))
}

/// The files of labels by the names they share with their images; none where there is no such folder.
fn texts_by_stem(folder: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    if matches!(Place::of(folder)?, Place::Disk(folder) if !folder.is_dir()) {
        return Ok(BTreeMap::new());
    }
    let texts = files_below(folder)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "txt"));
    Ok(texts.map(|path| (stem(folder, &path), path)).collect())
}

/// The parts of a folder in YOLO's layout, [`Split::All`] for one that is not divided; none when it has another layout.
pub(in crate::sources) fn yolo_splits(root: &Path) -> Result<Vec<Split>, DataError> {
    let has_data = data_path(root).is_some();
    let has_folders = || is_folder(&root.join(IMAGES)) && is_folder(&root.join(LABELS));
    if !has_data && !has_folders() {
        return Ok(Vec::new());
    }
    let parts = parts(root, &read_data(root)?);
    if parts.is_empty() {
        let what = "expected the folders of images that data.yaml names, found none".to_owned();
        return Err(DataError::Format { path: root.to_owned(), what });
    }
    Ok(parts.into_iter().map(|(split, _)| split).collect())
}

fn data_path(root: &Path) -> Option<PathBuf> {
    DATA_FILES.iter().map(|name| root.join(name)).find(|path| is_file(path))
}

fn read_data(root: &Path) -> Result<YoloData, DataError> {
    if let Some(path) = data_path(root) {
        return parse_yolo_data(&read_bounded(&path, MAX_DATA_BYTES)?).strict(&path);
    }
    for folder in [root, &root.join(LABELS)] {
        if let Some(names) = read_class_names(folder)? {
            return Ok(YoloData { names, ..YoloData::default() });
        }
    }
    let what = "expected data.yaml or classes.txt with the classes' names, got neither".to_owned();
    Err(DataError::Format { path: root.to_owned(), what })
}

/// The folders of images that are there.
fn parts(root: &Path, data: &YoloData) -> Vec<(Split, PathBuf)> {
    let named = [(Split::Train, &data.train), (Split::Valid, &data.val), (Split::Test, &data.test)];
    let named = named.into_iter().filter(|(_, folder)| !folder.is_empty());
    let named: Vec<_> = named.filter_map(|(split, folder)| Some((split, find(root, &data.path, folder)?))).collect();
    if !named.is_empty() {
        return named;
    }
    let folder_of = |names: &[&str]| names.iter().map(|name| root.join(IMAGES).join(name)).find(|path| is_folder(path));
    let found: Vec<_> = PARTS.iter().filter_map(|(split, names)| Some((*split, folder_of(names)?))).collect();
    if found.is_empty() && is_folder(&root.join(IMAGES)) { vec![(Split::All, root.join(IMAGES))] } else { found }
}

/// A folder that `data.yaml` names. Its `path` is often that of another machine, and exports write `../train/images` for
/// `train/images`, so the folder of the file is tried as well.
fn find(root: &Path, path: &str, folder: &str) -> Option<PathBuf> {
    let down: PathBuf = Path::new(folder).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    [root.join(path).join(folder), root.join(folder), root.join(down)].into_iter().find(|path| is_folder(path))
}

/// `a/images/train` → `a/labels/train`: the last folder of that name counts.
fn labels_folder(images: &Path) -> PathBuf {
    let Some(last) = images.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == IMAGES)) else {
        return images.to_owned();
    };
    let labels = last.with_file_name(LABELS);
    match images.strip_prefix(last) {
        Ok(below) if !below.as_os_str().is_empty() => labels.join(below),
        _ => labels,
    }
}
