//! Threads of a machine, shared out between decoding, computing and waiting for disks and networks.
//!
//! Decoding and computing keep a core busy, so their threads together stay within the cores; threads that wait for bytes may
//! be several a core. A lease always has a thread, even when all cores are taken: work goes on, slower.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Threads that wait for bytes, a core.
const IO_THREADS_A_CORE: usize = 8;

/// What a thread is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Decoding and transforming images.
    Decode,
    /// The models' own arithmetic on the CPU.
    Compute,
    /// Waiting for disks and networks.
    Io,
}

impl Work {
    /// All kinds, in the order in which they are reported.
    pub const ALL: [Self; 3] = [Self::Decode, Self::Compute, Self::Io];
}

/// Shares threads out. Clones share the same machine.
///
/// # Example
/// ```
/// use mvl_core::{CpuScheduler, Work};
/// let cpu = CpuScheduler::new(4);
/// let decoders = cpu.lease(Work::Decode, 3);
/// let compute = cpu.lease(Work::Compute, 0); // whatever is left
/// assert_eq!((decoders.threads(), compute.threads()), (3, 1));
/// ```
#[derive(Clone)]
pub struct CpuScheduler(Arc<Shared>);

struct Shared {
    cores: usize,
    /// In the order of [`Work::ALL`].
    leased: Mutex<[usize; 3]>,
}

/// How many threads one kind of work has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CpuUsage {
    /// The kind.
    pub work: Work,
    /// Threads that are leased.
    pub threads: usize,
}

impl CpuScheduler {
    /// Shares out this many cores, at least one.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        Self(Arc::new(Shared { cores: cores.max(1), leased: Mutex::default() }))
    }

    /// Shares out the cores that this process may use.
    #[must_use]
    pub fn detect() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }

    /// How many cores there are to share.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.0.cores
    }

    /// Threads for a kind of work: as many as wanted where they are free, fewer where they are not, never none. 0 asks for all that
    /// are free.
    #[must_use]
    pub fn lease(&self, work: Work, wanted: usize) -> CpuLease {
        let mut leased = self.lock();
        let [decode, compute, io] = *leased;
        let free = match work {
            Work::Decode | Work::Compute => self.0.cores.saturating_sub(decode + compute),
            Work::Io => (self.0.cores * IO_THREADS_A_CORE).saturating_sub(io),
        };
        let wanted = if wanted == 0 { free } else { wanted };
        let threads = wanted.min(free).max(1);
        leased[work as usize] += threads;
        drop(leased);
        CpuLease { scheduler: self.clone(), work, threads }
    }

    /// Who has how many threads.
    #[must_use]
    pub fn usage(&self) -> [CpuUsage; 3] {
        let leased = *self.lock();
        Work::ALL.map(|work| CpuUsage { work, threads: leased[work as usize] })
    }

    fn lock(&self) -> MutexGuard<'_, [usize; 3]> {
        self.0.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CpuScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuScheduler").field("cores", &self.cores()).field("usage", &self.usage()).finish()
    }
}

/// Threads of one kind of work, given back when this is dropped.
#[derive(Debug)]
pub struct CpuLease {
    scheduler: CpuScheduler,
    work: Work,
    threads: usize,
}

impl CpuLease {
    /// How many threads; at least one.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// What they are for.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }
}

impl Drop for CpuLease {
    fn drop(&mut self) {
        self.scheduler.lock()[self.work as usize] -= self.threads;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_threads_stay_within_the_cores_and_nobody_goes_without() {
        let cpu = CpuScheduler::new(2);
        let decode = cpu.lease(Work::Decode, 8);
        assert_eq!(decode.threads(), 2);
        let compute = cpu.lease(Work::Compute, 0);
        assert_eq!(compute.threads(), 1, "there is none left, but work goes on");
        drop(decode);
        assert_eq!(cpu.lease(Work::Decode, 0).threads(), 1);
        assert_eq!(cpu.lease(Work::Io, 100).threads(), 2 * IO_THREADS_A_CORE);
        drop(compute);
        assert_eq!(cpu.usage().map(|usage| usage.threads), [0; 3]);
    }
}
