//! A folder of files that is replaced as one.
//!
//! The new set is written to `NAME.new` beside the old, brought down to the disk, and then takes its place by two renames,
//! `NAME` → `NAME.old` and `NAME.new` → `NAME`. A crash at any point leaves a whole set under `NAME` or, between the two
//! renames, under `NAME.old`, from where [`recover`] brings it back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mvl_core::sync_folder;

/// Replaces the set in `folder`; its parents are made.
pub(crate) fn replace(folder: &Path, files: &[(&str, &[u8])]) -> io::Result<()> {
    let (new, old) = (beside(folder, "new"), beside(folder, "old"));
    remove(&new)?;
    fs::create_dir_all(&new)?;
    for (name, bytes) in files {
        write_synced(&new.join(name), bytes)?;
    }
    sync_folder(&new)?;
    recover(folder)?;
    if folder.exists() {
        remove(&old)?;
        fs::rename(folder, &old)?;
    }
    fs::rename(&new, folder)?;
    if let Some(parent) = folder.parent() {
        sync_folder(parent)?;
    }
    remove(&old)
}

/// Brings the set back that a crash left aside; does nothing otherwise.
pub(crate) fn recover(folder: &Path) -> io::Result<()> {
    let old = beside(folder, "old");
    if !folder.exists() && old.exists() { fs::rename(&old, folder) } else { Ok(()) }
}

/// Removes the set, and what a crash left of it.
pub(crate) fn clear(folder: &Path) -> io::Result<()> {
    remove(&beside(folder, "new"))?;
    remove(&beside(folder, "old"))?;
    remove(folder)
}

/// Writes a file in a folder that is not in use yet, down to the disk.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    folder.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path) -> Vec<(String, String)> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let path = entry.expect("readable").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("readable"))
        };
        let mut files: Vec<_> = fs::read_dir(folder).expect("there").map(entry).collect();
        files.sort();
        files
    }

    #[test]
    fn a_set_replaces_the_one_before() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("deep/last");
        replace(&folder, &[("a", b"1"), ("b", b"2")]).expect("writable");
        replace(&folder, &[("a", b"3")]).expect("writable");
        assert_eq!(read(&folder), [("a".to_owned(), "3".to_owned())]);
        assert_eq!(fs::read_dir(parent.path().join("deep")).expect("there").count(), 1);
        clear(&folder).expect("removable");
        assert!(!folder.exists());
    }

    #[test]
    fn a_crash_at_any_point_leaves_a_whole_set() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("last");
        replace(&folder, &[("a", b"1")]).expect("writable");
        // While the new set was being written.
        fs::create_dir(beside(&folder, "new")).expect("writable");
        fs::write(beside(&folder, "new").join("a"), b"torn").expect("writable");
        recover(&folder).expect("nothing to do");
        assert_eq!(read(&folder), [("a".to_owned(), "1".to_owned())]);
        // Between the two renames.
        fs::rename(&folder, beside(&folder, "old")).expect("writable");
        recover(&folder).expect("renamed back");
        assert_eq!(read(&folder), [("a".to_owned(), "1".to_owned())]);
        // Before the old one was removed.
        fs::create_dir(beside(&folder, "old")).expect("writable");
        replace(&folder, &[("a", b"2")]).expect("writable");
        assert_eq!(read(&folder), [("a".to_owned(), "2".to_owned())]);
        assert_eq!(fs::read_dir(parent.path()).expect("there").count(), 1);
    }
}
