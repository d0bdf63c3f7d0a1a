//! What a dataset yields: an image, what is known about it, and where it came from.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Annotations, Image};

/// One labelled image.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The pixels.
    pub image: Image,
    /// What is known about them.
    pub annotations: Annotations,
    /// Where the image came from, for messages: a path, or `file.idx#17`.
    pub source: Arc<str>,
}

impl Sample {
    /// A sample without annotations.
    pub fn new(image: Image, source: impl Into<Arc<str>>) -> Self {
        Self { image, annotations: Annotations::default(), source: source.into() }
    }

    /// Sets the class index.
    pub fn with_label(mut self, label: usize) -> Self {
        self.annotations.label = Some(label);
        self
    }
}

/// An image that is not decoded yet, what is known about it, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedSample {
    /// A whole image file: JPEG, PNG …
    pub bytes: Bytes,
    /// What is known about its pixels.
    pub annotations: Annotations,
    /// Where the image came from, for messages.
    pub source: Arc<str>,
}

impl ByteSize for EncodedSample {
    fn byte_size(&self) -> usize {
        size_of::<Self>() - size_of::<Annotations>()
            + self.bytes.len()
            + self.annotations.byte_size()
            + self.source.len()
    }
}

/// How much host memory a value holds, so that queues can be bounded in bytes.
pub trait ByteSize {
    /// Bytes on the heap and inline, near enough for a budget.
    fn byte_size(&self) -> usize;
}

impl ByteSize for Sample {
    fn byte_size(&self) -> usize {
        let inline = size_of::<Self>() - size_of::<Annotations>();
        inline + self.image.pixels().len() + self.annotations.byte_size() + self.source.len()
    }
}

impl ByteSize for Vec<u8> {
    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.len()
    }
}

impl ByteSize for Vec<f32> {
    fn byte_size(&self) -> usize {
        size_of::<Self>() + size_of_val(self.as_slice())
    }
}

impl ByteSize for usize {
    fn byte_size(&self) -> usize {
        size_of::<Self>()
    }
}
