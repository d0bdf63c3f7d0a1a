//! Devices of one backend, leased to jobs with a limit on their memory, watched through burn's reports of its memory pools.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;

use crate::{Backend, BackendError};

/// Leases the devices of a backend to jobs. Clones share the same devices.
///
/// A job without a limit has a device to itself. Jobs with a limit share one as long as their limits fit its memory.
///
/// # Example
/// ```
/// use mvl_core::{Cpu, DeviceAllocator};
/// let devices = DeviceAllocator::<Cpu>::new(None);
/// let training = devices.lease("training", None)?;
/// let busy = devices.lease("service", None).expect_err("the CPU is one device");
/// assert_eq!(busy.to_string(), "no free cpu device for service: device 0 is held by training");
/// drop(training);
/// assert_eq!(devices.lease("service", None)?.ordinal(), 0);
/// # Ok::<(), mvl_core::DeviceError>(())
/// ```
pub struct DeviceAllocator<B: Backend> {
    shared: Arc<Shared>,
    backend: PhantomData<B>,
}

struct Shared {
    /// Memory of each device in bytes, where it was told.
    memory_bytes: Option<u64>,
    /// The jobs on each device.
    jobs: Mutex<Vec<Vec<Job>>>,
}

#[derive(Clone)]
struct Job {
    id: u64,
    name: String,
    limit_bytes: Option<u64>,
}

/// What burn's allocator holds on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct DeviceMemory {
    /// Bytes of live allocations.
    pub in_use_bytes: u64,
    /// Bytes taken from the device, those kept for later among them.
    pub reserved_bytes: u64,
}

/// One device with its jobs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeviceUsage {
    /// The backend's name.
    pub backend: &'static str,
    /// The device's ordinal.
    pub ordinal: usize,
    /// Names of the jobs that hold it.
    pub jobs: Vec<String>,
    /// The sum of their limits, where all have one.
    pub limit_bytes: Option<u64>,
    /// What burn holds there; `None` where the backend does not tell, or nothing has used the device yet.
    pub memory: Option<DeviceMemory>,
}

/// Why a device cannot be had, or not be used on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// All devices are taken.
    #[error("no free {backend} device for {job}: {held}")]
    Busy {
        /// The backend.
        backend: &'static str,
        /// Who asked.
        job: String,
        /// Who holds what.
        held: String,
    },
    /// A job uses more than it was given.
    #[error("{job} is over its memory limit on {backend} device {ordinal}: {in_use} of {limit} bytes")]
    OverLimit {
        /// The backend.
        backend: &'static str,
        /// The device.
        ordinal: usize,
        /// The job.
        job: String,
        /// Bytes in use on the device.
        in_use: u64,
        /// The limit.
        limit: u64,
    },
    /// The machine lacks the device.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl<B: Backend> Clone for DeviceAllocator<B> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), backend: PhantomData }
    }
}

impl<B: Backend> fmt::Debug for DeviceAllocator<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAllocator").field("backend", &B::NAME).field("devices", &self.device_count()).finish()
    }
}

impl<B: Backend> DeviceAllocator<B> {
    /// All devices of this machine. `memory_bytes` is what each has, so that limits can be checked against it; burn does not tell.
    #[must_use]
    pub fn new(memory_bytes: Option<u64>) -> Self {
        let jobs = Mutex::new(vec![Vec::new(); B::device_count()]);
        Self { shared: Arc::new(Shared { memory_bytes, jobs }), backend: PhantomData }
    }

    /// How many devices there are.
    #[must_use]
    pub fn device_count(&self) -> usize {
        self.lock().len()
    }

    /// Leases the device with the fewest jobs on which this one fits.
    ///
    /// # Errors
    /// [`DeviceError::Busy`] when it fits on none; [`DeviceError::Backend`] when the machine has none.
    pub fn lease(&self, job: &str, limit_bytes: Option<u64>) -> Result<DeviceLease<B>, DeviceError> {
        let mut jobs = self.lock();
        let fits = |held: &[Job]| match limit_bytes {
            None => held.is_empty(),
            Some(limit) => {
                let sum = held.iter().try_fold(limit, |sum, job| sum.checked_add(job.limit_bytes?));
                sum.is_some_and(|sum| self.shared.memory_bytes.is_none_or(|memory| sum <= memory))
            }
        };
        let best = (0..jobs.len()).filter(|&ordinal| fits(&jobs[ordinal])).min_by_key(|&ordinal| jobs[ordinal].len());
        let Some(ordinal) = best else {
            B::device(0)?; // says what is missing when there is no device at all
            return Err(DeviceError::Busy { backend: B::NAME, job: job.to_owned(), held: describe(&jobs) });
        };
        let device = B::device(ordinal)?;
        let id = jobs.iter().flatten().map(|job| job.id + 1).max().unwrap_or(0);
        jobs[ordinal].push(Job { id, name: job.to_owned(), limit_bytes });
        drop(jobs);
        Ok(DeviceLease { allocator: self.clone(), id, name: job.to_owned(), ordinal, device, limit_bytes })
    }

