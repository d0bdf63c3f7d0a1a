//! Annotated keypoints outside the image.

use mvl_core::{Keypoint, Visibility};

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::{Fault, name_object};
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let Some([width, height]) = look.size() else { return Vec::new() };
    let mut faults = Vec::new();
    for (number, object) in look.objects() {
        for (at, point) in object.keypoints.iter().enumerate().filter(|(_, point)| is_outside(point, width, height)) {
            let name = name_object(look.labels, number, object.class);
            let message = format!("keypoint {at} of {name}: ({}, {}) lies outside {width}x{height}", point.x, point.y);
            faults.push(Fault::of_object(Check::OutsideKeypoint, number, message).fixed_by(Fix::HideOutsideKeypoints));
        }
    }
    faults
}

/// Whether an annotated keypoint is not on the image; the border is still on it.
pub(in crate::validate) fn is_outside(point: &Keypoint, width: u32, height: u32) -> bool {
    let on_image = (0.0..=f64::from(width)).contains(&point.x) && (0.0..=f64::from(height)).contains(&point.y);
    point.visibility != Visibility::Unlabelled && !on_image
}
