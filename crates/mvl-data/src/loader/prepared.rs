//! A sample ready to be stacked, and the data set that makes them: what worker threads do.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{Annotations, ByteSize, DataError, Dataset, Fetch, Location, Preprocess, Record, Sample, SampleKey};

use crate::preprocess::{InputTensor, geometry, normalise};
use crate::transforms::Chain;

/// One sample as the network wants it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prepared {
    /// `[C, H, W]`, normalised.
    pub input: InputTensor,
    /// What is known about it.
    pub annotations: Annotations,
    /// Where the image came from, for messages.
    pub source: Arc<str>,
}

impl Prepared {
    /// A prepared sample.
    pub fn new(input: InputTensor, annotations: Annotations, source: impl Into<Arc<str>>) -> Self {
        Self { input, annotations, source: source.into() }
    }
}

impl ByteSize for Prepared {
    fn byte_size(&self) -> usize {
        size_of::<Self>() - size_of::<InputTensor>() - size_of::<Annotations>()
            + self.input.byte_size()
            + self.annotations.byte_size()
            + self.source.len()
    }
}

/// Decodes, augments and preprocesses.
pub(super) struct PreparedDataset<D: ?Sized> {
    spec: Preprocess,
    chain: Chain,
    /// The chain ends at the network's input size, so resizing and cropping would only blur.
    sized_by_chain: bool,
    samples: Arc<D>,
}

impl<D: Dataset<Sample> + ?Sized> PreparedDataset<D> {
    /// The spec was checked.
    pub(super) fn new(samples: Arc<D>, spec: Preprocess, chain: Chain) -> Self {
        let wanted = spec.output_shape().map(|[_, height, width]| [height as u32, width as u32]);
        let sized_by_chain = wanted.is_some() && chain.output_size() == wanted;
        Self { spec, chain, sized_by_chain, samples }
    }
}

impl<D: Dataset<Sample> + ?Sized> Dataset<Prepared> for PreparedDataset<D> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn get(&self, key: SampleKey) -> Result<Prepared, DataError> {
        self.make(key, self.samples.fetch(key.index)?, &|index| self.samples.fetch(index))
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.samples.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.samples.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.samples.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<Prepared, DataError> {
        let others = |key: SampleKey| self.samples.make(key, fetch(key.index)?, fetch);
        let sample = self.samples.make(key, record, fetch)?;
        let Sample { image, annotations, source, .. } =
            self.chain.apply(0, sample, key, self.samples.len(), &others)?;
        let image =
            if self.sized_by_chain { image.into_channels(self.spec.channels) } else { geometry(&self.spec, image) };
        Ok(Prepared { input: normalise(&self.spec, &image), annotations, source })
    }
}
