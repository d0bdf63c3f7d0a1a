//! Data sets of hand-made records.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{
    Annotations, BoxXyxy, Channels, DataError, Dataset, EncodedSample, Fetch, Image, Labels, Object, Record, Sample,
    SampleKey, SampleRng,
};
use mvl_data::{LabelledDataset, decode_record, encode_png};

/// Records as they were made; an error where one was to be.
#[derive(Debug, Clone)]
pub(crate) struct MadeDataset {
    pub(crate) labels: Labels,
    pub(crate) records: Vec<Result<Record, String>>,
}

impl MadeDataset {
    pub(crate) fn new(samples: impl IntoIterator<Item = EncodedSample>) -> Self {
        let records = samples.into_iter().map(|sample| Ok(Record::encoded(sample))).collect();
        Self { labels: Labels::new(["cat", "dog"]), records }
    }

    pub(crate) fn shared(self) -> Arc<dyn LabelledDataset> {
        Arc::new(self)
    }
}

impl Dataset<Sample> for MadeDataset {
    fn len(&self) -> usize {
        self.records.as_slice().len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        decode_record(self.fetch(key.index)?)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        match self.records.as_slice().get(index) {
            Some(Ok(record)) => Ok(record.clone()),
            Some(Err(what)) if what == "panic" => panic!("a bug in a data set"),
            Some(Err(what)) => Err(DataError::invalid(what.as_str())),
            None => Err(DataError::invalid("past the end")),
        }
    }

    fn make(&self, _key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        decode_record(record)
    }
}

impl LabelledDataset for MadeDataset {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        match self.records.as_slice().get(index)?.as_ref().ok()? {
            Record::Encoded(sample) => sample.annotations.label,
            Record::Decoded(sample) => sample.annotations.label,
            _ => None,
        }
    }
}

/// A picture of blocks in random greys, 36 x 32 pixels: no two of them look alike.
pub(crate) fn picture(number: u64) -> Image {
    let mut rng = SampleRng::new([number, 0, 0, 0]);
    let blocks: Vec<u8> = (0..72).map(|_| rng.below(256) as u8).collect();
    let pixels = (0..32).flat_map(|y| (0..36).map(move |x| (y / 4 * 9 + x / 4) as usize)).map(|at| blocks[at]);
    Image::new(36, 32, Channels::Gray, pixels.collect()).expect("a byte a pixel")
}

/// A good sample: a PNG with one cat in it.
pub(crate) fn good(number: u64) -> EncodedSample {
    let mut annotations = Annotations::labelled(0);
    annotations.objects = vec![Object::new(0, BoxXyxy::new(4.0, 4.0, 20.0, 16.0))];
    let bytes = Bytes::from(encode_png(&picture(number)));
    EncodedSample { bytes, annotations, source: format!("{number}.png").into() }
}
