//! Boxes without area, or with left and right or top and bottom swapped.

use super::Look;
use super::non_finite_box::is_finite;
use crate::validate::check::Check;
use crate::validate::finding::{Fault, name_object};
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let faulty = look.objects().filter(|(_, object)| is_finite(object.bbox.into()) && !object.bbox.is_proper());
    let faults = faulty.map(|(number, object)| {
        let (name, bbox) = (name_object(look.labels, number, object.class), object.bbox);
        let message = format!("{name}: the box is {} x {} pixels", bbox.width(), bbox.height());
        Fault::of_object(Check::EmptyBox, number, message).fixed_by(Fix::DropEmptyBoxes)
    });
    faults.collect()
}
