//! The second time through the sources: items as they lie in a shard.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{ByteSize, DataError, Dataset, Filter, Image, Record, Resize, ResizeTo, Sample, SampleKey};

use super::config::Packing;
use super::plan::Planned;
use super::sources::IngestSources;
use super::survey::{hash_of, hex};
use crate::decode::decode_record;
use crate::encode::{encode_jpeg, encode_png};
use crate::shards::{Origin, ShardSample, encode_npy, shard_sample_from};
use crate::transforms::{Draw, Transform};

/// What images are made smaller with: the sharpest of the antialiased filters, as a network will make them smaller again.
const FILTER: Filter = Filter::Lanczos;
/// Digits of a sample's key, which is its place in its part.
const KEY_DIGITS: usize = 9;

/// A sample that waits to be written.
#[derive(Debug)]
pub(super) struct Packed(pub(super) ShardSample);

impl ByteSize for Packed {
    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.0.key.len() + self.0.parts.iter().map(|part| part.bytes.len()).sum::<usize>()
    }
}

/// The items of one part as samples of shards.
pub(super) struct PackedItems {
    pub(super) sources: Arc<IngestSources>,
    pub(super) items: Arc<[Planned]>,
    pub(super) packing: Packing,
}

impl Dataset<Packed> for PackedItems {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn get(&self, key: SampleKey) -> Result<Packed, DataError> {
        let planned =
            self.items.get(key.index).ok_or_else(|| crate::sources::past_the_end(key.index, self.items.len()))?;
        let record = self.sources.read(planned.index)?;
        let original = match &record {
            Record::Encoded(encoded) => Some(encoded.bytes.clone()),
            _ => None,
        };
        let unchanged = hash_of(&record) == planned.hash;
        let sample = decode_record(record)?;
        let source = sample.source.clone();
        if !unchanged {
            return Err(DataError::Other {
                what: format!("{source} was changed while it was ingested; begin anew"),
                source: "its content is not what was hashed before".into(),
            });
        }
        let (image, sample) = pack(original, sample, self.packing)?;
        let key = format!("{:0KEY_DIGITS$}", key.index);
        let origin = Origin { source: source.to_string(), source_sha256: hex(&planned.hash) };
        let sample = shard_sample_from(&key, image, &sample.annotations, self.sources.labels(), Some(origin));
        sample.map(Packed).map_err(|what| DataError::Image { image: source, what })
    }
}

/// The bytes of an image, and the sample that they are.
fn pack(original: Option<Bytes>, sample: Sample, packing: Packing) -> Result<(Bytes, Sample), DataError> {
    let shorter = |image: &Image| image.width().min(image.height());
    let sample = match packing.short_side() {
        Some(side) if side < shorter(&sample.image) => {
            let resize = Resize { to: ResizeTo::ShortSide(side), filter: FILTER };
            let smaller = resize.apply(sample, &mut Draw::alone(SampleKey::plain(0).rng(0)))?;
            if let Packing::Jpeg { quality, .. } = packing {
                return Ok((encode_jpeg(&smaller.image, quality).into(), smaller));
            }
            smaller
        }
        _ => sample,
    };
    let bytes = match (packing, original) {
        (Packing::Raw { .. }, _) => encode_npy(&sample.image).into(),
        (_, Some(original)) => original,
        (_, None) => encode_png(&sample.image).into(),
    };
    Ok((bytes, sample))
}
