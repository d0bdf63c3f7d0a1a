//! The cache of weights files, and how it is filled.

use std::env;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mvl_core::ModelError;

use super::address::{Address, Repository};
use super::folder::weights_folder;
use super::hugging_face::{self, HuggingFaceModel, read_hugging_face_folder};
#[cfg(feature = "remote")]
use super::partial::PartialFile;
use super::partial::beside;
use crate::weights::checksum::Sha256Digits;
use crate::weights::{WeightsCard, weights_card};

const HUGGING_FACE: &str = "https://huggingface.co";
/// The largest file that is fetched unless said otherwise.
const MAX_BYTES: u64 = 32 << 30;

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadProgress<'a> {
    /// The file's name.
    pub name: &'a str,
    /// Bytes that are there.
    pub bytes: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

type Progress = Arc<dyn Fn(DownloadProgress<'_>) + Send + Sync>;

/// A folder of weights files, filled from the addresses that are asked for.
///
/// A file comes as `NAME.part` and gets its name once it is whole and its SHA-256 is what was expected; a download that broke goes
/// on where it was. Two processes that want the same file wait for each other.
///
/// Downloads need the feature `remote`. Addresses are `https://…`, `s3://…` and others that `mvl-store` knows, and
/// `hf://owner/name@revision/file` for the Hugging Face Hub (public repositories).
///
/// # Example
/// ```
/// use mvl_models::weights::{WeightsHub, weights_card};
/// let folder = tempfile::tempdir()?;
/// let hub = WeightsHub::new(folder.path()).with_offline(true);
/// let card = weights_card("resnet18.imagenet1k_v1")?;
/// let error = hub.fetch_card(card).expect_err("nothing is there").to_string();
/// assert!(error.contains("downloads are off") && error.contains("resnet18-f37072fd.pth"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WeightsHub {
    folder: PathBuf,
    offline: bool,
    max_bytes: u64,
    hugging_face: String,
    progress: Option<Progress>,
}

