//! How far a large upload has come, in a small file, so that another process goes on with it.
//!
//! One JSON line says which object and which upload, one more for each part that the store has acknowledged. A line that was broken
//! off is left out. One process at a time holds the file's lock; another one uploads without a journal.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::StoreUrl;
use crate::content::{Content, part_bytes};
use crate::digest::Digest;

/// How long one is kept that nobody goes on with; stores do not keep parts for much longer.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What its file's name ends in.
const ENDING: &str = "upload";

/// What is uploaded where; parts of another upload are of no use to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Subject {
    version: u32,
    object: String,
    content: Digest,
    part_bytes: u64,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    #[serde(flatten)]
    subject: Subject,
    /// What the store calls the upload.
    upload: String,
}

/// Another line: the store has this part, and calls it so.
#[derive(Debug, Serialize, Deserialize)]
struct Arrived {
    part: u64,
    id: String,
}

/// The journal of one upload. Nothing that happens to it keeps an upload from going on.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    upload: Option<String>,
    parts: BTreeMap<u64, String>,
    /// A locked file, where one is kept.
    file: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    subject: Subject,
    file: File,
    path: PathBuf,
}

impl Journal {
    /// What is known of writing this content there. Nothing is kept without a folder, of content in memory, which dies with the
    /// process, and where the folder cannot be written.
    pub(crate) fn open(folder: Option<&Path>, url: &StoreUrl, content: &Content) -> Self {
        let (Some(folder), Content::File(file)) = (folder, content) else { return Self::default() };
        let object = url.as_path().to_string_lossy().into_owned();
        let part_bytes = part_bytes(content.bytes());
        let subject = Subject { version: 1, object, content: file.digest, part_bytes };
        let kept = lock(folder, subject).ok();
        let mut journal = Self { file: kept, ..Self::default() };
        journal.read();
        journal
    }

    /// What the store calls the upload; `None` before it has begun.
    pub(crate) fn upload(&self) -> Option<&str> {
        self.upload.as_deref()
    }

    /// What the store calls the parts that it has.
    pub(crate) fn parts(&self) -> &BTreeMap<u64, String> {
        &self.parts
    }

    /// Whether another process could go on with it.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// The upload has begun, under this id.
    pub(crate) fn begin(&mut self, upload: &str) {
        self.upload = Some(upload.to_owned());
        if let Some(kept) = &self.file {
            let line = Begun { subject: kept.subject.clone(), upload: upload.to_owned() };
            self.append(&line);
        }
    }

    /// The store has another part.
    pub(crate) fn add(&mut self, part: u64, id: &str) {
        self.parts.insert(part, id.to_owned());
        self.append(&Arrived { part, id: id.to_owned() });
    }

    /// The store has thrown the parts away.
    pub(crate) fn forget(&mut self) {
        (self.upload, self.parts) = (None, BTreeMap::new());
        if let Some(kept) = &self.file
            && kept.file.set_len(0).is_err()
        {
            self.file = None;
        }
    }

    /// There is nothing to go on with.
    pub(crate) fn remove(self) {
        if let Some(kept) = self.file {
            let _ = fs::remove_file(kept.path); // an old one is of no harm
        }
    }

    fn append(&mut self, line: &impl Serialize) {
        let Some(kept) = &self.file else { return };
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            (&kept.file).write_all(&line)
        });
        if written.is_err() {
            self.file = None;
        }
    }

    fn read(&mut self) {
        let Some(kept) = &self.file else { return };
        let mut text = Vec::new();
        let read = (&kept.file).seek(SeekFrom::Start(0)).and_then(|_| (&kept.file).read_to_end(&mut text));
        // A last line without an end was broken off.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let begun = lines.next().and_then(|line| serde_json::from_slice::<Begun>(line).ok());
        match begun.filter(|begun| read.is_ok() && begun.subject == kept.subject) {
            Some(begun) => {
                self.upload = Some(begun.upload);
                let arrived = lines.filter_map(|line| serde_json::from_slice::<Arrived>(line).ok());
                self.parts = arrived.map(|arrived| (arrived.part, arrived.id)).collect();
                if whole < text.len() && kept.file.set_len(whole as u64).is_err() {
                    self.file = None;
                }
            }
            None => self.forget(),
        }
    }
}

/// Opens and locks a journal's file, and clears away those that nobody came back for.
fn lock(folder: &Path, subject: Subject) -> io::Result<Kept> {
    fs::create_dir_all(folder)?;
    let is_old = |path: &Path| {
        let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
        path.extension().is_some_and(|ending| ending == ENDING)
            && modified.and_then(|modified| modified.elapsed().ok()).is_some_and(|age| age > KEPT_FOR)
    };
    for entry in fs::read_dir(folder)?.flatten().filter(|entry| is_old(&entry.path())) {
        let _ = fs::remove_file(entry.path()); // the next one will try
    }
    let name = Digest::of(format!("{} {}", subject.content, subject.object).as_bytes()).to_hex();
    let path = folder.join(format!("{name}.{ENDING}"));
    let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
    file.try_lock().map_err(io::Error::from)?;
    Ok(Kept { subject, file, path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::HashedFile;
    use std::sync::Arc;

    fn content(folder: &Path, text: &str) -> Content {
        let path = folder.join("content");
        fs::write(&path, text).expect("writable");
        Content::File(Arc::new(HashedFile::read_all(&path).expect("readable")))
    }

    #[test]
    fn another_process_knows_what_has_arrived() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (journals, url) = (folder.path().join("uploads"), StoreUrl::parse("s3://bucket/a").expect("an address"));
        let content = content(folder.path(), "text");
        let open = || Journal::open(Some(&journals), &url, &content);
        let mut first = open();
        first.begin("id-1");
        first.add(2, "tag-2");
        first.add(0, "tag-0");
        let beside = open();
        assert!(!beside.is_kept() && beside.upload().is_none(), "the first one holds it");
        drop(first);

        let path = fs::read_dir(&journals).expect("a folder").next().expect("a journal").expect("readable").path();
        let mut torn = fs::read(&path).expect("readable");
        torn.extend(b"{\"part\":1,\"id\":\"ta");
        fs::write(&path, torn).expect("writable");
        let mut second = open();
        assert_eq!((second.upload(), second.parts().len()), (Some("id-1"), 2));
        assert_eq!(second.parts()[&2], "tag-2");
        second.add(1, "tag-1");
        drop(second);
        let third = open();
        assert_eq!(third.parts().values().map(String::as_str).collect::<Vec<_>>(), ["tag-0", "tag-1", "tag-2"]);
        third.remove();
        assert!(open().upload().is_none());
    }

    #[test]
    fn rubbish_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (journals, url) = (folder.path().join("uploads"), StoreUrl::parse("s3://bucket/a").expect("an address"));
        let content = content(folder.path(), "text");
        drop(Journal::open(Some(&journals), &url, &content));
        let path = fs::read_dir(&journals).expect("a folder").next().expect("a journal").expect("readable").path();
        for rubbish in [&b"\n\n"[..], b"{}\n", b"\xff\xfe\n", b"{\"part\":1,\"id\":\"tag\"}\n"] {
            fs::write(&path, rubbish).expect("writable");
            let mut journal = Journal::open(Some(&journals), &url, &content);
            assert!(journal.upload().is_none() && journal.parts().is_empty());
            journal.begin("id");
            drop(journal);
            assert_eq!(Journal::open(Some(&journals), &url, &content).upload(), Some("id"));
        }
    }
}
