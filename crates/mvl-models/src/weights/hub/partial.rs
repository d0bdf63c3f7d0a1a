//! A file that is on its way: `NAME.part`, hashed as it grows, and taken up again where it broke off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mvl_core::{sync_folder, write_disposable};
use sha2::{Digest, Sha256};

use super::store::DownloadProgress;
use crate::weights::checksum::{Sha256Digits, digest_all};

/// The longest version mark that is kept.
const MAX_E_TAG_BYTES: usize = 1 << 10;

/// The part that has come so far.
pub(super) struct PartialFile<'a> {
    path: PathBuf,
    /// Beside it: which version of the object it is a part of.
    e_tag_path: PathBuf,
    file: File,
    hasher: Sha256,
    bytes: u64,
    total: u64,
    name: String,
    progress: &'a dyn Fn(DownloadProgress<'_>),
}

impl<'a> PartialFile<'a> {
    /// Opens or begins the part of a file.
    pub(super) fn open(destination: &Path, progress: &'a dyn Fn(DownloadProgress<'_>)) -> io::Result<Self> {
        let path = beside(destination, ".part");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let bytes = file.metadata()?.len();
        let mut hasher = Sha256::new();
        digest_all(&mut file, &mut hasher)?; // which leaves it at its end
        let e_tag_path = beside(destination, ".part.etag");
        let name = destination.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { path, e_tag_path, file, hasher, bytes, total: bytes, name, progress })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The version that the part is of, if it is known.
    pub(super) fn e_tag(&self) -> Option<String> {
        fs::read_to_string(&self.e_tag_path).ok().filter(|mark| !mark.is_empty() && mark.len() <= MAX_E_TAG_BYTES)
    }

    pub(super) fn sha256(&self) -> Sha256Digits {
        Sha256Digits::from_hasher(self.hasher.clone())
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    /// Gives the whole file its name.
    pub(super) fn finish(self, destination: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        drop(self.file);
        fs::rename(&self.path, destination)?;
        let _ = fs::remove_file(&self.e_tag_path); // there may be none
        destination.parent().map_or(Ok(()), sync_folder)
    }

    /// Removes what is of no use.
    pub(super) fn discard(self) {
        drop(self.file);
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.e_tag_path);
    }

    pub(super) fn begin(&mut self, from: u64, total: u64, e_tag: Option<&str>) -> io::Result<()> {
        if from == 0 {
            self.clear()?;
        }
        if from != self.bytes {
            return Err(io::Error::other(format!("expected bytes from {} on, got them from {from} on", self.bytes)));
        }
        self.total = total;
        let mark = e_tag.filter(|mark| mark.len() <= MAX_E_TAG_BYTES).unwrap_or_default();
        write_disposable(&self.e_tag_path, |out| out.write_all(mark.as_bytes()))?;
        self.report();
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.report();
        Ok(())
    }

    fn report(&self) {
        (self.progress)(DownloadProgress { name: &self.name, bytes: self.bytes, total: self.total });
    }
}

#[cfg(feature = "remote")]
impl mvl_store::Sink for PartialFile<'_> {
    fn begin(&mut self, from: u64, total: u64, e_tag: Option<&str>) -> io::Result<()> {
        PartialFile::begin(self, from, total, e_tag)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        PartialFile::write(self, bytes)
    }
}

/// `NAME` and an ending, in the same folder.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
