//! What stays in memory of a sample once it was looked at.

use std::collections::BTreeMap;

use mvl_core::{Annotations, Channels, ClassMap, Image};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a sample's content.
pub(super) type ContentHash = [u8; 32];

/// A sample's name, fingerprints and classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Digest {
    /// The path or name of its image.
    pub(super) source: String,
    /// Of the file's bytes, or of the pixels where there is no file; `None` where it could not be read.
    pub(super) content: Option<ContentHash>,
    /// Of the picture; `None` where it could not be decoded, or is flat.
    pub(super) picture: Option<u64>,
    /// The class of the image.
    pub(super) label: Option<usize>,
    /// How often each class occurs in it.
    pub(super) classes: Vec<(usize, usize)>,
    /// How many objects it has.
    pub(super) objects: usize,
}

/// The fingerprint of a file.
pub(super) fn hash_file(bytes: &[u8]) -> ContentHash {
    Sha256::digest(bytes).into()
}

/// The fingerprint of pixels.
pub(super) fn hash_pixels(image: &Image) -> ContentHash {
    let gray = image.channels() == Channels::Gray;
    let mut hash = Sha256::new();
    hash.update(image.width().to_le_bytes());
    hash.update(image.height().to_le_bytes());
    hash.update([u8::from(gray)]);
    hash.update(image.pixels());
    hash.finalize().into()
}

/// How often each class occurs: once for the image's own, once for each object, once for each class of the pixels.
pub(super) fn count_classes(annotations: &Annotations) -> Vec<(usize, usize)> {
    let mut counts = BTreeMap::new();
    let mut of_pixels: Vec<u16> = annotations.class_map.iter().flat_map(ClassMap::classes).copied().collect();
    of_pixels.sort_unstable();
    of_pixels.dedup();
    let of_pixels = of_pixels.into_iter().filter(|&class| class != ClassMap::IGNORE).map(usize::from);
    let of_image = annotations.classes().map(|weight| weight.class);
    for class in of_image.chain(annotations.objects.iter().map(|object| object.class)).chain(of_pixels) {
        *counts.entry(class).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
