//! Masks without a pixel in them.

use mvl_core::Mask;

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::{Fault, name_object};
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let faulty = look.objects().filter(|(_, object)| object.mask.as_ref().is_some_and(is_empty_mask));
    let faults = faulty.map(|(number, object)| {
        let message = format!("{}: its mask is empty", name_object(look.labels, number, object.class));
        Fault::of_object(Check::EmptyMask, number, message).fixed_by(Fix::DropEmptyMasks)
    });
    faults.collect()
}

/// Whether nothing is inside: no pixel, no run, no outline with an area.
pub(in crate::validate) fn is_empty_mask(mask: &Mask) -> bool {
    match mask {
        Mask::Polygons(polygons) => !polygons.iter().any(|corners| twice_the_area(corners).abs() > 0.0),
        Mask::RunLengths(runs) => runs.counts.iter().skip(1).step_by(2).all(|&inside| inside == 0),
        Mask::Bitmap(bitmap) => !bitmap.pixels().contains(&1),
        _ => false,
    }
}

/// The shoelace formula: positive or negative by the sense of rotation.
fn twice_the_area(corners: &[[f64; 2]]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|([x1, y1], [x2, y2])| x1 * y2 - x2 * y1).sum()
}
