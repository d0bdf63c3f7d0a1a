//! Sums that do not depend on the order of what is added.

use serde::{Deserialize, Serialize};

/// Steps from 0 to 1.
const STEPS: f64 = 18_446_744_073_709_551_616.0; // 2⁶⁴

/// The sum of up to 2⁶⁴ numbers from 0 to 1, each cut off to a multiple of 2⁻⁶⁴. Whole numbers add up alike in any order, which
/// floating-point ones do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 2]", into = "[u64; 2]")]
pub(crate) struct UnitSum(u128);

impl UnitSum {
    /// Adds a number; what lies outside of 0 to 1 counts as the nearer end, and NaN as 0.
    pub(crate) fn add(&mut self, number: f64) {
        self.0 += (number.min(1.0) * STEPS) as u128; // the cast saturates at 0
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }

    /// The sum over a count; NaN over nothing.
    pub(crate) fn over(self, count: u64) -> f64 {
        self.0 as f64 / STEPS / count as f64
    }
}

/// Upper and lower half: not every format has numbers of 128 bits.
impl From<UnitSum> for [u64; 2] {
    fn from(UnitSum(sum): UnitSum) -> Self {
        [(sum >> 64) as u64, sum as u64]
    }
}

impl From<[u64; 2]> for UnitSum {
    fn from([upper, lower]: [u64; 2]) -> Self {
        Self(u128::from(upper) << 64 | u128::from(lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_same_sum() {
        let numbers: Vec<f64> = (1..1000).map(|i| 1.0 / f64::from(i)).collect();
        let (mut up, mut down) = (UnitSum::default(), UnitSum::default());
        numbers.iter().for_each(|&number| up.add(number));
        numbers.iter().rev().for_each(|&number| down.add(number));
        assert_eq!(up, down);
        assert!((up.over(1) - numbers.iter().sum::<f64>()).abs() < 1e-12);
    }

    #[test]
    fn the_ends_hold() {
        let mut sum = UnitSum::default();
        [2.0, -1.0, 1.0, 0.0].into_iter().for_each(|number| sum.add(number));
        assert_eq!(sum.over(4), 0.5);
        assert!(UnitSum::default().over(0).is_nan());
        sum.add(0.3);
        assert_eq!(UnitSum::from(<[u64; 2]>::from(sum)), sum);
    }
}
