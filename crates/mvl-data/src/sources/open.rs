//! What lies at a path? Recognises the layouts that data sets come in.

use std::path::{Path, PathBuf};

use mvl_core::{DataError, Labels};

use super::image_folder::class_names;
use super::listing::{list, name};
use super::{IdxDataset, ImageFolder, LabelledDataset, Manifest, Split};

/// Names of the folder that holds what is learned from.
const TRAIN_FOLDERS: [&str; 1] = ["train"];
/// Names of the folder that holds what is held out, the preferred first.
const TEST_FOLDERS: [&str; 4] = ["test", "val", "valid", "validation"];

/// A layout that was recognised.
enum Layout {
    /// A `.csv` or `.jsonl` file.
    Manifest,
    /// A folder with MNIST's files, and the parts that are there.
    Idx(Vec<Split>),
    /// A folder for each part, each with a folder for each class.
    Parts { train: Option<PathBuf>, test: Option<PathBuf> },
    /// A folder for each class.
    Classes,
}

/// Opens the data set at a path, whichever of these it is:
/// - a `.csv` or `.jsonl` manifest ([`Manifest`]);
/// - a folder with MNIST's IDX files ([`IdxDataset`]);
/// - a folder with `train` and `test` (or `val`, `valid`, `validation`) folders of class folders; both share one list of classes;
/// - a folder of class folders ([`ImageFolder`]).
///
/// Manifests and plain class folders have no parts: they open as [`Split::All`], and [`split_balanced`](crate::split_balanced)
/// holds a part of them out. See [`available_splits`].
///
/// # Errors
/// [`DataError::Io`] when the path cannot be read; [`DataError::Format`] when the layout is none of these, or lacks the part.
///
/// # Example
/// ```no_run
/// use mvl_data::{Split, open_dataset};
/// let training = open_dataset("pets".as_ref(), Split::Train)?;
/// println!("{} images of {} classes", training.len(), training.labels().len());
/// # Ok::<(), mvl_core::DataError>(())
/// ```
pub fn open_dataset(path: &Path, split: Split) -> Result<Box<dyn LabelledDataset>, DataError> {
    match recognise(path)? {
        Layout::Manifest => {
            whole_only(path, split, "a manifest")?;
            Ok(Box::new(Manifest::open(path)?))
        }
        Layout::Classes => {
            whole_only(path, split, "a folder for each class")?;
            Ok(Box::new(ImageFolder::open(path)?))
        }
        // All of what is there, which may be one part only.
        Layout::Idx(parts) => match (split, parts.as_slice()) {
            (Split::All, [only]) => Ok(Box::new(IdxDataset::open_split(path, *only)?)),
            _ => Ok(Box::new(IdxDataset::open_split(path, split)?)),
        },
        Layout::Parts { train, test } => open_parts(path, split, train, test),
    }
}

/// The parts that [`open_dataset`] can open at a path: training and test parts where the data set is divided, otherwise only
/// [`Split::All`].
///
/// # Errors
/// [`DataError::Io`] when the path cannot be read.
pub fn available_splits(path: &Path) -> Result<Vec<Split>, DataError> {
    Ok(match recognise(path)? {
        Layout::Manifest | Layout::Classes => vec![Split::All],
        Layout::Idx(parts) => parts,
        Layout::Parts { train, test } => {
            [train.map(|_| Split::Train), test.map(|_| Split::Test)].into_iter().flatten().collect()
        }
    })
}

fn recognise(path: &Path) -> Result<Layout, DataError> {
    let metadata = std::fs::metadata(path).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
    if !metadata.is_dir() {
        return Ok(Layout::Manifest);
    }
    let idx = IdxDataset::splits_in(path);
    if !idx.is_empty() {
        return Ok(Layout::Idx(idx));
    }
    let folders = list(path)?.folders;
    let find = |known: &[&str]| {
        let by_name = |wanted: &&str| folders.iter().find(|folder| name(folder) == *wanted);
        known.iter().find_map(by_name).cloned()
    };
    let (train, test) = (find(&TRAIN_FOLDERS), find(&TEST_FOLDERS));
    Ok(if train.is_none() && test.is_none() { Layout::Classes } else { Layout::Parts { train, test } })
}

/// Both parts number the classes of both, so that an index means the same in each.
fn open_parts(
    path: &Path,
    split: Split,
    train: Option<PathBuf>,
    test: Option<PathBuf>,
) -> Result<Box<dyn LabelledDataset>, DataError> {
    let mut names = Vec::new();
    for part in [&train, &test].into_iter().flatten() {
        names.extend(class_names(part)?.iter().map(str::to_owned));
    }
    names.sort();
    names.dedup();
    let missing = |expected: &str, found: &Option<PathBuf>| {
        let found = found.as_deref().map(name).unwrap_or_default();
        let what = format!("no {split} part: expected a folder {expected}, found only {found:?}");
        DataError::Format { path: path.to_owned(), what }
    };
    let parts = match split {
        Split::Train => vec![train.ok_or_else(|| missing("\"train\"", &test))?],
        Split::Test => vec![test.ok_or_else(|| missing("\"test\", \"val\", \"valid\" or \"validation\"", &train))?],
        Split::All => [train, test].into_iter().flatten().collect(),
    };
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    Ok(Box::new(ImageFolder::open_with_labels(&parts, Labels::new(names))?))
}

fn whole_only(path: &Path, split: Split, layout: &str) -> Result<(), DataError> {
    if split == Split::All {
        return Ok(());
    }
    let what = format!(
        "no {split} part: {layout} is not divided; put \"train\" and \"test\" folders of class folders in one folder, \
         or read all of it and hold a part out"
    );
    Err(DataError::Format { path: path.to_owned(), what })
}
