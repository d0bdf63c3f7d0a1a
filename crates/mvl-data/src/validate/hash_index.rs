//! Finds hashes that differ in a few bits, without comparing each with each.
//!
//! The 64 bits are cut into one band more than bits may differ, so two hashes that are near agree in at least one band (the
//! pigeonhole principle; as in "multi-index hashing", Norouzi, Punjani and Fleet 2012, <https://arxiv.org/abs/1307.2982>). Only those
//! that share a band are compared.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

const BITS: u32 = u64::BITS;
/// The largest distance that an index is made for: with more, bands get so narrow that most hashes share one.
pub const MAX_DISTANCE_BITS: u32 = 8;

/// Hashes with the number of what each belongs to.
///
/// # Example
/// ```
/// let mut index = mvl_data::HashIndex::new(2);
/// index.insert(0b1111_0000, 7);
/// assert_eq!(index.nearest(0b1111_0011), Some((7, 2)));
/// assert_eq!(index.nearest(0b1111_0111), None);
/// ```
#[derive(Debug, Clone)]
pub struct HashIndex {
    distance: u32,
    /// Every hash once, with the first number that it was inserted with.
    entries: Vec<(u64, usize)>,
    /// The place in `entries` of each hash.
    exact: HashMap<u64, usize>,
    /// For each band, the places of the hashes with each value of it.
    bands: Vec<HashMap<u64, Vec<usize>>>,
}

impl HashIndex {
    /// An empty index that finds hashes which differ in at most `distance` bits.
    ///
    /// # Panics
    /// If `distance` is above [`MAX_DISTANCE_BITS`].
    #[must_use]
    pub fn new(distance: u32) -> Self {
        assert!(distance <= MAX_DISTANCE_BITS, "expected at most {MAX_DISTANCE_BITS} bits, got {distance}");
        let bands = vec![HashMap::new(); distance as usize + 1];
        Self { distance, entries: Vec::new(), exact: HashMap::new(), bands }
    }

    /// Adds a hash; of equal hashes the first keeps its number.
    pub fn insert(&mut self, hash: u64, number: usize) {
        let place = self.entries.len();
        let Entry::Vacant(vacant) = self.exact.entry(hash) else { return };
        vacant.insert(place);
        self.entries.push((hash, number));
        let count = self.bands.len();
        for (at, band) in self.bands.iter_mut().enumerate() {
            band.entry(value_of_band(hash, at, count)).or_default().push(place);
        }
    }

    /// The number of the nearest hash, and in how many bits it differs; among equally near ones that of the smallest number.
    #[must_use]
    pub fn nearest(&self, hash: u64) -> Option<(usize, u32)> {
        if let Some(&place) = self.exact.get(&hash) {
            return Some((self.entries[place].1, 0));
        }
        let count = self.bands.len();
        let sharing = self.bands.iter().enumerate().filter_map(|(at, band)| band.get(&value_of_band(hash, at, count)));
        let near = sharing.flatten().filter_map(|&place| {
            let (other, number) = self.entries[place];
            let distance = (hash ^ other).count_ones();
            (distance <= self.distance).then_some((distance, number))
        });
        near.min().map(|(distance, number)| (number, distance))
    }
}

/// The bits of one of `count` bands, which share all 64 as evenly as they can.
fn value_of_band(hash: u64, at: usize, count: usize) -> u64 {
    let border = |at: usize| BITS * at as u32 / count as u32;
    let (start, end) = (border(at), border(at + 1));
    let width = end - start;
    let mask = if width == BITS { u64::MAX } else { (1 << width) - 1 };
    hash >> start & mask
}

#[cfg(test)]
mod tests {
    use mvl_core::SampleRng;

    use super::*;

    #[test]
    fn finds_what_comparing_each_with_each_finds() {
        let mut rng = SampleRng::new([1, 2, 3, 4]);
        for distance in 0..=MAX_DISTANCE_BITS {
            let mut index = HashIndex::new(distance);
            let mut hashes: Vec<u64> = Vec::new();
            for number in 0..300 {
                // Half of them are neighbours of earlier ones.
                let hash = match hashes.get(rng.below(2 * number + 1)) {
                    Some(&near) => (0..rng.below(10)).fold(near, |hash, _| hash ^ 1 << rng.below(64)),
                    None => rng.next_u64(),
                };
                let all = hashes.iter().enumerate().map(|(number, other)| ((hash ^ other).count_ones(), number));
                let expected = all.filter(|(bits, _)| *bits <= distance).min().map(|(bits, number)| (number, bits));
                assert_eq!(index.nearest(hash), expected, "{distance} bits");
                index.insert(hash, number);
                hashes.push(hash);
            }
        }
    }

    #[test]
    fn bands_cover_every_bit_once() {
        for count in 1..=9 {
            let widths = (0..count).map(|at| value_of_band(u64::MAX, at, count).count_ones());
            assert_eq!(widths.sum::<u32>(), 64, "{count} bands");
        }
    }
}