    /// Every device with its jobs; burn is asked only about those that a job holds.
    #[must_use]
    pub fn usage(&self) -> Vec<DeviceUsage> {
        let usage = |(ordinal, jobs): (usize, &Vec<Job>)| DeviceUsage {
            backend: B::NAME,
            ordinal,
            jobs: jobs.iter().map(|job| job.name.clone()).collect(),
            limit_bytes: jobs.iter().map(|job| job.limit_bytes).sum::<Option<u64>>().filter(|_| !jobs.is_empty()),
            memory: B::device(ordinal).ok().filter(|_| !jobs.is_empty()).and_then(|device| memory_of(&device)),
        };
        self.lock().iter().enumerate().map(usage).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<Job>>> {
        self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who holds which device.
fn describe(jobs: &[Vec<Job>]) -> String {
    let names = |jobs: &[Job]| jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", ");
    let held = jobs.iter().enumerate().filter(|(_, jobs)| !jobs.is_empty());
    let held: Vec<_> = held.map(|(ordinal, jobs)| format!("device {ordinal} is held by {}", names(jobs))).collect();
    if held.is_empty() { "the limit is larger than a device".to_owned() } else { held.join("; ") }
}

fn memory_of(device: &Device) -> Option<DeviceMemory> {
    let usage = device.memory_pool_usage()?;
    Some(DeviceMemory { in_use_bytes: usage.bytes_in_use, reserved_bytes: usage.bytes_reserved })
}

/// A device held by a job, given back when this is dropped.
#[derive(Debug)]
pub struct DeviceLease<B: Backend> {
    allocator: DeviceAllocator<B>,
    id: u64,
    name: String,
    ordinal: usize,
    device: Device,
    limit_bytes: Option<u64>,
}

impl<B: Backend> DeviceLease<B> {
    /// The device, without autodiff.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Its ordinal.
    #[must_use]
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    /// What burn holds on the device; `None` where the backend does not tell.
    #[must_use]
    pub fn memory(&self) -> Option<DeviceMemory> {
        memory_of(&self.device)
    }

    /// Whether the job keeps to its limit, to be asked now and then, such as once an epoch. burn counts by device: on a shared one the
    /// sum of all limits counts.
    ///
    /// # Errors
    /// [`DeviceError::OverLimit`] when more is in use.
    pub fn check(&self) -> Result<(), DeviceError> {
        let limit = self.limit_bytes.and_then(|_| self.allocator.usage()[self.ordinal].limit_bytes);
        match (self.memory(), limit) {
            (Some(memory), Some(limit)) if memory.in_use_bytes > limit => Err(DeviceError::OverLimit {
                backend: B::NAME,
                ordinal: self.ordinal,
                job: self.name.clone(),
                in_use: memory.in_use_bytes,
                limit,
            }),
            _ => Ok(()),
        }
    }
}

impl<B: Backend> Drop for DeviceLease<B> {
    fn drop(&mut self) {
        self.allocator.lock()[self.ordinal].retain(|job| job.id != self.id);
    }
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;
    use crate::Cpu;

    #[test]
    fn limits_share_a_device_until_it_is_full() {
        let devices = DeviceAllocator::<Cpu>::new(Some(100));
        let first = devices.lease("first", Some(60)).expect("60 of 100");
        let second = devices.lease("second", Some(40)).expect("100 of 100");
        assert!(matches!(devices.lease("third", Some(1)), Err(DeviceError::Busy { .. })));
        assert!(matches!(devices.lease("fourth", None), Err(DeviceError::Busy { .. })));
        assert_eq!(devices.usage()[0].limit_bytes, Some(100));
        assert_eq!(devices.usage()[0].jobs, ["first", "second"]);
        assert!(first.check().is_ok(), "burn-flex has no pools to report");
        drop((first, second));
        let alone = devices.lease("alone", None).expect("free again");
        assert!(matches!(devices.lease("other", Some(1)), Err(DeviceError::Busy { .. })));
        drop(alone);
        let large = devices.lease("large", Some(101)).expect_err("more than there is");
        assert_eq!(large.to_string(), "no free cpu device for large: the limit is larger than a device");
    }
}
