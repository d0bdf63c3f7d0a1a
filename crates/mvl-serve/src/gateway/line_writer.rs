//! [`LineWriter`]: lines written by a thread of their own, so that whoever has something to say never waits for a disk or a terminal.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// How many lines may wait.
const WAITING: usize = 8192;
/// How much is written at once.
const BUFFER: usize = 64 << 10;

/// Writes lines. What comes while too many wait is dropped and counted. Cheap to clone; the last clone that is dropped waits until all
/// is written.
#[derive(Clone)]
pub struct LineWriter(Arc<Inner>);

struct Inner {
    lines: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    lost: Arc<AtomicU64>,
}

impl fmt::Debug for LineWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineWriter").field("lost", &self.lost()).finish()
    }
}

impl LineWriter {
    /// Appends to a file, which is made where it is missing, readable by its owner alone. When the file is moved away, as those do who
    /// keep old logs, a new one is begun.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        let file = Appended { file: open(path)?, path: path.to_owned() };
        Self::start(Box::new(file))
    }

    /// Writes to the error output.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn to_stderr() -> io::Result<Self> {
        Self::start(Box::new(io::stderr()))
    }

    fn start(sink: Box<dyn Write + Send>) -> io::Result<Self> {
        let (send, receive) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        let thread =
            std::thread::Builder::new().name("lines".to_owned()).spawn(move || write_all(&receive, sink, &counted))?;
        Ok(Self(Arc::new(Inner { lines: Some(send), thread: Some(thread), lost })))
    }

    /// Takes a line, with or without its end. Never waits.
    pub fn say(&self, line: impl Into<Vec<u8>>) {
        let mut line = line.into();
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        if self.0.lines.as_ref().is_none_or(|lines| lines.try_send(line).is_err()) {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines could not be written.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a writer that panicked has nothing more to write
        }
    }
}

/// Writes what there is, and brings it out when there is no more.
fn write_all(lines: &Receiver<Vec<u8>>, mut sink: Box<dyn Write + Send>, lost: &AtomicU64) {
    let mut buffer = Vec::with_capacity(BUFFER);
    while let Ok(line) = lines.recv() {
        let mut count = 1;
        buffer.extend_from_slice(&line);
        while buffer.len() < BUFFER
            && let Ok(line) = lines.try_recv()
        {
            buffer.extend_from_slice(&line);
            count += 1;
        }
        if sink.write_all(&buffer).and_then(|()| sink.flush()).is_err() {
            lost.fetch_add(count, Ordering::Relaxed);
        }
        buffer.clear();
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that is opened anew when it is not at its place any more.
struct Appended {
    file: File,
    path: PathBuf,
}

impl Write for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let here = self.file.metadata()?.ino();
            if self.path.metadata().ok().map(|there| there.ino()) != Some(here) {
                self.file = open(&self.path)?;
            }
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_in_order_and_files_may_be_moved() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let writer = LineWriter::to_file(&path).expect("opened");
        writer.say("one");
        while path.metadata().expect("there").len() == 0 {
            std::thread::yield_now();
        }
        std::fs::rename(&path, &old).expect("moved");
        writer.clone().say("two\n");
        writer.say("three");
        drop(writer);
        assert_eq!(std::fs::read_to_string(&old).expect("read"), "one\n");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "two\nthree\n");
    }

    /// Takes nothing until it is let go.
    struct Stuck(std::sync::mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_disk_stops_nobody() {
        let (go, stuck) = std::sync::mpsc::channel();
        let writer = LineWriter::start(Box::new(Stuck(stuck))).expect("started");
        for _ in 0..WAITING * 2 {
            writer.say("a line of some length, so that not all lines go into one write of the thread");
        }
        assert!(writer.lost() > 0, "counted, not waited for");
        drop(go);
    }
}
