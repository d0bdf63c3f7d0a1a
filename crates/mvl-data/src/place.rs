//! Where data lies: a path on a disk, or an address in an object store. Whatever lists folders and reads small files goes through
//! here, so that every source opens from both.
//!
//! An address is a `Path` as well: joining and parents work on `s3://bucket/folder` as they do on `/folder`.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::DataError;

use crate::decode::read_bounded;

#[cfg(feature = "remote")]
use mvl_store::StoreUrl;

/// A place that can be listed and read.
pub(crate) enum Place {
    /// A file or folder.
    Disk(PathBuf),
    /// An object or prefix.
    #[cfg(feature = "remote")]
    Store(StoreUrl),
}

impl Place {
    /// Tells addresses from paths.
    ///
    /// # Errors
    /// [`DataError::Format`] when the address is bad, or this build knows no stores.
    pub(crate) fn of(path: &Path) -> Result<Self, DataError> {
        match path.to_str().filter(|text| text.contains("://")) {
            None => Ok(Self::Disk(path.to_owned())),
            Some(url) => Self::at(url),
        }
    }

    #[cfg(feature = "remote")]
    fn at(url: &str) -> Result<Self, DataError> {
        let store = StoreUrl::parse(url)?;
        Ok(store.disk_path().map_or(Self::Store(store), Self::Disk))
    }

    #[cfg(not(feature = "remote"))]
    fn at(url: &str) -> Result<Self, DataError> {
        let what = "this build reads local paths only; build with the feature \"remote\"".to_owned();
        Err(DataError::Format { path: url.into(), what })
    }

    /// Whether other things lie in it, as opposed to a file.
    ///
    /// # Errors
    /// [`DataError::Io`] when there is nothing, or it cannot be told.
    pub(crate) fn is_folder(&self) -> Result<bool, DataError> {
        match self {
            Self::Disk(path) => match path.metadata() {
                Ok(metadata) => Ok(metadata.is_dir()),
                Err(source) => Err(DataError::Io { path: path.clone(), source }),
            },
            #[cfg(feature = "remote")]
            Self::Store(url) => Ok(!mvl_store::exists(url)?),
        }
    }
}

/// Whether there is a file or an object of this name. What cannot be looked up is not there.
pub(crate) fn is_file(path: &Path) -> bool {
    match Place::of(path) {
        Ok(Place::Disk(path)) => path.is_file(),
        #[cfg(feature = "remote")]
        Ok(Place::Store(url)) => mvl_store::exists(&url).unwrap_or(false),
        Err(_) => false,
    }
}

/// Whether there is a folder of this name, or anything under such a prefix. What cannot be looked up is not there.
pub(crate) fn is_folder(path: &Path) -> bool {
    match Place::of(path) {
        Ok(Place::Disk(path)) => path.is_dir(),
        #[cfg(feature = "remote")]
        Ok(Place::Store(url)) => {
            mvl_store::list(&url).is_ok_and(|found| !found.folders.is_empty() || !found.files.is_empty())
        }
        Err(_) => false,
    }
}

/// Small files, each with an error of its own. What lies in object stores is read at the same time.
///
/// # Errors
/// [`DataError::Format`] when an address is bad.
pub(crate) fn read_each(paths: &[PathBuf], max_bytes: u64) -> Result<Vec<Result<Bytes, DataError>>, DataError> {
    #[cfg(feature = "remote")]
    {
        let urls = paths.iter().map(|path| match Place::of(path)? {
            Place::Store(url) => Ok(Some(url)),
            Place::Disk(_) => Ok(None),
        });
        if let Some(urls) = urls.collect::<Result<Option<Vec<_>>, DataError>>()? {
            return mvl_store::read_objects(urls, max_bytes);
        }
    }
    Ok(paths.iter().map(|path| read_bounded(path, max_bytes).map(Bytes::from)).collect())
}
