//! [`SharedMemory`]: Triton's system-shared-memory extension. Clients on this machine leave tensors in POSIX shared memory and send only
//! where they are.
//!
//! On Linux such a region is a file under `/dev/shm`, which is read and written as one, so a client that shrinks it meanwhile causes an
//! error and nothing worse.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::ServiceError;

const FOLDER: &str = "/dev/shm";
/// The most regions.
const MAX_REGIONS: usize = 1024;

/// Where a request's tensor lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    name: String,
    offset: u64,
    bytes: u64,
}

/// A region that a client registered.
#[derive(Debug)]
struct Registered {
    key: String,
    offset: u64,
    bytes: u64,
    file: File,
}

/// What is told of a registered region.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct RegionStatus {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) offset: u64,
    pub(crate) byte_size: u64,
}

/// The regions that clients registered. Off unless it is allowed: whoever may ask may then read and write this machine's shared memory.
#[derive(Debug, Default)]
pub(crate) struct SharedMemory {
    allowed: bool,
    regions: RwLock<BTreeMap<String, Registered>>,
}

impl Region {
    /// From a tensor's parameters, if they name one.
    pub(crate) fn of(parameters: &Map<String, Value>) -> Result<Option<Self>, String> {
        let Some(name) = parameters.get("shared_memory_region") else { return Ok(None) };
        let name = name.as_str().ok_or("expected shared_memory_region to be a name")?.to_owned();
        let number = |key: &str| match parameters.get(key) {
            None => Ok(None),
            Some(value) => {
                value.as_u64().map(Some).ok_or(format!("expected {key} to be a count of bytes, got {value}"))
            }
        };
        let bytes = number("shared_memory_byte_size")?.ok_or("expected shared_memory_byte_size beside the region")?;
        Ok(Some(Self { name, offset: number("shared_memory_offset")?.unwrap_or(0), bytes }))
    }

    /// The parameters of an output that was put here.
    pub(crate) fn described(&self, bytes: usize) -> Value {
        serde_json::json!({
            "shared_memory_region": self.name, "shared_memory_offset": self.offset, "shared_memory_byte_size": bytes,
        })
    }
}

impl SharedMemory {
    pub(crate) fn new(allowed: bool) -> Self {
        Self { allowed, regions: RwLock::default() }
    }

    pub(crate) fn is_allowed(&self) -> bool {
        self.allowed
    }

    fn check_allowed(&self) -> Result<(), ServiceError> {
        match self.allowed {
            true => Ok(()),
            false => Err(ServiceError::unsupported("shared memory is off; start the server with --shared-memory")),
        }
    }

    /// Registers a region under a name.
    pub(crate) fn register(&self, name: &str, key: &str, offset: u64, bytes: u64) -> Result<(), ServiceError> {
        self.check_allowed()?;
        let plain = key.strip_prefix('/').unwrap_or(key);
        if plain.is_empty() || plain.contains(['/', '\0']) || plain.starts_with('.') {
            return Err(ServiceError::invalid(format!(
                "expected the key of a POSIX shared memory object, got {key:?}"
            )));
        }
        let cannot =
            |error: io::Error| ServiceError::invalid(format!("cannot open the shared memory object {key:?}: {error}"));
        let path = Path::new(FOLDER).join(plain);
        // A link would lead out of the folder.
        if !path.symlink_metadata().map_err(cannot)?.is_file() {
            return Err(ServiceError::invalid(format!("{key:?} is no shared memory object")));
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(cannot)?;
        let there = file.metadata().map_err(cannot)?.len();
        if offset.checked_add(bytes).is_none_or(|end| end > there) {
            return Err(ServiceError::invalid(format!(
                "expected a region within the {there} bytes of {key:?}, got {bytes} from {offset}"
            )));
        }
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        if regions.contains_key(name) {
            return Err(ServiceError::invalid(format!("the shared memory region {name:?} is registered already")));
        }
        if regions.len() >= MAX_REGIONS {
            return Err(ServiceError::invalid(format!("expected at most {MAX_REGIONS} shared memory regions")));
        }
        regions.insert(name.to_owned(), Registered { key: key.to_owned(), offset, bytes, file });
        Ok(())
    }

    /// Forgets one region, or all.
    pub(crate) fn unregister(&self, name: Option<&str>) -> Result<(), ServiceError> {
        self.check_allowed()?;
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        match name {
            Some(name) => drop(regions.remove(name)),
            None => regions.clear(),
        }
        Ok(())
    }

    /// One region, or all.
    pub(crate) fn status(&self, name: Option<&str>) -> Result<Vec<RegionStatus>, ServiceError> {
        self.check_allowed()?;
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = regions.iter().filter(|(known, _)| name.is_none_or(|name| name == known.as_str()));
        let status = wanted.map(|(name, region)| RegionStatus {
            name: name.clone(),
            key: region.key.clone(),
            offset: region.offset,
            byte_size: region.bytes,
        });
        let status: Vec<_> = status.collect();
        match (name, status.is_empty()) {
            (Some(name), true) => Err(ServiceError::not_found(format!("no shared memory region {name:?}"))),
            _ => Ok(status),
        }
    }

    /// The bytes of a tensor.
    pub(crate) fn read(&self, region: &Region) -> Result<Bytes, String> {
        self.in_region(region, region.bytes, |file, at| {
            let length = usize::try_from(region.bytes).map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            read_at(file, &mut bytes, at)?;
            Ok(Bytes::from(bytes))
        })
    }

    /// Leaves a tensor for the client.
    pub(crate) fn write(&self, region: &Region, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() as u64 > region.bytes {
            return Err(format!(
                "expected at most the region's {} bytes, the output has {}",
                region.bytes,
                bytes.len()
            ));
        }
        self.in_region(region, bytes.len() as u64, |file, at| write_at(file, bytes, at))
    }

    fn in_region<R>(
        &self,
        region: &Region,
        bytes: u64,
        act: impl FnOnce(&File, u64) -> io::Result<R>,
    ) -> Result<R, String> {
        self.check_allowed().map_err(|error| error.to_string())?;
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        let known = regions.get(&region.name).ok_or_else(|| format!("no shared memory region {:?}", region.name))?;
        if region.offset.checked_add(bytes).is_none_or(|end| end > known.bytes) {
            return Err(format!(
                "expected a place within the {} bytes of region {:?}, got {bytes} from {}",
                known.bytes, region.name, region.offset
            ));
        }
        act(&known.file, known.offset + region.offset)
            .map_err(|error| format!("shared memory region {:?}: {error}", region.name))
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Writes only where the file is: a client that has shrunk it would else get it larger than it knows.
#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    if file.metadata()?.len() < at + bytes.len() as u64 {
        return Err(io::Error::other("it is smaller than when it was registered"));
    }
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(not(unix))]
fn read_at(_file: &File, _bytes: &mut [u8], _at: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn write_at(_file: &File, _bytes: &[u8], _at: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
