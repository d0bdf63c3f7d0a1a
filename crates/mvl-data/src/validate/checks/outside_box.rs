//! Boxes that reach out of the image, or lie outside it altogether.

use super::Look;
use super::non_finite_box::is_finite;
use crate::validate::check::Check;
use crate::validate::finding::{Fault, name_object};
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let Some([width, height]) = look.size() else { return Vec::new() };
    let faulty = look
        .objects()
        .filter(|(_, object)| is_finite(object.bbox.into()) && object.bbox.clamped(width, height) != object.bbox);
    let faults = faulty.map(|(number, object)| {
        let (name, edges) = (name_object(look.labels, number, object.class), <[f64; 4]>::from(object.bbox));
        let message = format!("{name}: {edges:?} reaches out of the image of {width}x{height}");
        Fault::of_object(Check::OutsideBox, number, message).fixed_by(Fix::ClampBoxes)
    });
    faults.collect()
}
