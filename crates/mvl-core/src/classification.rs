//! The answer of a classifier for one image.

use std::cmp::Ordering;

/// Class probabilities of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    probabilities: Vec<f32>,
}

/// One class of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredClass {
    /// Class index.
    pub index: usize,
    /// 0 to 1.
    pub probability: f32,
}

impl Classification {
    /// Probabilities in class order.
    pub fn new(probabilities: Vec<f32>) -> Self {
        Self { probabilities }
    }

    /// Probabilities in class order.
    pub fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }

    /// The likeliest class, the lowest index among equals; `None` without classes.
    pub fn best(&self) -> Option<usize> {
        (0..self.probabilities.len()).min_by(|&a, &b| self.order(a, b))
    }

    /// The `k` likeliest classes, likeliest first.
    pub fn top(&self, k: usize) -> Vec<ScoredClass> {
        let mut order: Vec<usize> = (0..self.probabilities.len()).collect();
        order.sort_by(|&a, &b| self.order(a, b));
        let scored = |index| ScoredClass { index, probability: self.probabilities[index] };
        order.into_iter().take(k).map(scored).collect()
    }

    /// How many classes are likelier than `class`; `None` past the end.
    pub fn rank_of(&self, class: usize) -> Option<usize> {
        (class < self.probabilities.len())
            .then(|| (0..self.probabilities.len()).filter(|&other| self.order(other, class) == Ordering::Less).count())
    }

    /// Likelier first, then the lower index.
    fn order(&self, a: usize, b: usize) -> Ordering {
        self.probabilities[b].total_cmp(&self.probabilities[a]).then(a.cmp(&b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeliest_first_and_ties_by_index() {
        let answer = Classification::new(vec![0.2, 0.4, 0.4]);
        assert_eq!(answer.top(2).iter().map(|class| class.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((answer.best(), answer.rank_of(0), answer.rank_of(3)), (Some(1), Some(2), None));
    }
}
