//! Boxes with a coordinate that is infinite or not a number.

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::{Fault, name_object};
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let faulty = look.objects().filter(|(_, object)| !is_finite(object.bbox.into()));
    let faults = faulty.map(|(number, object)| {
        let name = name_object(look.labels, number, object.class);
        let message = format!("{name}: expected finite edges, got {:?}", <[f64; 4]>::from(object.bbox));
        Fault::of_object(Check::NonFiniteBox, number, message).fixed_by(Fix::DropNonFiniteBoxes)
    });
    faults.collect()
}

/// The checks of empty and outside boxes leave the others to this one.
pub(super) fn is_finite(edges: [f64; 4]) -> bool {
    edges.iter().all(|edge| edge.is_finite())
}
