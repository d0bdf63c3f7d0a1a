//! Pictures that lie on their side: loading leaves EXIF's orientation alone, as torchvision does.

use super::Look;
use crate::header::{Orientation, exif_orientation};
use crate::validate::check::Check;
use crate::validate::finding::Fault;
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let told = look.file.and_then(exif_orientation).filter(|&told| told != Orientation::Upright);
    let fault = told.map(|orientation| {
        let message = format!("EXIF orientation {}: {orientation} to set it upright", orientation.code());
        Fault::of_sample(Check::ExifOrientation, message).fixed_by(Fix::Orient { orientation })
    });
    fault.into_iter().collect()
}
