//! The images of a folder by the names they share with their annotations: `a/001` for `a/001.jpg` and `a/001.xml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mvl_core::DataError;

use super::listing::files_below;
use crate::decode::has_image_extension;

/// Every image below a folder, by its path in it without extension, with `/` between folders.
pub(super) fn images_by_stem(folder: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    let mut images = BTreeMap::new();
    for path in files_below(folder)?.into_iter().filter(|path| has_image_extension(path)) {
        if let Some(other) = images.insert(stem(folder, &path), path.clone()) {
            let what = format!("expected one image of this name, got {} too", other.display());
            return Err(DataError::Format { path, what });
        }
    }
    Ok(images)
}

/// A file's path in a folder, without extension.
pub(super) fn stem(folder: &Path, path: &Path) -> String {
    slashed(&path.strip_prefix(folder).unwrap_or(path).with_extension(""))
}

/// A path with `/` between folders on every system.
pub(super) fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
