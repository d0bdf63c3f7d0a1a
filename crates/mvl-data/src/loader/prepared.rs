//! A sample ready to be stacked, and the data set that makes them: what worker threads do.

use std::sync::Arc;

use mvl_core::{Annotations, ByteSize, DataError, Dataset, Preprocess, Sample, SampleKey};

use crate::preprocess::{InputTensor, geometry, normalise};
use crate::transforms::{Transform, apply_chain, chain_output_size};

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
        size_of::<Self>() - size_of::<InputTensor>() + self.input.byte_size() + self.source.len()
    }
}

/// Decodes, augments and preprocesses.
pub(super) struct PreparedDataset<D: ?Sized> {
    spec: Preprocess,
    chain: Arc<[Box<dyn Transform>]>,
    /// The chain ends at the network's input size, so resizing and cropping would only blur.
    sized_by_chain: bool,
    samples: Arc<D>,
}

impl<D: Dataset<Sample> + ?Sized> PreparedDataset<D> {
    /// The spec was checked.
    pub(super) fn new(samples: Arc<D>, spec: Preprocess, chain: Arc<[Box<dyn Transform>]>) -> Self {
        let wanted = spec.output_shape().map(|[_, height, width]| [height as u32, width as u32]);
        let sized_by_chain = wanted.is_some() && chain_output_size(&chain) == wanted;
        Self { spec, chain, sized_by_chain, samples }
    }
}

impl<D: Dataset<Sample> + ?Sized> Dataset<Prepared> for PreparedDataset<D> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn get(&self, key: SampleKey) -> Result<Prepared, DataError> {
        let Sample { image, annotations, source, .. } = self.samples.get(key)?;
        let image = apply_chain(&self.chain, image, key);
        let image =
            if self.sized_by_chain { image.into_channels(self.spec.channels) } else { geometry(&self.spec, image) };
        Ok(Prepared { input: normalise(&self.spec, &image), annotations, source })
    }
}
