//! Another sample, brought to the form of the one that it is mixed with.

use mvl_core::{DataError, Filter, Sample};

use crate::geometry::{Rescale, move_sample};
use crate::transforms::Draw;

/// Another sample with this one's channels and size: it is resized (bilinear, without regard to its aspect ratio) with its boxes,
/// masks and keypoints.
pub(super) fn partner_like(sample: &Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
    let mut partner = draw.partner()?;
    partner.image = partner.image.into_channels(sample.image.channels());
    let [from, to] = [&partner, sample].map(|sample| sample.image.size());
    if from == to {
        return Ok(partner);
    }
    move_sample(partner, &Rescale::new(from, to, Filter::Bilinear))
}
