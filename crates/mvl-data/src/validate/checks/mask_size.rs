//! Masks and maps of classes that were made for an image of another size.

use mvl_core::Mask;

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::{Fault, name_object};

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let Some(image) = look.size() else { return Vec::new() };
    let say = |what: &str, [width, height]: [u32; 2]| {
        format!("{what}: expected {}x{} as the image has, got {width}x{height}", image[0], image[1])
    };
    let mut faults = Vec::new();
    for (number, object) in look.objects() {
        let size = match &object.mask {
            Some(Mask::RunLengths(runs)) => [runs.width, runs.height],
            Some(Mask::Bitmap(bitmap)) => [bitmap.width(), bitmap.height()],
            _ => continue,
        };
        if size != image {
            let what = format!("the mask of {}", name_object(look.labels, number, object.class));
            faults.push(Fault::of_object(Check::MaskSize, number, say(&what, size)));
        }
    }
    let map = look.annotations.class_map.as_ref().map(|map| [map.width(), map.height()]);
    if let Some(size) = map.filter(|&size| size != image) {
        faults.push(Fault::of_sample(Check::MaskSize, say("the map of classes", size)));
    }
    faults
}
