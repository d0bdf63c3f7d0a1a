//! The random numbers of `scripts/make_metric_goldens.py`.

/// Numbers in [0, 1), multiples of 2⁻²⁴, one after the other: number i is SplitMix64's output function at hash(key) + i, its top 24
/// bits.
pub(super) struct Draws {
    state: u64,
}

impl Draws {
    pub(super) fn new(key: &str) -> Self {
        let fnv1a = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self { state: key.bytes().fold(0xcbf2_9ce4_8422_2325, fnv1a) }
    }

    pub(super) fn unit(&mut self) -> f64 {
        let mut z = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state = self.state.wrapping_add(1);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / 16_777_216.0
    }

    /// A whole number from 0 to n - 1.
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// A whole number from `low` to `high`.
    pub(super) fn within(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// The same, for sizes.
    pub(super) fn size(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub(super) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A score: one of a few, or any when there are no levels.
    pub(super) fn level(&mut self, levels: usize) -> f64 {
        if levels > 0 { self.below(levels) as f64 / 64.0 } else { self.unit() }
    }

    /// How many different scores a case has; 0 for any number.
    pub(super) fn levels(&mut self) -> usize {
        [2, 8, 64, 0][self.below(4)]
    }
}
