//! What a data set has of an item before it is made: the same in every epoch, hence worth caching.

use std::sync::Arc;

use crate::{ByteSize, EncodedSample, Sample};

/// An item as it lies in the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Record {
    /// The data set makes its items of nothing that could be kept.
    Nothing,
    /// An image file and what is known about it.
    Encoded(Arc<EncodedSample>),
    /// Decoded pixels and what is known about them.
    Decoded(Arc<Sample>),
}

impl Record {
    /// A record of an image file.
    #[must_use]
    pub fn encoded(sample: EncodedSample) -> Self {
        Self::Encoded(Arc::new(sample))
    }

    /// A record of pixels.
    #[must_use]
    pub fn decoded(sample: Sample) -> Self {
        Self::Decoded(Arc::new(sample))
    }
}

impl ByteSize for Record {
    fn byte_size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Nothing => 0,
                Self::Encoded(sample) => sample.byte_size(),
                Self::Decoded(sample) => sample.byte_size(),
            }
    }
}
