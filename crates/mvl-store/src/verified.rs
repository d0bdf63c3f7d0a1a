//! Files whose checksum this process has seen, so that it is not reckoned at every opening.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::digest::Digest;

/// What a look at a file says of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing is there.
    Missing,
    /// It is what its name says, and so large.
    Good,
    /// It is not; its digest, where it was reckoned.
    Damaged(Option<Digest>),
}

/// Remembers, of each file, what its size (and time) was when its checksum was right.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    seen: Mutex<HashMap<Digest, Stamp>>,
    /// Whether a new time alone makes a file another one; not where times say when a file was last used.
    by_time: bool,
}

type Stamp = (u64, Option<SystemTime>);

impl Verified {
    pub(crate) fn by_time() -> Self {
        Self { by_time: true, ..Self::default() }
    }

    fn stamp(&self, metadata: &Metadata) -> Stamp {
        (metadata.len(), metadata.modified().ok().filter(|_| self.by_time))
    }

    /// The file is known to be good.
    pub(crate) fn note(&self, path: &Path, digest: Digest) -> io::Result<()> {
        let stamp = self.stamp(&path.metadata()?);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, stamp);
        Ok(())
    }

    /// Looks at a file: at its size every time, and at all of it the first time.
    pub(crate) fn check(&self, path: &Path, digest: Digest) -> io::Result<Found> {
        let metadata = match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            metadata => metadata?,
        };
        let stamp = self.stamp(&metadata);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).copied();
        match seen {
            Some(seen) if seen == stamp => return Ok(Found::Good),
            Some((bytes, _)) if bytes != stamp.0 => return Ok(Found::Damaged(None)),
            _ => {}
        }
        let (got, _) = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            file => Digest::of_reader(file?)?,
        };
        if got != digest {
            return Ok(Found::Damaged(Some(got)));
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, stamp);
        Ok(Found::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_changed_size_is_noticed_at_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, digest) = (folder.path().join("file"), Digest::of(b"text"));
        let verified = Verified::default();
        let check = || verified.check(&path, digest).expect("readable");
        assert_eq!(check(), Found::Missing);
        std::fs::write(&path, b"test").expect("writable");
        assert_eq!(check(), Found::Damaged(Some(Digest::of(b"test"))));
        std::fs::write(&path, b"text").expect("writable");
        assert_eq!(check(), Found::Good);
        std::fs::write(&path, b"text and more").expect("writable");
        assert_eq!(check(), Found::Damaged(None));
    }

    #[test]
    fn a_changed_time_is_looked_into() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, digest) = (folder.path().join("file"), Digest::of(b"text"));
        let verified = Verified::by_time();
        std::fs::write(&path, b"text").expect("writable");
        assert_eq!(verified.check(&path, digest).expect("readable"), Found::Good);
        std::fs::write(&path, b"test").expect("writable");
        let file = File::options().append(true).open(&path).expect("writable");
        file.set_modified(SystemTime::now() + Duration::from_secs(5)).expect("it has a time");
        assert_eq!(verified.check(&path, digest).expect("readable"), Found::Damaged(Some(Digest::of(b"test"))));
    }
}
