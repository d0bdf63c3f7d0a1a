//! Every class as often as every other, however many samples it has.

use std::collections::BTreeMap;

use mvl_core::{DataError, Pick, SampleRng, Sampler, sampler_rng};

use super::count_repeats;
use crate::sources::LabelledDataset;

/// Deals an epoch out to the classes in rounds, in which each class has one place.
///
/// Within a class the samples come in shuffled order, and in another one when they were all there. So the counts of any two
/// classes differ by one at most, and so do those of any two samples of a class. Samples without a class do not come.
///
/// # Example
/// ```
/// use mvl_core::Sampler;
/// use mvl_data::{ClassBalanced, Split, fashion_mnist_part};
/// let sampler = ClassBalanced::new(&fashion_mnist_part(Split::Test)?, 500)?; // 50 of each of ten classes
/// assert_eq!(sampler.picks(0, 0).len(), 500);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassBalanced {
    /// The samples of each class that has any.
    classes: Vec<Vec<usize>>,
    samples: usize,
}

impl ClassBalanced {
    /// Balances the classes of a data set; an epoch has so many samples.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when no sample has a class.
    pub fn new(dataset: &dyn LabelledDataset, samples: usize) -> Result<Self, DataError> {
        let mut classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for index in 0..dataset.len() {
            if let Some(class) = dataset.label_of(index) {
                classes.entry(class).or_default().push(index);
            }
        }
        if classes.is_empty() {
            let what = format!("expected samples with a class to balance, got none among {}", dataset.len());
            return Err(DataError::invalid(what));
        }
        Ok(Self { classes: classes.into_values().collect(), samples })
    }
}

impl Sampler for ClassBalanced {
    fn len(&self) -> usize {
        self.samples
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        let mut rng = sampler_rng(seed, epoch);
        let mut decks: Vec<Deck<'_>> = self.classes.iter().map(|members| Deck { members, left: Vec::new() }).collect();
        let mut indices = Vec::with_capacity(self.samples);
        while indices.len() < self.samples {
            let round = rng.permutation(decks.len()).into_iter().take(self.samples - indices.len());
            indices.extend(round.map(|class| decks[class].deal(&mut rng)));
        }
        count_repeats(indices.into_iter())
    }
}

/// The samples of a class on their way through an epoch.
struct Deck<'a> {
    members: &'a [usize],
    left: Vec<usize>,
}

impl Deck<'_> {
    fn deal(&mut self, rng: &mut SampleRng) -> usize {
        if self.left.is_empty() {
            self.left = rng.permutation(self.members.len());
        }
        self.left.pop().map(|place| self.members[place]).expect("a class has at least one sample")
    }
}
