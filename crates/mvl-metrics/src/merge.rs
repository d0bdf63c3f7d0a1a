//! Tallies of several ranks become one.

/// A tally that takes in another one of the same settings, after which it is as if it had seen the other's samples too.
///
/// # Example
/// ```
/// use mvl_core::Metric;
/// use mvl_metrics::{BinaryAuroc, Merge};
/// let mut ranks = [BinaryAuroc::new(), BinaryAuroc::new()];
/// ranks[0].update(&[0.9, 0.4], &[true, false]);
/// ranks[1].update(&[0.6, 0.1], &[false, true]);
/// let whole = ranks.into_iter().reduce(|mut all, rank| { all.merge(rank); all }).expect("two ranks");
/// assert_eq!(whole.compute(), [("auroc".to_owned(), 0.5)]);
/// ```
pub trait Merge: Sized {
    /// Takes in what the other has gathered.
    ///
    /// # Panics
    /// If the two have other settings: classes, bins, tolerances …
    fn merge(&mut self, other: Self);
}
