//! A validation part in which every class has its share.

use std::collections::BTreeMap;

use mvl_core::SampleRng;

use super::LabelledDataset;

/// Keeps these draws apart from those of samples and epochs.
const SPLIT_STREAM: u64 = u64::from_le_bytes(*b"holdout\0");

/// Divides a data set into training and held-out indices, class by class; both come sorted.
///
/// Of every class the share `holdout` is held out, rounded, but at least one of two and never all; of a class with a single
/// sample nothing is. Samples without a class count as one more class. The same seed gives the same division, and what becomes
/// of one class does not depend on the others. `holdout` is clamped to 0 … 1; 0 holds nothing out.
///
/// # Example
/// ```
/// use mvl_data::{Split, fashion_mnist_part, split_balanced};
/// let (train, held_out) = split_balanced(&fashion_mnist_part(Split::Test)?, 0.25, 7);
/// assert_eq!((train.len(), held_out.len()), (1_500, 500));
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[must_use]
pub fn split_balanced(dataset: &dyn LabelledDataset, holdout: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let holdout = if holdout > 0.0 { holdout.min(1.0) } else { 0.0 }; // not a number is 0
    let mut classes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for index in 0..dataset.len() {
        classes.entry(dataset.label_of(index)).or_default().push(index);
    }
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    for (class, members) in classes {
        let class = class.map_or(u64::MAX, |class| class as u64);
        let order = SampleRng::new([seed, class, 0, SPLIT_STREAM]).permutation(members.len());
        let mut mixed = order.into_iter().map(|place| members[place]);
        held_out.extend(mixed.by_ref().take(share(members.len(), holdout)));
        train.extend(mixed);
    }
    train.sort_unstable();
    held_out.sort_unstable();
    (train, held_out)
}

/// How many of a class are held out.
fn share(members: usize, holdout: f64) -> usize {
    if holdout == 0.0 || members < 2 {
        return 0;
    }
    ((members as f64 * holdout).round() as usize).clamp(1, members - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_within_bounds() {
        let cases = [(0, 0.5, 0), (1, 0.9, 0), (2, 0.01, 1), (2, 1.0, 1), (10, 0.25, 3), (10, 0.0, 0), (7, 1.0, 6)];
        for (members, holdout, expected) in cases {
            assert_eq!(share(members, holdout), expected, "{members} members, {holdout}");
        }
    }
}
