//! Per class: how often it was right, told, and true. All overlap measures are ratios of these three.

use serde::{Deserialize, Serialize};

/// Counts by class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClassCounts {
    classes: Vec<Counts>,
}

/// Of one class, or of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Told and true.
    pub(crate) right: u64,
    /// Told.
    pub(crate) told: u64,
    /// True.
    pub(crate) truth: u64,
}

impl Counts {
    /// 0 where nothing was told.
    pub(crate) fn precision(self) -> f64 {
        ratio(self.right, self.told)
    }

    /// 0 where nothing was true.
    pub(crate) fn recall(self) -> f64 {
        ratio(self.right, self.truth)
    }

    /// The harmonic mean of both, which is Dice's coefficient too.
    pub(crate) fn f1(self) -> f64 {
        ratio(2 * self.right, self.told + self.truth)
    }

    /// The intersection of what was told and what is true over their union.
    pub(crate) fn iou(self) -> f64 {
        ratio(self.right, self.told + self.truth - self.right)
    }

    fn is_seen(self) -> bool {
        self.told + self.truth > 0
    }

    fn merge(&mut self, other: Self) {
        self.right += other.right;
        self.told += other.told;
        self.truth += other.truth;
    }
}

/// 0 for nothing out of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl ClassCounts {
    pub(crate) fn new(classes: usize) -> Self {
        Self { classes: vec![Counts::default(); classes] }
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The counts of a class.
    ///
    /// # Panics
    /// If there is no such class.
    pub(crate) fn of(&self, class: usize) -> Counts {
        self.classes[class]
    }

    /// Counts one answer; a class past the end, or none, is told or true of nothing.
    pub(crate) fn add(&mut self, told: Option<usize>, truth: Option<usize>) {
        if let Some(counts) = told.and_then(|class| self.classes.get_mut(class)) {
            counts.told += 1;
            counts.right += u64::from(told == truth);
        }
        if let Some(counts) = truth.and_then(|class| self.classes.get_mut(class)) {
            counts.truth += 1;
        }
    }

    /// All classes together.
    pub(crate) fn total(&self) -> Counts {
        self.classes.iter().fold(Counts::default(), |mut total, &counts| {
            total.merge(counts);
            total
        })
    }

    /// The mean over classes that were told or true; NaN when there are none.
    pub(crate) fn mean(&self, figure: impl Fn(Counts) -> f64) -> f64 {
        let seen: Vec<f64> =
            self.classes.iter().filter(|counts| counts.is_seen()).map(|&counts| figure(counts)).collect();
        seen.iter().sum::<f64>() / seen.len() as f64
    }

    /// The mean over classes, each weighted by how often it is true; NaN when none is.
    pub(crate) fn weighted_mean(&self, figure: impl Fn(Counts) -> f64) -> f64 {
        let sum: f64 = self.classes.iter().map(|&counts| counts.truth as f64 * figure(counts)).sum();
        sum / self.total().truth as f64
    }

    /// Adds another's counts.
    ///
    /// # Panics
    /// If it has other classes.
    pub(crate) fn merge(&mut self, other: &Self) {
        assert_eq!(self.classes(), other.classes(), "tallies of other classes cannot be merged");
        self.classes.iter_mut().zip(&other.classes).for_each(|(ours, &theirs)| ours.merge(theirs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut counts = ClassCounts::new(3);
        for (told, truth) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
            counts.add(Some(told), Some(truth));
        }
        assert_eq!(counts.of(1), Counts { right: 2, told: 2, truth: 3 });
        assert_eq!((counts.of(0).precision(), counts.of(1).f1(), counts.of(1).iou()), (0.5, 0.8, 2.0 / 3.0));
        assert_eq!(counts.mean(Counts::precision), 0.75, "class 2 was not seen");
        assert_eq!(counts.weighted_mean(Counts::recall), 0.75);
    }
}
