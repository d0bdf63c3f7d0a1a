//! Folders of shards, with the class names that lie beside them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mvl_core::{DataError, Labels};

use super::ShardDataset;
use crate::decode::read_bounded;
use crate::ingest::{JOURNAL_FOLDER, LABELS_FILE, MANIFEST_FILE};
use crate::sources::{files_below, list};

/// The largest list of class names that is read.
const MAX_LABELS_BYTES: u64 = 64 << 20;

/// Whether a file is called like a shard.
pub(crate) fn is_shard(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "tar")
}

/// The shards of a folder, in the order of their names.
pub(super) fn shards_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    Ok(list(folder)?.files.into_iter().filter(|file| is_shard(file)).collect())
}

/// A shard by itself, or all shards below a folder.
///
/// # Errors
/// [`DataError::Io`] when the folder cannot be listed; [`DataError::Format`] when it has no shards.
pub fn find_shards(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shards: Vec<_> = files_below(path)?.into_iter().filter(|file| is_shard(file)).collect();
    if shards.is_empty() {
        return Err(no_shards(path));
    }
    Ok(shards)
}

pub(super) fn no_shards(folder: &Path) -> DataError {
    let what = "expected shards, such as shard-000000.tar, found none".to_owned();
    DataError::Format { path: folder.to_owned(), what }
}

/// Whether a folder has shards in it.
pub(crate) fn holds_shards(folder: &Path) -> bool {
    shards_in(folder).is_ok_and(|shards| !shards.is_empty())
}

/// An ingestion that was killed has not written everything yet.
pub(crate) fn refuse_unfinished(root: &Path) -> Result<(), DataError> {
    if root.join(JOURNAL_FOLDER).is_dir() && !root.join(MANIFEST_FILE).is_file() {
        let what = "an ingestion into this folder is not finished; run it again, and it goes on".to_owned();
        return Err(DataError::Format { path: root.to_owned(), what });
    }
    Ok(())
}

/// Opens the shards of some of the folders of a data set; what an index means is the same in `all` of them. Class names are
/// those beside the folders, where there are any, and numbers otherwise.
pub(crate) fn open_shard_folders(root: &Path, wanted: &[&Path], all: &[&Path]) -> Result<ShardDataset, DataError> {
    let shards = |folders: &[&Path]| -> Result<Vec<PathBuf>, DataError> {
        Ok(folders.iter().map(|folder| shards_in(folder)).collect::<Result<Vec<_>, _>>()?.concat())
    };
    let labels = read_labels(root)?;
    let is_numbered = labels.is_none();
    let dataset = ShardDataset::open(&shards(wanted)?, labels)?;
    if !is_numbered || wanted.len() == all.len() {
        return Ok(dataset);
    }
    let classes = ShardDataset::open(&shards(all)?, None)?.into_labels();
    Ok(dataset.with_numbered_classes(classes))
}

/// The class names beside the folders.
fn read_labels(root: &Path) -> Result<Option<Labels>, DataError> {
    let path = root.join(LABELS_FILE);
    let text = match read_bounded(&path, MAX_LABELS_BYTES) {
        Err(DataError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let labels = serde_json::from_slice(&text);
    labels
        .map(Some)
        .map_err(|error| DataError::Format { path, what: format!("expected a list of class names: {error}") })
}
