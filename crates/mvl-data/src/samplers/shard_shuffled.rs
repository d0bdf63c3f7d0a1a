//! A shuffle that reads shards from front to back.

use mvl_core::{DataError, Dataset, Pick, Sampler, sampler_rng};

/// Shuffles the shards of a data set, then the items within a moving window.
///
/// Reading in this order goes through one shard after the other, so that a stream can be read ahead in large pieces; an item
/// comes at most about a window's length from its neighbours. Items of one shard stay close, so the window should hold several shards
/// where shards were not written in random order.
///
/// # Example
/// ```
/// use mvl_core::Sampler;
/// let sampler = mvl_data::ShardShuffled::new(&[3, 3], 1)?; // two shards of three items, no window
/// let first: Vec<usize> = sampler.picks(0, 0).iter().take(3).map(|pick| pick.index).collect();
/// assert!(first == [0, 1, 2] || first == [3, 4, 5]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
///
/// # Source
/// WebDataset's `shardshuffle` and `shuffle` buffer, <https://github.com/webdataset/webdataset>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardShuffled {
    /// The first item of each shard.
    starts: Vec<usize>,
    len: usize,
    window: usize,
}

impl ShardShuffled {
    /// Shards with so many items each, in the data set's order. A window of 0 or 1 leaves the items of a shard in order.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when there are more items than can be numbered.
    pub fn new(shard_lens: &[usize], window: usize) -> Result<Self, DataError> {
        let (mut starts, mut len) = (Vec::with_capacity(shard_lens.len()), 0_usize);
        for &shard_len in shard_lens {
            starts.push(len);
            len = len.checked_add(shard_len).ok_or_else(|| DataError::invalid("the shards hold too many items"))?;
        }
        Ok(Self { starts, len, window })
    }

    /// The shards of a data set: items in a row that lie in the same object.
    #[must_use]
    pub fn of<I>(dataset: &dyn Dataset<I>, window: usize) -> Self {
        let object = |index| dataset.location(index).map(|location| location.object);
        let (mut starts, mut current) = (Vec::new(), None);
        for index in 0..dataset.len() {
            let object = object(index);
            if index == 0 || object != current {
                starts.push(index);
                current = object;
            }
        }
        Self { starts, len: dataset.len(), window }
    }
}

impl Sampler for ShardShuffled {
    fn len(&self) -> usize {
        self.len
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        let mut rng = sampler_rng(seed, epoch);
        let shards = rng.permutation(self.starts.len());
        let end = |shard: usize| self.starts.as_slice().get(shard + 1).copied().unwrap_or(self.len);
        let mut window: Vec<usize> = Vec::new();
        let mut picks = Vec::with_capacity(self.len);
        for index in shards.into_iter().flat_map(|shard| self.starts[shard]..end(shard)) {
            if window.len() < self.window.max(1) {
                window.push(index);
            } else {
                let place = rng.below(window.len());
                picks.push(Pick::once(std::mem::replace(&mut window[place], index)));
            }
        }
        picks.extend(rng.permutation(window.len()).into_iter().map(|place| Pick::once(window[place])));
        picks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_near_their_shard() {
        let sampler = ShardShuffled::new(&[100; 50], 200).expect("few");
        let picks = sampler.picks(1, 0);
        // A window's worth of places reads from few shards: those in the window, and the ones that come in meanwhile.
        for places in picks.chunks(100) {
            let mut shards: Vec<usize> = places.iter().map(|pick| pick.index / 100).collect();
            shards.sort_unstable();
            shards.dedup();
            assert!(shards.len() <= 20, "{} shards within 100 places", shards.len());
        }
        let in_order = picks.windows(2).filter(|pair| pair[1].index == pair[0].index + 1).count();
        assert!(in_order < 200, "{in_order} of 5000 items follow their neighbour");
    }
}
