//! A folder of files that is replaced as one, with those before it kept beside.
//!
//! A new set is written to `NAME.new`, brought down to the disk, and then takes its place by renames: the set in place becomes
//! `NAME.1`, that one `NAME.2`, and so on. A crash at any point leaves whole sets under `NAME` and `NAME.N` or, between the renames,
//! under `NAME.N` only, from where [`recover`] brings the first one back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use mvl_core::sync_folder;

/// Writes a set beside `folder`, down to the disk; its parents are made. [`insert`] puts it in its place.
pub(super) fn write_new<B: Deref<Target = [u8]>>(folder: &Path, files: &[(&str, B)]) -> io::Result<()> {
    let new = fresh(folder)?;
    for (name, bytes) in files {
        let mut file = File::create(new.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    sync_folder(&new)
}

/// The same with the files of another set on the same disk, which then share their space; copies where a file system has no links.
pub(super) fn link_new(folder: &Path, other: &Path) -> io::Result<()> {
    let new = fresh(folder)?;
    for entry in fs::read_dir(other)? {
        let entry = entry?;
        let to = new.join(entry.file_name());
        fs::hard_link(entry.path(), &to).or_else(|_| fs::copy(entry.path(), &to).map(drop))?;
    }
    sync_folder(&new)
}

/// Puts the set that was written beside into place number `rank`, moves those from there on one further, and removes all from `keep` on.
pub(super) fn insert(folder: &Path, rank: usize, keep: usize) -> io::Result<()> {
    let end = (rank..).find(|&place| !at(folder, place).exists()).unwrap_or(rank);
    for place in (rank..end).rev() {
        fs::rename(at(folder, place), at(folder, place + 1))?;
    }
    fs::rename(beside(folder, "new"), at(folder, rank))?;
    if let Some(parent) = folder.parent() {
        sync_folder(parent)?;
    }
    shorten(folder, keep)
}

/// Removes the sets from number `keep` on.
pub(super) fn shorten(folder: &Path, keep: usize) -> io::Result<()> {
    (keep..).map(|place| at(folder, place)).take_while(|path| path.exists()).try_for_each(|path| remove(&path))
}

/// Brings the set back that a crash left aside; does nothing otherwise.
pub(super) fn recover(folder: &Path) -> io::Result<()> {
    let before = at(folder, 1);
    if !folder.exists() && before.exists() { fs::rename(before, folder) } else { Ok(()) }
}

/// Where set number `rank` lies; the newest or best is number 0.
pub(super) fn at(folder: &Path, rank: usize) -> PathBuf {
    if rank == 0 { folder.to_owned() } else { beside(folder, &rank.to_string()) }
}

/// The sets that are there, with gaps passed over: a crash may leave one.
pub(super) fn present(folder: &Path) -> Vec<PathBuf> {
    const GAP: usize = 2;
    let mut found: Vec<PathBuf> = Vec::new();
    let mut missing = 0;
    for rank in 0.. {
        let path = at(folder, rank);
        if path.exists() {
            found.push(path);
            missing = 0;
        } else {
            missing += 1;
        }
        if missing == GAP {
            break;
        }
    }
    found
}

/// Removes what a write that failed left.
pub(super) fn abandon(folder: &Path) -> io::Result<()> {
    remove(&beside(folder, "new"))
}

/// Puts a set aside under another name, in place of what has it; answers where it is.
pub(super) fn set_aside(folder: &Path, suffix: &str) -> io::Result<PathBuf> {
    let aside = beside(folder, suffix);
    remove(&aside)?;
    fs::rename(folder, &aside)?;
    Ok(aside)
}

pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// An empty folder for a new set.
fn fresh(folder: &Path) -> io::Result<PathBuf> {
    let new = beside(folder, "new");
    remove(&new)?;
    fs::create_dir_all(&new)?;
    Ok(new)
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

    fn replace(folder: &Path, content: &str, keep: usize) {
        write_new(folder, &[("a", content.as_bytes())]).and_then(|()| insert(folder, 0, keep)).expect("writable");
    }

    fn content(folder: &Path) -> String {
        fs::read_to_string(folder.join("a")).unwrap_or_else(|_| "-".to_owned())
    }

    fn contents(folder: &Path) -> Vec<String> {
        (0..3).map(|rank| content(&at(folder, rank))).collect()
    }

    #[test]
    fn a_set_replaces_the_one_before() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("deep/last");
        write_new(&folder, &[("a", &b"1"[..]), ("b", b"2")]).and_then(|()| insert(&folder, 0, 1)).expect("writable");
        replace(&folder, "3", 1);
        assert_eq!(content(&folder), "3");
        assert!(!folder.join("b").exists());
        assert_eq!(fs::read_dir(parent.path().join("deep")).expect("there").count(), 1);
    }

    #[test]
    fn so_many_are_kept_in_order() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("last");
        for content in ["1", "2", "3", "4"] {
            replace(&folder, content, 3);
        }
        assert_eq!(contents(&folder), ["4", "3", "2"]);
        write_new(&folder, &[("a", &b"between"[..])]).and_then(|()| insert(&folder, 1, 3)).expect("writable");
        assert_eq!(contents(&folder), ["4", "between", "3"]);
        assert_eq!(present(&folder).len(), 3);
        shorten(&folder, 1).expect("removable");
        assert_eq!(contents(&folder), ["4", "-", "-"]);
    }

    #[test]
    fn two_names_share_one_set() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let (last, best) = (parent.path().join("last"), parent.path().join("best"));
        replace(&last, "1", 1);
        link_new(&best, &last).and_then(|()| insert(&best, 0, 1)).expect("linked");
        replace(&last, "2", 1);
        assert_eq!((content(&last), content(&best)), ("2".to_owned(), "1".to_owned()));
    }

    #[test]
    fn a_crash_at_any_point_leaves_a_whole_set() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("last");
        replace(&folder, "1", 1);
        // While the new set was being written.
        fs::create_dir(beside(&folder, "new")).expect("writable");
        fs::write(beside(&folder, "new").join("a"), "torn").expect("writable");
        recover(&folder).expect("nothing to do");
        assert_eq!(content(&folder), "1");
        // Between the two renames.
        fs::rename(&folder, at(&folder, 1)).expect("writable");
        recover(&folder).expect("renamed back");
        assert_eq!(content(&folder), "1");
        // Before the old one was removed.
        write_new(&folder, &[("a", &b"2"[..])]).and_then(|()| insert(&folder, 0, 2)).expect("writable");
        replace(&folder, "3", 1);
        assert_eq!(contents(&folder), ["3", "-", "-"]);
        assert_eq!(fs::read_dir(parent.path()).expect("there").count(), 1);
    }
}
