//! The resources of one program, put together.

use serde::{Deserialize, Serialize};

use super::host::available_memory;
use super::{CpuScheduler, CpuUsage, MemoryPool, MemoryUsage, SharedMemory, SharedMemoryUsage};

/// The share of the available memory that is the budget unless said otherwise: half.
const DEFAULT_SHARE: u64 = 2;
/// The budget where the system does not tell what is available, in bytes.
const DEFAULT_HOST_BYTES: u64 = 2 << 30;

/// What a program may use, as a config file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceConfig {
    /// Budget of host memory in MiB; half of what is available when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_mib: Option<usize>,
    /// Cores; all that the process may use when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<usize>,
    /// Processes of a host with the same name share what they decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_name: Option<String>,
}

/// Host memory, threads and shared memory of one program; a [`DeviceAllocator`](super::DeviceAllocator) a backend comes beside it, since a
/// backend is a type. Clones share the same budgets.
///
/// # Example
/// ```
/// use mvl_core::{ResourceConfig, ResourceManager, Work};
/// let resources = ResourceManager::new(&ResourceConfig { host_mib: Some(64), cores: Some(2), shared_name: None });
/// let cache = resources.memory.reserve("cache", 16 << 20)?;
/// let decoders = resources.cpu.lease(Work::Decode, 0);
/// assert_eq!((resources.memory.free(), decoders.threads()), (48 << 20, 2));
/// assert_eq!(resources.usage().memory[0].name, "cache");
/// # Ok::<(), mvl_core::OverBudget>(())
/// ```
#[derive(Debug, Clone)]
pub struct ResourceManager {
    /// The budget of host memory.
    pub memory: MemoryPool,
    /// The threads.
    pub cpu: CpuScheduler,
    /// What is shared with other processes.
    pub shared: SharedMemory,
}

/// Everything that is in use, for people and machines to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceUsage {
    /// The budget of host memory in bytes.
    pub memory_budget_bytes: usize,
    /// Bytes of it that are taken.
    pub memory_used_bytes: usize,
    /// Who holds what of it.
    pub memory: Vec<MemoryUsage>,
    /// Cores to share.
    pub cores: usize,
    /// Threads by kind of work.
    pub threads: Vec<CpuUsage>,
    /// What lies in shared memory; `None` where it cannot be read.
    pub shared: Option<SharedMemoryUsage>,
}

impl ResourceManager {
    /// The resources that a config grants; what it leaves open is asked of the machine.
    #[must_use]
    pub fn new(config: &ResourceConfig) -> Self {
        let detected = || available_memory().map_or(DEFAULT_HOST_BYTES, |bytes| bytes / DEFAULT_SHARE) as usize;
        let bytes = config.host_mib.map_or_else(detected, |mib| mib.saturating_mul(1 << 20));
        Self {
            memory: MemoryPool::new(bytes),
            cpu: config.cores.map_or_else(CpuScheduler::detect, CpuScheduler::new),
            shared: SharedMemory::named(config.shared_name.as_deref().unwrap_or("default")),
        }
    }

    /// What is in use now.
    #[must_use]
    pub fn usage(&self) -> ResourceUsage {
        ResourceUsage {
            memory_budget_bytes: self.memory.budget(),
            memory_used_bytes: self.memory.used(),
            memory: self.memory.usage(),
            cores: self.cpu.cores(),
            threads: self.cpu.usage().to_vec(),
            shared: self.shared.usage().ok(),
        }
    }
}
