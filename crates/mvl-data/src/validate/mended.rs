//! The good samples of a data set, mended where that was decided.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Labels, Location, Record, Sample, SampleKey};

use super::fix::Fix;
use super::outcome::ValidationOutcome;
use crate::sources::{LabelledDataset, Split, Subset};

/// A data set without its quarantined samples, and with the others mended as they are loaded.
///
/// Records are those of the files and stay as they are; the fixes are applied to the decoded sample.
#[derive(Clone)]
pub struct Mended {
    good: Subset,
    fixes: Arc<[Arc<[Fix]>]>,
}

impl Mended {
    /// The good samples of a part that was validated.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when the data set has fewer samples than the one that was validated.
    pub fn new(
        dataset: Arc<dyn LabelledDataset>,
        split: Split,
        outcome: &ValidationOutcome,
    ) -> Result<Self, DataError> {
        let (indices, fixes): (Vec<_>, Vec<_>) =
            outcome.good(split).into_iter().map(|(index, fixes)| (index, Arc::from(fixes))).unzip();
        Ok(Self { good: Subset::new(dataset, indices)?, fixes: fixes.into() })
    }

    /// Where each sample lies in the whole data set.
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        self.good.indices()
    }

    /// What mends a sample, in this order; nothing for one that is good, or past the end.
    #[must_use]
    pub fn fixes(&self, index: usize) -> &[Fix] {
        self.fixes.get(index).map_or(&[], |fixes| fixes)
    }

    fn mend(&self, index: usize, sample: Sample) -> Sample {
        self.fixes(index).iter().fold(sample, |sample, fix| fix.apply(sample))
    }
}

impl fmt::Debug for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mended").field("good", &self.good).finish_non_exhaustive()
    }
}

impl Dataset<Sample> for Mended {
    fn len(&self) -> usize {
        self.good.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        Ok(self.mend(key.index, self.good.get(key)?))
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.good.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.good.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.good.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<Sample, DataError> {
        Ok(self.mend(key.index, self.good.make(key, record, fetch)?))
    }
}

impl LabelledDataset for Mended {
    fn labels(&self) -> &Labels {
        self.good.labels()
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.good.label_of(index)
    }
}
