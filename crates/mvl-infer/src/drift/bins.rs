//! [`Bins`]: into which of a few bins a value goes.

use serde::{Deserialize, Serialize};

/// Into which of a few bins a value goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Ascending edges; a value at an edge belongs above it. One bin more than edges.
    Edges(Vec<f32>),
    /// Classes that have a bin each; all others share the last one.
    Classes(Vec<usize>),
}

/// Bins of values: ten, which is what the thresholds that are usual for the index were found with.
const QUANTILES: usize = 10;
/// Classes that have a bin of their own.
const OWN_CLASSES: usize = 20;

impl Bins {
    /// Ten bins that hold about as many values each; fewer where many values are the same.
    pub(super) fn quantiles(mut values: Vec<f32>) -> Self {
        values.sort_by(f32::total_cmp);
        let at = |part: usize| values.get(part * values.len() / QUANTILES).copied();
        let mut edges: Vec<f32> = (1..QUANTILES).filter_map(at).collect();
        edges.dedup();
        if let [only] = edges[..] {
            edges.push(only.next_up()); // all the same: below, the same, above
        }
        Self::Edges(edges)
    }

    /// The classes that come most often.
    pub(super) fn frequent(classes: &[usize]) -> Self {
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        classes.iter().for_each(|&class| *counts.entry(class).or_default() += 1);
        let mut counts: Vec<(usize, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|&(class, count)| (std::cmp::Reverse(count), class));
        Self::Classes(counts.into_iter().take(OWN_CLASSES).map(|(class, _)| class).collect())
    }

    /// How many bins there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len() + 1,
            Self::Classes(classes) => classes.len() + 1,
        }
    }

    /// The bin of a value; not a number is the last one.
    pub(super) fn of_value(&self, value: f32) -> usize {
        match self {
            Self::Edges(edges) => edges.partition_point(|edge| edge.total_cmp(&value).is_le()),
            Self::Classes(_) => self.count() - 1,
        }
    }

    /// The bin of a class.
    pub(super) fn of_class(&self, class: usize) -> usize {
        match self {
            Self::Classes(classes) => classes.iter().position(|&known| known == class).unwrap_or(classes.len()),
            Self::Edges(_) => self.count() - 1,
        }
    }

    /// What is wrong with bins that were read.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Edges(edges) if !edges.iter().all(|edge| edge.is_finite()) => Some("expected finite edges"),
            Self::Edges(edges) if !edges.is_sorted_by(|a, b| a < b) => Some("expected ascending edges"),
            _ if self.count() > usize::from(u8::MAX) => Some("expected at most 255 bins"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_hold_as_many_values_each() {
        let values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        let bins = Bins::quantiles(values.clone());
        let mut counts = vec![0; bins.count()];
        values.iter().for_each(|&value| counts[bins.of_value(value)] += 1);
        assert_eq!(counts, [100; 10]);
        let same = Bins::quantiles(vec![3.0; 50]);
        assert_eq!([2.9, 3.0, 3.1, f32::NAN].map(|value| same.of_value(value)), [0, 1, 2, 2]);
    }

    #[test]
    fn frequent_classes_have_bins_of_their_own() {
        let bins = Bins::frequent(&[7, 7, 3, 3, 3, 9]);
        assert_eq!(bins, Bins::Classes(vec![3, 7, 9]));
        assert_eq!([3, 7, 9, 0].map(|class| bins.of_class(class)), [0, 1, 2, 3]);
    }
}
