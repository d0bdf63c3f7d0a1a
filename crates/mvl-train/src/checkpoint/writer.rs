//! Checkpoints are written by a thread of their own, while training goes on.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[cfg(feature = "remote")]
use super::copier::Copier;
#[cfg(feature = "remote")]
use super::mirror::Mirror;
use super::{Checkpointer, Place, Snapshot};
use crate::TrainError;

/// Snapshots that wait while one is written; a third waits for room, so that memory is bounded.
const MOST_WAITING: usize = 2;

/// What came of a checkpoint.
#[derive(Debug)]
pub enum CheckpointNews {
    /// It is on the disk.
    Saved {
        /// The epoch it belongs to.
        epoch: usize,
        /// Its folder.
        path: PathBuf,
        /// Whether it is among the best.
        best: bool,
    },
    /// It could not be written; those before it are still there.
    Failed(TrainError),
    /// It is on the disk, but was not copied to the mirror.
    NotCopied(TrainError),
}

/// Writes checkpoints in the order they come, on a thread of its own or at once.
///
/// One that only is the latest gives way to a later one that comes before its turn: training is never held up by a slow disk for the sake
/// of a checkpoint that nobody would read.
#[derive(Debug)]
pub struct CheckpointWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    #[cfg(feature = "remote")]
    copier: Option<Arc<Copier>>,
}

struct Job {
    snapshot: Snapshot,
    places: Vec<Place>,
}

impl Job {
    fn is_latest_only(&self) -> bool {
        self.places.iter().all(|place| matches!(place, Place::Last { .. }))
    }
}

/// What does the work.
#[derive(Debug)]
struct Worker {
    checkpointer: Checkpointer,
    #[cfg(feature = "remote")]
    copier: Option<Arc<Copier>>,
}

#[derive(Debug)]
struct Shared {
    worker: Worker,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    busy: bool,
    closed: bool,
    news: Vec<CheckpointNews>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting.len()).field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
    }
}

impl CheckpointWriter {
    /// Writes to a run's folder: on a thread of its own, or within [`submit`](Self::submit) when it is not to be in the background.
    ///
    /// # Errors
    /// [`TrainError::Config`] when `mirror` is no address of a store; [`TrainError::Other`] when the system gives no thread.
    pub fn new(checkpointer: Checkpointer, mirror: Option<&str>, background: bool) -> Result<Self, TrainError> {
        #[cfg(feature = "remote")]
        let copier =
            mirror.map(|address| Copier::new(Mirror::parse(address)?, background).map(Arc::new)).transpose()?;
        #[cfg(feature = "remote")]
        let worker = Worker { checkpointer, copier: copier.clone() };
        #[cfg(not(feature = "remote"))]
        let worker = match mirror {
            None => Worker { checkpointer },
            Some(_) => {
                let problem = "checkpoints.mirror: this build has no object stores, build it with the feature `remote`";
                return Err(TrainError::Config { problems: vec![problem.to_owned()] });
            }
        };
        let shared = Arc::new(Shared { worker, queue: Mutex::default(), changed: Condvar::new() });
        let spawn = |shared: Arc<Shared>| {
            thread::Builder::new().name("mvl-checkpoints".to_owned()).spawn(move || work(&shared)).map_err(|source| {
                TrainError::Other { what: "cannot start the thread for checkpoints".to_owned(), source: source.into() }
            })
        };
        let thread = background.then(|| spawn(shared.clone())).transpose()?;
        Ok(Self {
            shared,
            thread,
            #[cfg(feature = "remote")]
            copier,
        })
    }

    /// Hands in a snapshot for these places. Waits only when two more are waiting already.
    pub fn submit(&self, snapshot: Snapshot, places: Vec<Place>) {
        let job = Job { snapshot, places };
        if self.thread.is_none() {
            let news = self.shared.worker.run(job);
            self.shared.queue().news.extend(news);
            return;
        }
        let mut queue = self.shared.queue();
        queue.waiting.retain(|waiting| !waiting.is_latest_only());
        while queue.waiting.len() >= MOST_WAITING {
            queue = self.shared.wait(queue);
        }
        queue.waiting.push_back(job);
        drop(queue);
        self.shared.changed.notify_all();
    }

    /// What came of checkpoints since this was last asked.
    pub fn news(&self) -> Vec<CheckpointNews> {
        let mut news = std::mem::take(&mut self.shared.queue().news);
        #[cfg(feature = "remote")]
        news.extend(self.copier.iter().flat_map(|copier| copier.news()));
        news.shrink_to_fit();
        news
    }

    /// Waits until all are written, at most so long. Answers whether they are.
    pub fn flush(&self, most: Option<Duration>) -> bool {
        let until = most.map(|most| Instant::now() + most);
        let mut queue = self.shared.queue();
        while queue.busy || !queue.waiting.is_empty() {
            queue = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return false,
                Some(left) => {
                    let waited = self.shared.changed.wait_timeout(queue, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.shared.wait(queue),
            };
        }
        drop(queue);
        #[cfg(feature = "remote")]
        if let Some(copier) = &self.copier {
            return copier.flush(until);
        }
        true
    }

    /// Leaves what is under way to itself: the thread is not waited for any more.
    pub(super) fn abandon(&mut self) {
        self.thread = None;
        #[cfg(feature = "remote")]
        self.copier.iter().for_each(|copier| copier.abandon());
    }
}

impl Drop for CheckpointWriter {
    /// Waits until all are written.
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there was told on standard error
        }
    }
}

/// What the thread does until there is nothing left and nothing will come.
fn work(shared: &Shared) {
    loop {
        let mut queue = shared.queue();
        let job = loop {
            match queue.waiting.pop_front() {
                Some(job) => break job,
                None if queue.closed => return,
                None => queue = shared.wait(queue),
            }
        };
        queue.busy = true;
        drop(queue);
        shared.changed.notify_all();
        let news = shared.worker.run(job);
        let mut queue = shared.queue();
        queue.busy = false;
        queue.news.extend(news);
        drop(queue);
        shared.changed.notify_all();
    }
}

impl Worker {
    fn run(&self, job: Job) -> Vec<CheckpointNews> {
        let Job { snapshot, places } = job;
        let epoch = snapshot.epoch();
        let files = match snapshot.encode() {
            Ok(files) => files,
            Err(error) => return vec![CheckpointNews::Failed(error)],
        };
        let saved = match self.checkpointer.save_files(&files, epoch, &places) {
            Ok(saved) => saved,
            Err(error) => return vec![CheckpointNews::Failed(error)],
        };
        let is_best = |place: &Place| matches!(place, Place::Best { .. });
        let news = places
            .iter()
            .zip(saved)
            .map(|(place, path)| CheckpointNews::Saved { epoch, path, best: is_best(place) })
            .collect();
        #[cfg(feature = "remote")]
        if let Some(copier) = &self.copier {
            copier.submit(files, places.iter().any(is_best));
        }
        news
    }
}
