//! Strategies by name, as a config file lists them.

use std::path::PathBuf;

use mvl_core::{ByteSize, DataError, DataLoadStrategy, Location, ResourceManager};
use serde::{Deserialize, Serialize};

use super::usual::streamed;
use super::{Cached, DEFAULT_QUEUE_BYTES, MemoryMapped, Parallel, Prefetch, Sequential};

/// One strategy of a list, whose first is nearest to the store and whose last makes the items.
///
/// # Example
/// ```
/// use mvl_data::{LoaderConfig, StrategyConfig};
/// let strategy: Vec<StrategyConfig> = serde_json::from_str(r#"["memory_mapped", {"cached": {"memory_mib": 512, "decoded": true}}]"#)?;
/// let config = LoaderConfig { strategy, ..LoaderConfig::new(64) };
/// assert!(config.problems().is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum StrategyConfig {
    /// [`MemoryMapped`].
    MemoryMapped,
    /// [`Cached`] in memory.
    Cached {
        /// Budget in MiB.
        memory_mib: usize,
        /// Keeps pixels in place of image files.
        #[serde(default)]
        decoded: bool,
    },
    /// [`Cached`] on disk.
    CachedOnDisk {
        /// The folder, made where it is missing.
        folder: PathBuf,
        /// The most that the folder may hold, in MiB.
        disk_mib: u64,
        /// Tells this data set from others that are kept there.
        name: String,
        /// Keeps pixels in place of image files.
        #[serde(default)]
        decoded: bool,
    },
    /// [`Prefetch`].
    Prefetch {
        /// Budget for items that wait, in MiB.
        #[serde(default = "default_queue_mib")]
        queue_mib: usize,
    },
    /// `Streaming`, for other settings than its usual ones: records in an object store are fetched ahead without it too.
    #[cfg(feature = "remote")]
    Streaming {
        /// Budget for records that wait or are on their way, in MiB.
        #[serde(default = "default_read_ahead_mib")]
        read_ahead_mib: usize,
        /// Requests under way.
        #[serde(default = "default_requests")]
        requests: usize,
    },
    /// [`Sequential`]; comes last.
    Sequential,
    /// [`Parallel`]; comes last. Where neither is named, the loader's own settings for it count.
    Parallel {
        /// Threads; 0 is one a core.
        #[serde(default)]
        workers: usize,
        /// Budget for items that wait, in MiB.
        #[serde(default = "default_queue_mib")]
        queue_mib: usize,
    },
}

fn default_queue_mib() -> usize {
    DEFAULT_QUEUE_BYTES >> 20
}

#[cfg(feature = "remote")]
fn default_read_ahead_mib() -> usize {
    super::streaming::DEFAULT_READ_AHEAD_BYTES >> 20
}

#[cfg(feature = "remote")]
fn default_requests() -> usize {
    super::streaming::DEFAULT_REQUESTS
}

impl StrategyConfig {
    /// Every problem with a list, as `strategy[place]: what is wrong`; empty when it can be built.
    #[must_use]
    pub fn problems(steps: &[Self]) -> Vec<String> {
        let mut problems = Vec::new();
        for (place, step) in steps.iter().enumerate() {
            let mut problem = |what: &str| problems.push(format!("strategy[{place}]: {what}"));
            match step {
                Self::Sequential | Self::Parallel { .. } if place + 1 < steps.len() => {
                    problem("sequential and parallel make the items, so they come last");
                }
                Self::Cached { memory_mib: 0, .. } => problem("memory_mib: expected at least 1, got 0"),
                Self::CachedOnDisk { disk_mib: 0, .. } => problem("disk_mib: expected at least 1, got 0"),
                Self::CachedOnDisk { name, .. } if name.is_empty() => {
                    problem("name: expected a name for the data set, got none");
                }
                _ => {}
            }
        }
        problems
    }

