//! The checks of single samples, one a file: each takes a [`Look`] and says what is wrong with it.

mod cmyk;
mod corrupt;
mod empty_box;
mod empty_mask;
mod exif_orientation;
mod look;
mod mask_size;
mod non_finite_box;
mod outside_box;
mod outside_keypoint;
mod unknown_class;
mod wrong_extension;

pub(super) use empty_mask::is_empty_mask;
pub(super) use look::Look;
pub(super) use outside_keypoint::is_outside;

use super::check::Check;
use super::finding::Fault;

type FindFaults = fn(&Look<'_>) -> Vec<Fault>;

/// Which function is which check. An unreadable sample has nothing to look at, see [`examine`](super::examine).
const CHECKS: [(Check, FindFaults); 11] = [
    (Check::Corrupt, corrupt::find),
    (Check::WrongExtension, wrong_extension::find),
    (Check::Cmyk, cmyk::find),
    (Check::ExifOrientation, exif_orientation::find),
    (Check::NonFiniteBox, non_finite_box::find),
    (Check::EmptyBox, empty_box::find),
    (Check::OutsideBox, outside_box::find),
    (Check::UnknownClass, unknown_class::find),
    (Check::EmptyMask, empty_mask::find),
    (Check::MaskSize, mask_size::find),
    (Check::OutsideKeypoint, outside_keypoint::find),
];

/// What all wanted checks find.
pub(super) fn find_faults(look: &Look<'_>, wanted: impl Fn(Check) -> bool) -> Vec<Fault> {
    CHECKS.iter().filter(|(check, _)| wanted(*check)).flat_map(|(_, find)| find(look)).collect()
}
