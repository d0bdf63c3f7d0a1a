//! Which trials are worth more epochs.
//!
//! # Source
//! Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning", <https://arxiv.org/abs/1810.05934>, algorithm 2.

/// Epochs after which trials are compared, the last being the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rungs {
    epochs: Vec<usize>,
    reduction: usize,
}

/// A trial as far as its rungs are concerned: what it came to on each so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Climb {
    /// Figures of the rungs it has reached; more is better. What is not a number failed there and goes no further.
    pub(crate) figures: Vec<f64>,
    /// Whether it is being trained.
    pub(crate) busy: bool,
}

impl Rungs {
    /// One rung: every trial is trained to the end.
    pub(crate) fn only(epochs: usize) -> Self {
        Self { epochs: vec![epochs], reduction: 2 }
    }

    /// From `first` epochs by factors of `reduction` to `last`.
    pub(crate) fn growing(first: usize, reduction: usize, last: usize) -> Self {
        let grown = std::iter::successors(Some(first.max(1)), |epochs| epochs.checked_mul(reduction));
        let mut epochs: Vec<usize> = grown.take_while(|epochs| *epochs < last).collect();
        epochs.push(last);
        Self { epochs, reduction }
    }

    /// Epochs up to the end of a rung.
    pub(crate) fn epochs(&self, rung: usize) -> usize {
        self.epochs[rung.min(self.epochs.len() - 1)]
    }

    /// The next trial to go on with, from the highest rung down: one that is among the best of its rung, and has not gone on.
    pub(crate) fn promotable(&self, trials: &[Climb]) -> Option<usize> {
        (0..self.epochs.len() - 1).rev().find_map(|rung| {
            let mut there: Vec<(usize, f64)> = trials
                .iter()
                .enumerate()
                .filter_map(|(number, trial)| Some((number, *trial.figures.get(rung)?)))
                .collect();
            there.sort_by(|a, b| order(b.1, a.1).then(a.0.cmp(&b.0)));
            let best = there.len() / self.reduction;
            let goes_on = |number: &usize| {
                let trial = &trials[*number];
                trial.figures.len() == rung + 1 && !trial.busy && !trial.figures[rung].is_nan()
            };
            there.into_iter().take(best).map(|(number, _)| number).find(goes_on)
        })
    }
}

/// What is not a number is below all others.
fn order(a: f64, b: f64) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn climb(figures: &[f64]) -> Climb {
        Climb { figures: figures.to_vec(), busy: false }
    }

    #[test]
    fn rungs_grow_to_the_whole_run() {
        assert_eq!(Rungs::growing(1, 3, 20).epochs, [1, 3, 9, 20]);
        assert_eq!(Rungs::growing(30, 3, 20).epochs, [20]);
        assert_eq!(Rungs::only(5).promotable(&[climb(&[0.1]), climb(&[0.2])]), None);
    }

    #[test]
    fn the_best_of_each_rung_go_on_from_the_top() {
        let rungs = Rungs::growing(1, 3, 9);
        let mut trials = vec![climb(&[0.1]), climb(&[0.5]), climb(&[f64::NAN])];
        assert_eq!(rungs.promotable(&trials), Some(1));
        trials[1].busy = true;
        assert_eq!(rungs.promotable(&trials), None, "one of three");
        trials.extend([climb(&[0.7]), climb(&[0.3]), climb(&[0.2])]);
        assert_eq!(rungs.promotable(&trials), Some(3), "two of six");
        trials[1] = climb(&[0.5, 0.6]);
        trials[3] = climb(&[0.7, 0.65]);
        trials.push(climb(&[0.1, 0.1]));
        assert_eq!(rungs.promotable(&trials), Some(3), "one of three on the second rung");
        trials[3].figures.push(0.9);
        assert_eq!(rungs.promotable(&trials), None);
    }
}