impl WeightsHub {
    /// A hub that keeps its files in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            offline: false,
            max_bytes: MAX_BYTES,
            hugging_face: HUGGING_FACE.to_owned(),
            progress: None,
        }
    }

    /// A hub as the environment has it: files in [`weights_folder`], no downloads when `MVL_OFFLINE` is set (to anything but `0`),
    /// and another Hugging Face Hub when `HF_ENDPOINT` names one.
    #[must_use]
    pub fn from_environment() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let hub = Self::new(weights_folder()).with_offline(set("MVL_OFFLINE").is_some_and(|value| value != "0"));
        match set("HF_ENDPOINT") {
            Some(endpoint) => hub.with_hugging_face(endpoint),
            None => hub,
        }
    }

    /// Whether to do with what is there already.
    #[must_use]
    pub fn with_offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The largest file to fetch; 32 GiB unless said otherwise.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Where `hf://` leads to, such as a mirror.
    #[must_use]
    pub fn with_hugging_face(mut self, endpoint: impl Into<String>) -> Self {
        self.hugging_face = endpoint.into();
        self
    }

    /// Told of every piece that arrives.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Fn(DownloadProgress<'_>) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a card, if it is there under one of its names.
    #[must_use]
    pub fn find_card(&self, card: &WeightsCard) -> Option<PathBuf> {
        [Some(card.file_name), card.other_name]
            .into_iter()
            .flatten()
            .map(|name| self.folder.join(name))
            .find(|file| file.is_file())
    }

    /// The file of a card, fetched if it is not there. A file that was there is not hashed again; [`WeightsCard::create`] does so.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn fetch_card(&self, card: &WeightsCard) -> Result<PathBuf, ModelError> {
        if let Some(file) = self.find_card(card) {
            return Ok(file);
        }
        let name = card.file_name;
        let place = self.folder.join(name);
        if card.url.ends_with('/') {
            let what = format!("the weights {:?} are part of {}: take them out and put them here", card.id, card.url);
            return Err(file_error(what, &place, None));
        }
        let Address::Remote { url, .. } = Address::parse(card.url, &self.hugging_face)? else {
            return Err(file_error(format!("the weights {:?} have no address", card.id), &place, None));
        };
        self.fetch_to(&url, &place, card.sha256_prefix())
    }

    /// The file of what a person names: a card's id, an address, a repository of the Hugging Face Hub in timm's layout
    /// (`hf://owner/name`), or a path.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn resolve(&self, weights: &str) -> Result<PathBuf, ModelError> {
        if let Ok(card) = weights_card(weights) {
            return self.fetch_card(card);
        }
        match Repository::parse(weights)? {
            Some(repository) if repository.file.is_empty() => Ok(self.fetch_hugging_face(weights)?.weights),
            _ => self.fetch(weights, None),
        }
    }

    /// The file at an address or path, fetched if it is elsewhere and not in the folder yet. `sha256` is what it must have, or the
    /// first 8 digits or more of it; without one the bytes are taken as they come.
    ///
    /// # Errors
    /// [`ModelError::File`] when there is no such file, it cannot be had, has another checksum or is too large, or downloads are off;
    /// it says what to do.
    pub fn fetch(&self, address: &str, sha256: Option<&str>) -> Result<PathBuf, ModelError> {
        match Address::parse(address, &self.hugging_face)? {
            Address::Disk(path) if path.is_file() => Ok(path),
            Address::Disk(path) => Err(file_error("no such weights file".to_owned(), &path, None)),
            Address::Remote { url, place } => self.fetch_to(&url, &self.folder.join(place), sha256),
        }
    }

    /// A model of the Hugging Face Hub in timm's layout, `hf://owner/name` or `hf://owner/name@revision`: its `config.json` and its
    /// weights, fetched if they are not there yet. A path is taken as a folder in that layout.
    ///
    /// # Errors
    /// As [`Self::fetch`], and [`ModelError::File`] when the repository holds something else.
    pub fn fetch_hugging_face(&self, address: &str) -> Result<HuggingFaceModel, ModelError> {
        let Some(repository) = Repository::parse(address)? else { return read_hugging_face_folder(Path::new(address)) };
        let folder = self.folder.join(repository.place());
        let get = |file: &str| self.fetch_to(&repository.url(&self.hugging_face, file), &folder.join(file), None);
        get(hugging_face::CONFIG_FILE)?;
        let mut model = hugging_face::read_config(&folder)?; // before a large file is fetched in vain
        let [safe, pickled] = hugging_face::WEIGHTS_FILES;
        model.weights = match hugging_face::weights_in(&folder) {
            Some(weights) => weights,
            None => match get(safe) {
                Err(error) if is_missing(&error) => get(pickled)?,
                got => got?,
            },
        };
        Ok(model)
    }

    fn fetch_to(&self, url: &str, place: &Path, sha256: Option<&str>) -> Result<PathBuf, ModelError> {
        if place.is_file() {
            return Ok(place.to_owned());
        }
        let expected = sha256
            .map(|digits| {
                let wrong = || file_error(format!("expected 8 to 64 digits of a SHA-256, got {digits:?}"), place, None);
                Sha256Digits::new(digits).ok_or_else(wrong)
            })
            .transpose()?;
        if self.offline {
            let what = format!("not here, and downloads are off (MVL_OFFLINE or --offline): put {url} here");
            return Err(file_error(what, place, None));
        }
        let failed = |source: io::Error| file_error("cannot write the weights".to_owned(), place, Some(source.into()));
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock_path = beside(place, ".lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&lock_path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if !place.is_file() {
            // else another process was quicker
            self.download(url, place, expected.as_ref())?;
        }
        // Only now: whoever waits for this lock finds the file whole.
        let _ = fs::remove_file(&lock_path);
        Ok(place.to_owned())
    }

    #[cfg(not(feature = "remote"))]
    fn download(&self, url: &str, place: &Path, _: Option<&Sha256Digits>) -> Result<(), ModelError> {
        let what = format!("this build downloads nothing (feature \"remote\"): put {url} here");
        Err(file_error(what, place, None))
    }

    #[cfg(feature = "remote")]
    fn download(&self, url: &str, place: &Path, expected: Option<&Sha256Digits>) -> Result<(), ModelError> {
        let failed = |source: io::Error| file_error("cannot write the weights".to_owned(), place, Some(source.into()));
        let refused = |source: mvl_core::DataError| {
            let what = "cannot download the weights; they may be put here by hand, too".to_owned();
            file_error(what, place, Some(source.into()))
        };
        let address = mvl_store::StoreUrl::parse(url).map_err(refused)?;
        let silent = |_: DownloadProgress<'_>| {};
        let progress: &dyn Fn(DownloadProgress<'_>) = match &self.progress {
            Some(progress) => &**progress,
            None => &silent,
        };
        let mut part = PartialFile::open(place, progress).map_err(failed)?;
        loop {
            let is_expected =
                |part: &PartialFile<'_>| expected.is_none_or(|expected| part.sha256().begins_with(expected));
            if expected.is_some() && part.bytes() > 0 && is_expected(&part) {
                return part.finish(place).map_err(failed); // whole, but for its name
            }
            let e_tag = part.e_tag();
            // Without either nobody could tell whether the parts belong together.
            let resumed = part.bytes() > 0 && (expected.is_some() || e_tag.is_some());
            let at = if resumed { part.bytes() } else { 0 };
            mvl_store::download(&address, at, e_tag.as_deref(), self.max_bytes, RETRY, &mut part)
                .map_err(refused)?
                .map_err(failed)?;
            if is_expected(&part) {
                return part.finish(place).map_err(failed);
            }
            if !resumed {
                let expected = expected.map(ToString::to_string).unwrap_or_default();
                let what =
                    format!("not the published weights: expected SHA-256 {expected}, got {} from {url}", part.sha256());
                part.discard();
                return Err(file_error(what, place, None));
            }
            part.clear().map_err(failed)?; // the first part may have been another version's
        }
    }
}

/// A person waits for it.
#[cfg(feature = "remote")]
const RETRY: mvl_store::RetryPolicy = mvl_store::RetryPolicy {
    first_delay: std::time::Duration::from_millis(200),
    longest_delay: std::time::Duration::from_secs(5),
    deadline: std::time::Duration::from_secs(30),
};

impl fmt::Debug for WeightsHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightsHub")
            .field("folder", &self.folder)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

fn is_missing(error: &ModelError) -> bool {
    let ModelError::File { source: Some(source), .. } = error else { return false };
    let data = source.downcast_ref::<mvl_core::DataError>();
    matches!(data, Some(mvl_core::DataError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
}

fn file_error(what: String, path: &Path, source: Option<mvl_core::BoxError>) -> ModelError {
    ModelError::File { what, path: path.display().to_string(), source }
}
