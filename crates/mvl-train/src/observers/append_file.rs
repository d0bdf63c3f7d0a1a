//! A file that only grows: what could not be written is kept and written later, and nothing is ever written in part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use mvl_core::{ObserverError, write_atomically};

/// What may wait to be written, say while a disk is full.
const MAX_PENDING_BYTES: usize = 32 << 20;
/// The longest line that can be one of ours.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Pieces (lines, records) on their way to the end of a file. What is left is written when it is dropped.
#[derive(Debug)]
pub(super) struct AppendFile {
    path: PathBuf,
    /// What the file is, for messages.
    what: &'static str,
    pending: Vec<u8>,
}

impl AppendFile {
    pub(super) fn new(what: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), what, pending: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that wait to be written.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Begins the file anew with `header`, and with those of its lines that `keep` says yes to; a torn last line is left out.
    ///
    /// Lines are gone through one at a time, so that a long file takes no memory.
    pub(super) fn begin(&mut self, header: &str, mut keep: impl FnMut(&str) -> bool) -> Result<(), ObserverError> {
        self.flush()?; // what an earlier run left
        let old = match File::open(&self.path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.failed("read", error)),
        };
        write_atomically(&self.path, |out| {
            out.write_all(header.as_bytes())?;
            let Some(mut old) = old else { return Ok(()) };
            while let Some(line) = next_line(&mut old)? {
                if line != header && keep(&line) {
                    out.write_all(line.as_bytes())?;
                }
            }
            Ok(())
        })
        .map_err(|error| self.failed("write", error))
    }

    /// Adds a piece, to be written by the next [`flush`](Self::flush).
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), ObserverError> {
        if self.pending.len() + piece.len() > MAX_PENDING_BYTES {
            let full = io::Error::other("32 MiB wait to be written already, this is lost");
            return Err(self.failed("write", full));
        }
        self.pending.extend_from_slice(piece);
        Ok(())
    }

    /// Writes all pieces, and brings them down to the disk. On a failure they are kept, and the file is as it was.
    pub(super) fn flush(&mut self) -> Result<(), ObserverError> {
        self.write().map_err(|error| self.failed("write", error))
    }

    /// Adds a piece and writes it at once.
    pub(super) fn append(&mut self, piece: &[u8]) -> Result<(), ObserverError> {
        self.push(piece)?;
        self.flush()
    }

    fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent().filter(|folder| !folder.exists()) {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(&self.pending).and_then(|()| file.sync_data()) {
            file.set_len(before)?;
            return Err(error);
        }
        self.pending.clear();
        Ok(())
    }

    fn failed(&self, doing: &str, error: io::Error) -> ObserverError {
        let (what, path) = (self.what, self.path.display());
        ObserverError::with_source(
            format!("cannot {doing} the {what}, check that the folder is yours to write to and has room; {path}"),
            error,
        )
    }
}

impl Drop for AppendFile {
    fn drop(&mut self) {
        // Nobody is left to be told of a failure.
        let _ = self.write();
    }
}

/// The next whole line with its end; `None` after the last, or at one that is torn.
pub(super) fn next_line(lines: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    lines.take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        return String::from_utf8(line).map(Some).map_err(io::Error::other);
    }
    if line.len() as u64 == MAX_LINE_BYTES {
        return Err(io::Error::other("expected lines of at most 1 MiB"));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begun_anew_keeps_what_it_is_told_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut file = AppendFile::new("log", folder.path().join("run/log.txt"));
        file.begin("head\n", |_| true).expect("writable");
        file.append(b"1\n2\n").expect("writable");
        file.append(b"3\n4").expect("writable"); // the 4 is torn
        file.begin("head\n", |line| line != "1\n").expect("writable");
        assert_eq!(fs::read_to_string(file.path()).expect("written"), "head\n2\n3\n");
    }

    #[test]
    fn what_cannot_be_written_waits() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let blocked = folder.path().join("blocked");
        fs::create_dir(&blocked).expect("writable");
        let mut file = AppendFile::new("log", &blocked);
        let error = file.append(b"a\n").expect_err("a folder is no file").to_string();
        assert!(error.starts_with("cannot write the log, check that"), "{error}");
        fs::remove_dir(&blocked).expect("empty");
        file.append(b"b\n").expect("writable by now");
        assert_eq!(fs::read_to_string(&blocked).expect("written"), "a\nb\n");
        file.push(b"c\n").expect("room");
        drop(file);
        assert_eq!(fs::read_to_string(&blocked).expect("written"), "a\nb\nc\n");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut file = AppendFile::new("log", "unused");
        file.push(&vec![0; MAX_PENDING_BYTES]).expect("room");
        assert!(file.push(b"1").is_err());
        file.pending.clear();
    }

    #[test]
    fn a_strange_file_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log");
        fs::write(&path, vec![b'x'; MAX_LINE_BYTES as usize + 1]).expect("writable");
        assert!(AppendFile::new("log", &path).begin("", |_| true).is_err());
    }
}
