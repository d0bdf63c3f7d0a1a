//! How wide images are for their height, from their headers.

use mvl_core::{DataError, Dataset, Record, Sample, SampleKey};

use crate::decode::image_size;

/// Width over height of every image of a data set, in order.
///
/// Image files are read but not decoded; items without a record are made. That takes a while for a large data set: keep what comes
/// out.
///
/// # Errors
/// [`DataError`] for the first image that cannot be read.
pub fn aspect_ratios(dataset: &dyn Dataset<Sample>) -> Result<Vec<f64>, DataError> {
    let size = |index| -> Result<[u32; 2], DataError> {
        let of = |sample: &Sample| [sample.image.height(), sample.image.width()];
        Ok(match dataset.fetch(index)? {
            Record::Encoded(sample) => image_size(&sample.bytes, &sample.source)?,
            Record::Decoded(sample) => of(&sample),
            _ => of(&dataset.get(SampleKey::plain(index))?),
        })
    };
    let ratio = |index| size(index).map(|[height, width]| f64::from(width) / f64::from(height));
    (0..dataset.len()).map(ratio).collect()
}
