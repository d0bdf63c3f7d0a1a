//! Everything that a task may learn from.

use super::{ClassMap, Mask, Object};
use crate::ByteSize;

/// What is known about one image, each part optional.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Annotations {
    /// The one class of the image: index into the data set's [`Labels`](crate::Labels).
    pub label: Option<usize>,
    /// Several classes with their weights: all 1 for an image with several labels, shares of 1 for a mixture of images.
    /// Where it is not empty, it counts and `label` does not.
    pub class_weights: Vec<ClassWeight>,
    /// Boxes, with masks and keypoints where they are known.
    pub objects: Vec<Object>,
    /// A class for every pixel.
    pub class_map: Option<ClassMap>,
}

/// How much of an image a class is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ClassWeight {
    /// Index into the data set's [`Labels`](crate::Labels).
    pub class: usize,
    /// From 0 to 1.
    pub weight: f32,
}

impl Annotations {
    /// A class index and nothing else.
    #[must_use]
    pub fn labelled(label: usize) -> Self {
        Self { label: Some(label), ..Self::default() }
    }

    /// The classes with their weights, whichever way they are given: `label` is one class of weight 1.
    pub fn classes(&self) -> impl Iterator<Item = ClassWeight> + '_ {
        let single = self.label.filter(|_| self.class_weights.is_empty());
        single.map(|class| ClassWeight { class, weight: 1.0 }).into_iter().chain(self.class_weights.iter().copied())
    }
}

impl ByteSize for Annotations {
    fn byte_size(&self) -> usize {
        let map = self.class_map.as_ref().map_or(0, |map| size_of_val(map.classes()));
        let objects: usize = self.objects.iter().map(Object::byte_size).sum();
        size_of::<Self>() + size_of_val(self.class_weights.as_slice()) + map + objects
    }
}

impl ByteSize for Object {
    fn byte_size(&self) -> usize {
        let mask = match &self.mask {
            None => 0,
            Some(Mask::Polygons(polygons)) => {
                polygons.iter().map(|polygon| size_of_val(polygon) + size_of_val(polygon.as_slice())).sum()
            }
            Some(Mask::RunLengths(runs)) => size_of_val(runs.counts.as_slice()),
            Some(Mask::Bitmap(bitmap)) => bitmap.pixels().len(),
        };
        size_of::<Self>() + mask + size_of_val(self.keypoints.as_slice())
    }
}
