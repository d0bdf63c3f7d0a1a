//! Pixels of objects and classes of pixels, as a veil of the class's colour.

use mvl_core::{ClassMap, Image, Object};

use super::class_color;
use super::scale::Scale;
use crate::canvas::Canvas;

/// How much of the class's colour is in the veil, of 255.
const VEIL: u8 = 110;

/// Lays the veil of an object's mask; one that does not fit the image is passed over.
pub(super) fn draw_mask(canvas: &mut Canvas, object: &Object, image: &Image, scale: Scale) {
    let size = [image.width(), image.height()];
    let Some(Ok(bitmap)) = object.mask.as_ref().map(|mask| mask.to_bitmap(size[0], size[1])) else { return };
    let color = class_color(object.class);
    veil(canvas, scale, size, |place| (bitmap.pixels().get(place) == Some(&1)).then_some(color));
}

/// Lays the veil of a map of classes; class 0 is the background in every known data set, and stays clear.
pub(super) fn draw_class_map(canvas: &mut Canvas, map: &ClassMap, scale: Scale) {
    veil(canvas, scale, [map.width(), map.height()], |place| match map.classes().get(place) {
        None | Some(0 | &ClassMap::IGNORE) => None,
        Some(&class) => Some(class_color(usize::from(class))),
    });
}

fn veil(canvas: &mut Canvas, scale: Scale, size: [u32; 2], color: impl Fn(usize) -> Option<[u8; 3]>) {
    for y in 0..scale.height {
        for x in 0..scale.width {
            if let Some(color) = color(scale.source(x, y, size)) {
                canvas.blend(x, y, color, VEIL);
            }
        }
    }
}
