//! One look at each sample, as a data set of what was seen: so any loading strategy can do it in
//! parallel, in order, and out of an object store.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{Annotations, ByteSize, DataError, Dataset, Fetch, Image, Location, Record, Sample, SampleKey};

use super::check::Check;
use super::checks::{Look, find_faults};
use super::digest::{ContentHash, Digest, count_classes, hash_file, hash_pixels};
use super::finding::Fault;
use super::perceptual_hash::perceptual_hash;
use super::policy::{Action, Policy};
use crate::decode::decode;
use crate::header::{Orientation, exif_orientation};
use crate::sources::LabelledDataset;

/// What is left of a sample after it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Examined {
    pub(super) digest: Digest,
    pub(super) faults: Vec<Fault>,
}

impl ByteSize for Examined {
    fn byte_size(&self) -> usize {
        let messages: usize = self.faults.iter().map(|fault| size_of::<Fault>() + fault.message.len()).sum();
        size_of::<Self>() + self.digest.source.len() + size_of_val(self.digest.classes.as_slice()) + messages
    }
}

/// A data set that is looked at by the checks that a policy wants.
pub(super) struct Examination {
    pub(super) dataset: Arc<dyn LabelledDataset>,
    pub(super) policy: Policy,
}

impl Dataset<Examined> for Examination {
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn get(&self, key: SampleKey) -> Result<Examined, DataError> {
        Ok(match self.dataset.fetch(key.index) {
            Ok(record) => self.examine(key.index, record),
            Err(error) => self.unreadable(key.index, &error),
        })
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.dataset.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.dataset.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.dataset.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Examined, DataError> {
        Ok(self.examine(key.index, record))
    }
}

impl Examination {
    fn examine(&self, index: usize, record: Record) -> Examined {
        match record {
            Record::Encoded(sample) => {
                let image = decode(&sample.bytes, &sample.source);
                let content = hash_file(&sample.bytes);
                self.look(&sample.source, Some(&sample.bytes), content, image.as_ref(), &sample.annotations)
            }
            Record::Decoded(sample) => self.look_at_pixels(&sample),
            _ => match self.dataset.get(SampleKey::plain(index)) {
                Ok(sample) => self.look_at_pixels(&sample),
                Err(error) => self.unreadable(index, &error),
            },
        }
    }

    fn look_at_pixels(&self, sample: &Sample) -> Examined {
        self.look(&sample.source, None, hash_pixels(&sample.image), Ok(&sample.image), &sample.annotations)
    }

    fn look(
        &self,
        source: &str,
        file: Option<&[u8]>,
        content: ContentHash,
        image: Result<&Image, &DataError>,
        annotations: &Annotations,
    ) -> Examined {
        let look = Look { file, source, image, annotations, labels: self.dataset.labels() };
        let digest = Digest {
            source: source.to_owned(),
            content: Some(content),
            picture: image.ok().and_then(|image| hash_upright(file, image)),
            label: annotations.classes().next().map(|weight| weight.class),
            classes: count_classes(annotations),
            objects: annotations.objects.len(),
        };
        Examined { digest, faults: find_faults(&look, |check| self.policy.action(check) != Action::Off) }
    }

    /// A sample that is known by its place only. Even a check that is switched off cannot make it a good one.
    pub(super) fn unreadable(&self, index: usize, error: &DataError) -> Examined {
        let place = self.dataset.location(index).map(|location| location.object.to_string());
        let source = place.unwrap_or_else(|| format!("sample {index}"));
        let faults = vec![Fault::of_sample(Check::Unreadable, error.full_message())];
        Examined { digest: Digest { source, ..Digest::default() }, faults }
    }
}

/// The hash of the picture as it is seen, so that it meets its copies which were set upright.
fn hash_upright(file: Option<&[u8]>, image: &Image) -> Option<u64> {
    match file.and_then(exif_orientation) {
        None | Some(Orientation::Upright) => perceptual_hash(image),
        Some(orientation) => perceptual_hash(&orientation.apply_to_image(image)),
    }
}
