//! The beginning of another sampler's epochs.

use std::sync::Arc;

use mvl_core::{Pick, Sampler};

/// The first so many picks of each epoch: short epochs of a long data set, which still come to other items each time.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{EveryItem, Order, Sampler};
/// let all = Arc::new(EveryItem::new(1_000_000, Order::Shuffled));
/// assert_eq!(mvl_data::Limited::new(all, 64).picks(0, 3).len(), 64);
/// ```
#[derive(Debug, Clone)]
pub struct Limited {
    sampler: Arc<dyn Sampler>,
    samples: usize,
}

impl Limited {
    /// At most so many samples an epoch.
    #[must_use]
    pub fn new(sampler: Arc<dyn Sampler>, samples: usize) -> Self {
        Self { sampler, samples }
    }
}

impl Sampler for Limited {
    fn len(&self) -> usize {
        self.sampler.len().min(self.samples)
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        let mut picks = self.sampler.picks(seed, epoch);
        picks.truncate(self.samples);
        picks
    }
}