    /// The strategies of a list, each around the next. Without one that makes the items, `workers` does. `place` is where one of the
    /// records lies: those in an object store are fetched ahead, inside of the strategies that are named. With `resources`, threads
    /// and memory are theirs: a cache in memory holds its budget from now on, items that wait hold theirs while an epoch is loaded.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with all [`problems`](Self::problems); [`DataError::Io`] when a cache's folder cannot be used;
    /// [`DataError::Other`] when a cache is over the memory budget.
    pub fn build<I: ByteSize + Send + 'static>(
        steps: &[Self],
        workers: Parallel,
        place: Option<&Location>,
        resources: Option<&ResourceManager>,
    ) -> Result<Box<dyn DataLoadStrategy<I>>, DataError> {
        let problems = Self::problems(steps);
        if !problems.is_empty() {
            return Err(DataError::invalid(format!("the strategies cannot run: {}", problems.join("; "))));
        }
        let within = |parallel: Parallel| resources.into_iter().fold(parallel, |parallel, all| parallel.within(all));
        #[cfg(feature = "remote")]
        let place = place.filter(|_| !steps.iter().any(|step| matches!(step, Self::Streaming { .. })));
        let (makes_items, around): (Box<dyn DataLoadStrategy<I>>, _) = match steps {
            [around @ .., Self::Sequential] => (streamed(place, Sequential), around),
            [around @ .., Self::Parallel { workers, queue_mib }] => {
                (streamed(place, within(Parallel::new(*workers).with_queue_bytes(bytes(*queue_mib)))), around)
            }
            around => (streamed(place, within(workers)), around),
        };
        around.iter().rev().try_fold(makes_items, |inner, step| step.around(inner, resources))
    }

    fn around<I: ByteSize + Send + 'static>(
        &self,
        inner: Box<dyn DataLoadStrategy<I>>,
        resources: Option<&ResourceManager>,
    ) -> Result<Box<dyn DataLoadStrategy<I>>, DataError> {
        let keep = |cached: Cached<_>, decoded| if decoded { cached.decoded() } else { cached };
        Ok(match self {
            Self::MemoryMapped => Box::new(MemoryMapped::new(inner)),
            Self::Cached { memory_mib, decoded } => {
                let cached = match resources {
                    None => Cached::in_memory(bytes(*memory_mib), inner),
                    Some(all) => {
                        let part = all.memory.part("cache", bytes(*memory_mib));
                        let over = |over| DataError::other("the cache cannot be had; give it less memory", over);
                        Cached::in_pool(&part.map_err(over)?, inner)
                    }
                };
                Box::new(keep(cached, *decoded))
            }
            Self::CachedOnDisk { folder, disk_mib, name, decoded } => {
                let limit = disk_mib.saturating_mul(1 << 20);
                Box::new(keep(Cached::on_disk(folder, limit, name.as_str(), inner)?, *decoded))
            }
            Self::Prefetch { queue_mib } => Box::new(Prefetch::new(inner).with_queue_bytes(bytes(*queue_mib))),
            #[cfg(feature = "remote")]
            Self::Streaming { read_ahead_mib, requests } => {
                let streaming = super::Streaming::new(inner).with_requests(*requests);
                Box::new(streaming.with_read_ahead_bytes(bytes(*read_ahead_mib)))
            }
            Self::Sequential | Self::Parallel { .. } => inner, // only last, where nothing is around it
        })
    }
}

fn bytes(mib: usize) -> usize {
    mib.saturating_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(json: &str) -> Vec<String> {
        StrategyConfig::problems(&serde_json::from_str::<Vec<StrategyConfig>>(json).expect("strategies"))
    }

    #[test]
    fn every_problem_is_told() {
        assert_eq!(
            problems(r#"["sequential", {"cached": {"memory_mib": 0}}, "memory_mapped", {"parallel": {}}]"#),
            [
                "strategy[0]: sequential and parallel make the items, so they come last",
                "strategy[1]: memory_mib: expected at least 1, got 0",
            ]
        );
        let disk = r#"[{"cached_on_disk": {"folder": "x", "disk_mib": 5, "name": ""}}]"#;
        assert_eq!(problems(disk), ["strategy[0]: name: expected a name for the data set, got none"]);
        assert!(problems("[]").is_empty());
        assert!(serde_json::from_str::<StrategyConfig>(r#"{"prefetch": {"queue": 1}}"#).is_err());
    }
}
