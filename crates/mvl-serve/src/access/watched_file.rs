//! [`WatchedFile`]: a file that is looked at again when somebody needs it, not more often than four times a second.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long what was seen is believed.
const BELIEVED: Duration = Duration::from_millis(250);

/// How long to wait before a file that could not be read is read again.
const AGAIN: Duration = Duration::from_secs(1);
const NEVER: u64 = u64::MAX;

/// What tells a file's contents from others.
type Stamp = Option<(SystemTime, u64, u64)>;

/// Says whether a file has changed. Asking costs next to nothing.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    seen: Mutex<Stamp>,
    start: Instant,
    /// When to look again, in milliseconds since the start.
    next: AtomicU64,
    /// When to tell of a change although there is none.
    again: AtomicU64,
}

impl WatchedFile {
    /// Watches from now on. Read the file after this, so that no change is missed.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let seen = Mutex::new(stamp(&path));
        let next = AtomicU64::new(BELIEVED.as_millis() as u64);
        Self { path, seen, start: Instant::now(), next, again: AtomicU64::new(NEVER) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells the last change once more, a second later: whoever it was told to could not read the file.
    pub(crate) fn tell_again(&self) {
        self.again.store((self.start.elapsed() + AGAIN).as_millis() as u64, Ordering::Relaxed);
    }

    /// Whether it is another file than when this was asked last. Each change is told to one who asks.
    pub(crate) fn has_changed(&self) -> bool {
        let now = self.start.elapsed().as_millis() as u64;
        let next = self.next.load(Ordering::Relaxed);
        let mine = now >= next
            && self
                .next
                .compare_exchange(next, now + BELIEVED.as_millis() as u64, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !mine {
            return false;
        }
        let new = stamp(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is away for a moment, while it is replaced, has not changed.
        let changed = new.is_some() && (new != *seen || now >= self.again.load(Ordering::Relaxed));
        if changed {
            *seen = new;
            self.again.store(NEVER, Ordering::Relaxed);
        }
        changed
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = path.metadata().ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some((metadata.modified().ok()?, metadata.len(), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "one").expect("written");
        let watched = WatchedFile::new(&path);
        std::fs::write(&path, "another").expect("written");
        assert!(!watched.has_changed(), "not before a quarter of a second");
        std::thread::sleep(BELIEVED);
        assert!(watched.has_changed() && !watched.has_changed());
        watched.tell_again();
        std::thread::sleep(BELIEVED);
        assert!(!watched.has_changed(), "not before a second");
        std::thread::sleep(AGAIN - BELIEVED);
        assert!(watched.has_changed());
        std::thread::sleep(BELIEVED);
        assert!(!watched.has_changed(), "once");
        watched.tell_again();
        std::fs::write(&path, "a third, sooner").expect("written");
        std::thread::sleep(BELIEVED);
        assert!(watched.has_changed(), "another change need not wait");
        std::fs::remove_file(&path).expect("removed");
        std::thread::sleep(BELIEVED);
        assert!(!watched.has_changed(), "a file that is gone leaves what there was");
    }
}
