//! The visible files and folders of a folder, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};

use mvl_core::DataError;

use crate::place::Place;

/// How deep folders may lie in each other; a symbolic link that leads back up would have no end.
const MAX_DEPTH: usize = 32;

/// What a folder holds, hidden names left out, links followed.
pub(crate) struct Listing {
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) files: Vec<PathBuf>,
}

/// Lists one folder, or the names right under a prefix of an object store.
pub(crate) fn list(folder: &Path) -> Result<Listing, DataError> {
    match Place::of(folder)? {
        Place::Disk(folder) => list_disk(&folder),
        #[cfg(feature = "remote")]
        Place::Store(url) => {
            let mvl_store::Listing { folders, files } = mvl_store::list(&url)?;
            Ok(Listing { folders, files })
        }
    }
}

fn list_disk(folder: &Path) -> Result<Listing, DataError> {
    let io = |source| DataError::Io { path: folder.to_owned(), source };
    let mut listing = Listing { folders: Vec::new(), files: Vec::new() };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
        if name(&path).starts_with('.') {
            continue;
        }
        // A million files are listed without a look at each; only a link must be followed.
        let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
        if is_folder { listing.folders.push(path) } else { listing.files.push(path) }
    }
    listing.folders.sort();
    listing.files.sort();
    Ok(listing)
}

/// All visible files below a folder, each folder's files before those of its folders.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    match Place::of(folder)? {
        Place::Disk(folder) => files_below_disk(folder),
        #[cfg(feature = "remote")]
        Place::Store(url) => mvl_store::files_below(&url), // in fewer requests than folder by folder
    }
}

fn files_below_disk(folder: PathBuf) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    let mut waiting = vec![(folder, 0)];
    while let Some((folder, depth)) = waiting.pop() {
        if depth > MAX_DEPTH {
            let what = format!("expected at most {MAX_DEPTH} folders in each other; does a link lead back up?");
            return Err(DataError::Format { path: folder, what });
        }
        let listing = list_disk(&folder)?;
        files.extend(listing.files);
        waiting.extend(listing.folders.into_iter().rev().map(|folder| (folder, depth + 1)));
    }
    Ok(files)
}

/// The last part of a path, as text.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
