//! Random numbers that depend on what is drawn for, never on who draws or when.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Which item, in which epoch, of which run: everything an augmentation may depend on.
///
/// The same key gives the same item, whatever the number of workers, ranks or restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampleKey {
    /// Index in the data set.
    pub index: usize,
    /// Epoch, from 0.
    pub epoch: usize,
    /// The run's seed.
    pub seed: u64,
    /// Which time this is that the epoch comes to the item, from 0; above 0 only for samplers that repeat.
    pub repeat: usize,
}

impl SampleKey {
    /// The key of an item that no augmentation touches.
    pub fn plain(index: usize) -> Self {
        Self { index, epoch: 0, seed: 0, repeat: 0 }
    }

    /// A generator of its own for each `stream`, so that one transform's draws do not shift another's.
    pub fn rng(&self, stream: u64) -> SampleRng {
        let epoch = self.epoch as u64 ^ (self.repeat as u64).rotate_left(32);
        SampleRng::new([self.seed, epoch, self.index as u64, stream])
    }
}

/// A small, portable random generator (ChaCha with 8 rounds): the same numbers on every machine and in every release.
#[derive(Debug, Clone)]
pub struct SampleRng(ChaCha8Rng);

impl SampleRng {
    /// A generator from four words of seed.
    pub fn new(words: [u64; 4]) -> Self {
        let mut seed = [0; 32];
        for (bytes, word) in seed.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..bound`, without bias (Lemire 2019, <https://arxiv.org/abs/1805.10941>).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "no number is below 0");
        let bound = bound as u64;
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A permutation of `0..len` (Fisher–Yates).
    pub fn permutation(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_apart_and_repeatable() {
        let key = SampleKey { index: 3, epoch: 1, seed: 7, repeat: 0 };
        assert_eq!(key.rng(0).next_u64(), key.rng(0).next_u64());
        assert_ne!(key.rng(0).next_u64(), key.rng(1).next_u64());
        assert_ne!(key.rng(0).next_u64(), SampleKey { repeat: 1, ..key }.rng(0).next_u64());
    }

    #[test]
    fn numbers_stay_the_same_between_releases() {
        let mut rng = SampleRng::new([1, 2, 3, 4]);
        assert_eq!(rng.permutation(6), PINNED_PERMUTATION);
    }

    /// Written down from the first release; a change breaks the promise that a seed repeats a run.
    const PINNED_PERMUTATION: [usize; 6] = [3, 2, 5, 4, 1, 0];

    #[test]
    fn below_covers_its_range_evenly() {
        let mut rng = SampleRng::new([0; 4]);
        let mut counts = [0; 5];
        for _ in 0..10_000 {
            counts[rng.below(5)] += 1;
        }
        assert!(counts.iter().all(|count| (1_850..2_150).contains(count)), "{counts:?}");
    }
}
