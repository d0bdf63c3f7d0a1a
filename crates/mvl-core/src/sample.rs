//! What a dataset yields: an image, what is known about it, and where it came from.

use std::sync::Arc;

use crate::Image;

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

/// Everything a task may learn from, each part optional. Boxes, masks and keypoints will be further fields.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Annotations {
    /// Index into the dataset's [`Labels`].
    pub label: Option<usize>,
}

impl Annotations {
    /// A class index and nothing else.
    pub fn labelled(label: usize) -> Self {
        Self { label: Some(label) }
    }
}

/// Class names, in index order.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Labels(Vec<String>);

impl Labels {
    /// Names in index order.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of a class, or `None` past the end.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(String::as_str)
    }

    /// The name of a class, or `class N` where it has none.
    pub fn display(&self, index: usize) -> String {
        self.name(index).map_or_else(|| format!("class {index}"), str::to_owned)
    }

    /// The index of a name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|known| known == name)
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// How much host memory a value holds, so that queues can be bounded in bytes.
pub trait ByteSize {
    /// Bytes on the heap and inline, near enough for a budget.
    fn byte_size(&self) -> usize;
}

impl ByteSize for Sample {
    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.image.pixels().len() + self.source.len()
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
