//! Who may use how much of the machine: host memory, threads, devices, memory shared between processes.
//!
//! A [`ResourceManager`] is made once in a program and handed around; its parts can be used alone. Nothing here is enforced by the
//! operating system: what asks before it takes is what stays within the budget, and all of it can be looked at.

mod cpu_scheduler;
mod device_allocator;
mod host;
mod manager;
mod memory_pool;
mod process_memory;
mod shared_memory;

pub use cpu_scheduler::{CpuLease, CpuScheduler, CpuUsage, Work};
pub use device_allocator::{DeviceAllocator, DeviceError, DeviceLease, DeviceMemory, DeviceUsage};
pub use manager::{ResourceConfig, ResourceManager, ResourceUsage};
pub use memory_pool::{MemoryPool, MemoryUsage, OverBudget, Reservation};
pub use process_memory::{peak_bytes, resident_bytes};
pub use shared_memory::{SharedMemory, SharedMemoryUsage};
