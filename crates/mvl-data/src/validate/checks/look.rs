//! What a check sees of a sample.

use mvl_core::{Annotations, DataError, Image, Labels, Object};

/// A sample under examination.
#[derive(Debug, Clone, Copy)]
pub(in crate::validate) struct Look<'a> {
    /// The image file's bytes, where the sample is one.
    pub(in crate::validate) file: Option<&'a [u8]>,
    /// The path or name of the image.
    pub(in crate::validate) source: &'a str,
    /// The pixels, or why there are none.
    pub(in crate::validate) image: Result<&'a Image, &'a DataError>,
    /// What is known of it.
    pub(in crate::validate) annotations: &'a Annotations,
    /// The data set's classes.
    pub(in crate::validate) labels: &'a Labels,
}

impl<'a> Look<'a> {
    /// `[width, height]`; `None` where the image cannot be decoded.
    pub(super) fn size(&self) -> Option<[u32; 2]> {
        self.image.ok().map(|image| [image.width(), image.height()])
    }

    /// The objects with their numbers.
    pub(super) fn objects(&self) -> impl Iterator<Item = (usize, &'a Object)> + use<'a> {
        self.annotations.objects.iter().enumerate()
    }
}
