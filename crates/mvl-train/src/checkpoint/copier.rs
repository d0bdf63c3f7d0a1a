//! Copies of checkpoints are made by a thread of their own, so that a store that is away holds up neither training nor the disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use burn::tensor::Bytes;

use super::mirror::Mirror;
use super::writer::CheckpointNews;
use crate::TrainError;

/// The files of a checkpoint, shared.
type Files = Arc<Vec<(&'static str, bytes::Bytes)>>;

/// Copies the newest checkpoint it was given, and the newest best one; those before them are passed over.
#[derive(Debug)]
pub(super) struct Copier {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    mirror: Mirror,
    slots: Mutex<Slots>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Slots {
    best: Option<Files>,
    latest: Option<Files>,
    busy: bool,
    closed: bool,
    abandoned: bool,
    news: Vec<CheckpointNews>,
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, slots: MutexGuard<'a, Slots>) -> MutexGuard<'a, Slots> {
        self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner)
    }

    fn copy(&self, kind: &str, files: &Files) -> Option<CheckpointNews> {
        self.mirror.copy(kind, files).err().map(CheckpointNews::NotCopied)
    }
}

/// burn's bytes as others take them.
struct Owned(Bytes);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Copier {
    /// With a thread of its own, or copying at once when it is not to be in the background.
    pub(super) fn new(mirror: Mirror, background: bool) -> Result<Self, TrainError> {
        let shared = Arc::new(Shared { mirror, slots: Mutex::default(), changed: Condvar::new() });
        let spawn = |shared: Arc<Shared>| {
            thread::Builder::new().name("mvl-mirror".to_owned()).spawn(move || work(&shared)).map_err(|source| {
                TrainError::Other { what: "cannot start the thread for copies".to_owned(), source: source.into() }
            })
        };
        let thread = background.then(|| spawn(shared.clone())).transpose()?;
        Ok(Self { shared, thread })
    }

    /// Hands in a checkpoint.
    pub(super) fn submit(&self, files: Vec<(&'static str, Bytes)>, best: bool) {
        let share = |(name, bytes): (&'static str, Bytes)| (name, bytes::Bytes::from_owner(Owned(bytes)));
        let files: Files = Arc::new(files.into_iter().map(share).collect());
        if self.thread.is_none() {
            let kinds = if best { &["best", "latest"][..] } else { &["latest"] };
            let news: Vec<_> = kinds.iter().filter_map(|kind| self.shared.copy(kind, &files)).collect();
            self.shared.slots().news.extend(news);
            return;
        }
        let mut slots = self.shared.slots();
        if best {
            slots.best = Some(files.clone());
        }
        slots.latest = Some(files);
        drop(slots);
        self.shared.changed.notify_all();
    }

    pub(super) fn news(&self) -> Vec<CheckpointNews> {
        std::mem::take(&mut self.shared.slots().news)
    }

    /// Waits until all are copied or given up, or until a moment. Answers whether they are.
    pub(super) fn flush(&self, until: Option<Instant>) -> bool {
        let mut slots = self.shared.slots();
        while slots.busy || slots.best.is_some() || slots.latest.is_some() {
            slots = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return false,
                Some(left) => self.shared.changed.wait_timeout(slots, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.shared.wait(slots),
            };
        }
        true
    }

    /// Leaves what is under way to itself: the thread is not waited for any more.
    pub(super) fn abandon(&self) {
        self.shared.slots().abandoned = true;
    }
}

impl Drop for Copier {
    /// Waits until all are copied or given up.
    fn drop(&mut self) {
        let mut slots = self.shared.slots();
        slots.closed = true;
        let thread = self.thread.take().filter(|_| !slots.abandoned);
        drop(slots);
        self.shared.changed.notify_all();
        if let Some(thread) = thread {
            let _ = thread.join(); // a panic there was told on standard error
        }
    }
}

fn work(shared: &Shared) {
    loop {
        let mut slots = shared.slots();
        let (kind, files) = loop {
            if let Some(files) = slots.best.take() {
                break ("best", files);
            }
            match slots.latest.take() {
                Some(files) => break ("latest", files),
                None if slots.closed => return,
                None => slots = shared.wait(slots),
            }
        };
        slots.busy = true;
        drop(slots);
        let news = shared.copy(kind, &files);
        let mut slots = shared.slots();
        slots.busy = false;
        slots.news.extend(news);
        drop(slots);
        shared.changed.notify_all();
    }
}
