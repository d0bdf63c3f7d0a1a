//! Some samples of a data set, in a given order.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Labels, Location, Record, Sample, SampleKey};

use super::{LabelledDataset, past_the_end};

/// A data set restricted to some of its samples.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::Dataset;
/// use mvl_data::{LabelledDataset, Split, Subset, fashion_mnist_part, split_balanced};
/// let all: Arc<dyn LabelledDataset> = Arc::new(fashion_mnist_part(Split::Test)?);
/// let (train, held_out) = split_balanced(&*all, 0.1, 0);
/// let held_out = Subset::new(all, held_out)?;
/// assert_eq!(held_out.len(), 200);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Clone)]
pub struct Subset {
    dataset: Arc<dyn LabelledDataset>,
    indices: Arc<[usize]>,
}

impl Subset {
    /// The samples with these indices, in this order.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when an index is past the end.
    pub fn new(dataset: Arc<dyn LabelledDataset>, indices: impl Into<Arc<[usize]>>) -> Result<Self, DataError> {
        let indices = indices.into();
        let len = dataset.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(&index) => Err(past_the_end(index, len)),
            None => Ok(Self { dataset, indices }),
        }
    }

    /// The index in the whole data set.
    fn whole(&self, index: usize) -> Result<usize, DataError> {
        self.indices.get(index).copied().ok_or_else(|| past_the_end(index, self.indices.len()))
    }

    /// Where each sample lies in the whole data set.
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl fmt::Debug for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subset").field("len", &self.indices.len()).field("of", &self.dataset.len()).finish()
    }
}

impl Dataset<Sample> for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        self.dataset.get(SampleKey { index: self.whole(key.index)?, ..key })
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.dataset.location(*self.indices.get(index)?)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.dataset.record(self.whole(index)?, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.dataset.fetch(self.whole(index)?)
    }

    fn make(&self, key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        // The whole data set would number others in its own way, and no data set of single images asks for others.
        self.dataset
            .make(SampleKey { index: self.whole(key.index)?, ..key }, record, &|index| self.dataset.fetch(index))
    }

    fn only_decodes(&self) -> bool {
        self.dataset.only_decodes()
    }
}

impl LabelledDataset for Subset {
    fn labels(&self) -> &Labels {
        self.dataset.labels()
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.dataset.label_of(*self.indices.get(index)?)
    }

    fn group_of(&self, index: usize) -> Option<&str> {
        self.dataset.group_of(*self.indices.get(index)?)
    }
}
