//! What lies at a path? Recognises the layouts that data sets come in.

use std::path::{Path, PathBuf};

use mvl_core::{DataError, Labels};

use super::annotated_layout::AnnotatedLayout;
use super::image_folder::class_names;
use super::listing::{Listing, files_below, list, name};
use super::{IdxDataset, ImageFolder, LabelledDataset, Manifest, Split, open_coco};
use crate::decode::has_image_extension;
use crate::place::Place;
use crate::shards::{ShardDataset, holds_shards, is_shard, open_shard_folders, refuse_unfinished};

/// The parts that a folder may be divided into, and the names of their folders.
const PARTS: [(Split, &[&str]); 3] =
    [(Split::Train, &["train"]), (Split::Valid, &["val", "valid", "validation"]), (Split::Test, &["test"])];

/// A layout that was recognised.
enum Layout {
    /// A `.csv`, `.jsonl` or `.parquet` file.
    Manifest,
    /// A `.json` file of COCO's.
    CocoFile,
    /// Boxes, masks, or CIFAR's files.
    Annotated(AnnotatedLayout),
    /// A folder with MNIST's files, and the parts that are there.
    Idx(Vec<Split>),
    /// A folder for each part, each with a folder for each class.
    Parts(Vec<(Split, PathBuf)>),
    /// A folder for each class.
    Classes,
    /// Shards for each part.
    Shards(Vec<(Split, PathBuf)>),
}

/// Opens the data set at a path or at an address in an object store, such as `s3://bucket/prefix`, whichever of these it is:
/// - a `.csv`, `.jsonl` or `.parquet` manifest ([`Manifest`]), with or without splits;
/// - a folder with MNIST's IDX files ([`IdxDataset`]) or CIFAR's binary ones ([`CifarDataset`](crate::CifarDataset));
/// - COCO's `annotations/instances_*.json` with folders of images, `_annotations.coco.json` in `train`, `valid` and `test`, or one
///   such file with the images beside it ([`open_coco`]);
/// - VOC's `Annotations` and `JPEGImages`, or XML files beside images ([`open_voc`](crate::open_voc)); VOC's masks alone
///   ([`open_voc_segmentation`](crate::open_voc_segmentation));
/// - YOLO's `data.yaml`, or `images` and `labels` ([`open_yolo`](crate::open_yolo));
/// - `images` with `masks` ([`open_mask_folder`](crate::open_mask_folder)) or `instances`
///   ([`open_instance_folder`](crate::open_instance_folder));
/// - a folder with `train`, `val` (or `valid`, `validation`) and `test` folders of class folders, any of them; all share one list of
///   classes;
/// - a folder of class folders ([`ImageFolder`]);
/// - a folder of WebDataset shards, or with such folders as parts ([`ShardDataset`]), as [`ingest`](crate::ingest) makes it.
///
/// Manifests without splits and plain class folders have no parts: they open as [`Split::All`], and
/// [`split_balanced`](crate::split_balanced) holds a part of them out. See [`available_splits`]. [`Split::All`] of a divided data
/// set is all the parts that are there.
///
/// # Errors
/// [`DataError::Io`] when the path cannot be read; [`DataError::Format`] when the layout is none of these, lacks the part, has
/// two folders for one part, or has a visible folder with images beside its parts.
///
/// # Example
/// ```no_run
/// use mvl_data::{Split, open_dataset};
/// let training = open_dataset("pets".as_ref(), Split::Train)?;
/// println!("{} images of {} classes", training.len(), training.labels().len());
/// # Ok::<(), mvl_core::DataError>(())
/// ```
pub fn open_dataset(path: &Path, split: Split) -> Result<Box<dyn LabelledDataset>, DataError> {
    let path = &plain(path)?;
    match recognise(path)? {
        Layout::Manifest => Ok(Box::new(Manifest::open_split(path, split)?)),
        Layout::CocoFile => {
            whole_only(path, split, "one file of COCO's")?;
            Ok(Box::new(open_coco(path, path.parent().unwrap_or(Path::new("")))?))
        }
        Layout::Annotated(layout) => layout.open(path, split),
        Layout::Classes => {
            whole_only(path, split, "a folder for each class")?;
            Ok(Box::new(ImageFolder::open(path)?))
        }
        // All of what is there, which may be one part only.
        Layout::Idx(parts) => match (split, parts.as_slice()) {
            (Split::All, [only]) => Ok(Box::new(IdxDataset::open_split(path, *only)?)),
            _ => Ok(Box::new(IdxDataset::open_split(path, split)?)),
        },
        Layout::Parts(parts) => open_parts(path, split, parts),
        Layout::Shards(parts) => Ok(Box::new(open_shards(path, split, &parts)?)),
    }
}

/// The parts that [`open_dataset`] can open at a path: training, validation and test where the data set is divided, otherwise only
/// [`Split::All`].
///
/// # Errors
/// [`DataError::Io`] when the path cannot be read; [`DataError::Format`] when there are two folders for one part, or a visible
/// folder with images beside the parts.
pub fn available_splits(path: &Path) -> Result<Vec<Split>, DataError> {
    let path = &plain(path)?;
    Ok(match recognise(path)? {
        Layout::Manifest => match Manifest::splits(path)? {
            splits if splits.is_empty() => vec![Split::All],
            splits => splits,
        },
        Layout::CocoFile | Layout::Classes => vec![Split::All],
        Layout::Annotated(layout) => layout.splits(),
        Layout::Idx(parts) => parts,
        Layout::Parts(parts) | Layout::Shards(parts) => parts.into_iter().map(|(split, _)| split).collect(),
    })
}

