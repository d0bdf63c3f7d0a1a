//! What a network's preprocessing does to boxes, masks, keypoints and class maps.

use mvl_core::{Annotations, MaskSizeError, Preprocess};

use super::{Geometry, Rescale, Window, move_annotations};
use crate::transforms::Transform;

/// Moves what is known about an image of `[height, width]` as [`preprocess`](crate::preprocess) moves its pixels: the resize, then
/// the centre crop.
///
/// # Errors
/// When a mask or the class map does not have the image's size.
pub fn preprocess_annotations(
    spec: &Preprocess,
    image: [u32; 2],
    known: &mut Annotations,
) -> Result<(), MaskSizeError> {
    let resized = spec.resize.and_then(|resize| resize.output_size(Some(image))).unwrap_or(image);
    if resized != image {
        let filter = spec.resize.map(|resize| resize.filter).unwrap_or_default();
        move_annotations(known, &Rescale::new(image, resized, filter))?;
    }
    match spec.crop.map(|size| Window::centred(resized, size)) {
        Some(window) if window.output_size() != resized => move_annotations(known, &window),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{BoxXyxy, ClassMap, Object};

    #[test]
    fn boxes_and_class_maps_go_where_the_pixels_go() {
        let mut known = Annotations::default();
        known.objects.push(Object::new(0, BoxXyxy::new(100.0, 20.0, 300.0, 60.0)));
        known.class_map = Some(ClassMap::new(400, 200, vec![3; 80_000]).expect("one class a pixel"));
        // 200 x 400 becomes 100 x 200, of which the middle 80 x 80 starts at (10, 60).
        preprocess_annotations(&Preprocess::imagenet(100, 80), [200, 400], &mut known).expect("one size");
        assert_eq!(known.objects[0].bbox, BoxXyxy::new(0.0, 0.0, 80.0, 20.0));
        assert_eq!(known.class_map.map(|map| (map.height(), map.width())), Some((80, 80)));
    }
}