/// A `file://` address is the path that it names, so that names below it begin with it.
fn plain(path: &Path) -> Result<PathBuf, DataError> {
    Ok(match Place::of(path)? {
        Place::Disk(path) => path,
        #[cfg(feature = "remote")]
        Place::Store(_) => path.to_owned(),
    })
}

fn recognise(path: &Path) -> Result<Layout, DataError> {
    if !Place::of(path)?.is_folder()? {
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        return Ok(if is_json { Layout::CocoFile } else { Layout::Manifest });
    }
    let idx = IdxDataset::splits_in(path);
    if !idx.is_empty() {
        return Ok(Layout::Idx(idx));
    }
    refuse_unfinished(path)?;
    let Listing { folders, files } = list(path)?;
    if files.iter().any(|file| is_shard(file)) {
        return Ok(Layout::Shards(vec![(Split::All, path.to_owned())]));
    }
    if let Some(layout) = AnnotatedLayout::recognise(path)? {
        return Ok(Layout::Annotated(layout));
    }
    let part_of =
        |folder: &Path| PARTS.iter().find(|(_, names)| names.contains(&name(folder).as_ref())).map(|(split, _)| *split);
    let (parts, others): (Vec<_>, Vec<_>) = folders.into_iter().partition(|folder| part_of(folder).is_some());
    let mut parts: Vec<_> = parts.into_iter().filter_map(|folder| Some((part_of(&folder)?, folder))).collect();
    parts.sort_by_key(|(split, _)| PARTS.iter().position(|(known, _)| known == split));
    if parts.is_empty() {
        return Ok(Layout::Classes);
    }
    let stray: Vec<_> = others.iter().filter(|folder| holds_images(folder)).collect();
    let twice = parts.windows(2).find(|pair| pair[0].0 == pair[1].0);
    let what = match (stray.as_slice(), twice) {
        ([], None) if parts.iter().any(|(_, folder)| holds_shards(folder)) => return Ok(Layout::Shards(parts)),
        ([], None) => return Ok(Layout::Parts(parts)),
        ([], Some(pair)) => {
            format!("two {} parts: {:?} and {:?}, keep one", pair[0].0, name(&pair[0].1), name(&pair[1].1))
        }
        (stray, _) => {
            let stray: Vec<_> = stray.iter().map(|folder| format!("{:?}", name(folder))).collect();
            format!(
                "folders beside {:?} that belong to no part: {}; move them into one of train, val and test, or away",
                name(&parts[0].1),
                stray.join(", ")
            )
        }
    };
    Err(DataError::Format { path: path.to_owned(), what })
}

/// Whether a folder would be a class. One that cannot be listed, such as a disk's `lost+found`, is not.
fn holds_images(folder: &Path) -> bool {
    files_below(folder).is_ok_and(|files| files.iter().any(|file| has_image_extension(file)))
}

/// All parts number the classes of all, so that an index means the same in each.
fn open_parts(path: &Path, split: Split, parts: Vec<(Split, PathBuf)>) -> Result<Box<dyn LabelledDataset>, DataError> {
    let mut names = Vec::new();
    for (_, part) in &parts {
        names.extend(class_names(part)?.iter().map(str::to_owned));
    }
    names.sort();
    names.dedup();
    let wanted = wanted_parts(path, split, &parts)?;
    Ok(Box::new(ImageFolder::open_with_labels(&wanted, Labels::new(names))?))
}

/// The folders of a part, or of all of them.
fn wanted_parts<'a>(path: &Path, split: Split, parts: &'a [(Split, PathBuf)]) -> Result<Vec<&'a Path>, DataError> {
    let wanted: Vec<&Path> = parts
        .iter()
        .filter(|(part, _)| split == Split::All || split == *part)
        .map(|(_, folder)| folder.as_path())
        .collect();
    if wanted.is_empty() {
        let expected = PARTS.iter().find(|(part, _)| *part == split).map_or(&[][..], |(_, names)| names);
        let quoted = |names: Vec<&str>| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>();
        let found = parts.iter().map(|(_, folder)| format!("{:?}", name(folder))).collect::<Vec<_>>().join(", ");
        let expected = quoted(expected.to_vec()).join(" or ");
        let what = format!("no {split} part: expected a folder {expected}, found only {found}");
        return Err(DataError::Format { path: path.to_owned(), what });
    }
    Ok(wanted)
}

/// Shards of one folder have no parts; those of folders for parts have the parts that are there.
fn open_shards(path: &Path, split: Split, parts: &[(Split, PathBuf)]) -> Result<ShardDataset, DataError> {
    if let [(Split::All, folder)] = parts {
        whole_only(path, split, "a folder of shards")?;
        return open_shard_folders(path, &[folder], &[folder]);
    }
    let all: Vec<&Path> = parts.iter().map(|(_, folder)| folder.as_path()).collect();
    open_shard_folders(path, &wanted_parts(path, split, parts)?, &all)
}

fn whole_only(path: &Path, split: Split, layout: &str) -> Result<(), DataError> {
    if split == Split::All {
        return Ok(());
    }
    let what = format!(
        "no {split} part: {layout} is not divided; put \"train\", \"val\" and \"test\" folders of class folders in one folder, \
         or read all of it and hold a part out"
    );
    Err(DataError::Format { path: path.to_owned(), what })
}
