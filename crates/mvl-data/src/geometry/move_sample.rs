//! One change of place for everything that is known about an image.

use mvl_core::{Annotations, Bitmap, ClassMap, DataError, Mask, MaskSizeError, Object, Sample};

use super::{Geometry, Sources};

/// Moves a sample's image, boxes, masks, keypoints and class map.
///
/// Polygons and run lengths become bitmaps first. What comes from outside the image is in no mask, and counts for nothing
/// in the class map ([`ClassMap::IGNORE`]). Keypoints are moved wherever that leads; no object is removed. An object's area is
/// counted anew where it has a mask, and is no longer known where it has none.
///
/// # Errors
/// When a mask or the class map does not have the image's size.
///
/// # Panics
/// If the geometry was made for images of another size.
///
/// # Example
/// ```
/// use mvl_core::{BoxXyxy, Channels, Image, Object, Sample};
/// use mvl_data::geometry::{Flip, move_sample};
/// let mut sample = Sample::new(Image::new(3, 1, Channels::Gray, vec![1, 2, 3])?, "memory");
/// sample.annotations.objects.push(Object::new(0, BoxXyxy::new(0.0, 0.0, 1.0, 1.0)));
/// let flipped = move_sample(sample, &Flip::horizontal([1, 3]))?;
/// assert_eq!(flipped.image.pixels(), [3, 2, 1]);
/// assert_eq!(flipped.annotations.objects[0].bbox, BoxXyxy::new(2.0, 0.0, 3.0, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn move_sample(mut sample: Sample, geometry: &dyn Geometry) -> Result<Sample, DataError> {
    assert_eq!(sample.image.size(), geometry.input_size(), "the geometry was made for another size");
    move_annotations(&mut sample.annotations, geometry)
        .map_err(|error| DataError::invalid(format!("{error}; {}", sample.source)))?;
    sample.image = geometry.image(sample.image);
    Ok(sample)
}

/// [`move_sample`] for what is known about an image, without the image.
///
/// # Errors
/// When a mask or the class map does not have the size that the geometry was made for.
pub fn move_annotations(known: &mut Annotations, geometry: &dyn Geometry) -> Result<(), MaskSizeError> {
    if known.class_map.is_some() || known.objects.iter().any(|object| object.mask.is_some()) {
        let (from, to, sources) = (geometry.input_size(), geometry.output_size(), geometry.sources());
        Planes { from, to, sources }.move_all(&mut known.objects, &mut known.class_map)?;
    }
    for object in &mut known.objects {
        object.bbox = geometry.bbox(object.bbox);
        for point in &mut object.keypoints {
            [point.x, point.y] = geometry.keypoint([point.x, point.y]);
        }
        object.area = match &object.mask {
            Some(Mask::Bitmap(bitmap)) if object.area.is_some() => Some(bitmap.area() as f64),
            _ => None,
        };
    }
    Ok(())
}

/// How the planes of one sample are moved.
struct Planes {
    from: [u32; 2],
    to: [u32; 2],
    sources: Sources,
}

impl Planes {
    fn move_all(&self, objects: &mut [Object], class_map: &mut Option<ClassMap>) -> Result<(), MaskSizeError> {
        for object in objects {
            object.mask = object.mask.take().map(|mask| self.mask(&mask)).transpose()?;
        }
        *class_map = class_map.take().map(|map| self.class_map(&map)).transpose()?;
        Ok(())
    }

    fn mask(&self, mask: &Mask) -> Result<Mask, MaskSizeError> {
        let ([from_height, from_width], [height, width]) = (self.from, self.to);
        let bitmap = mask.to_bitmap(from_width, from_height)?;
        Bitmap::new(width, height, self.sources.gather(bitmap.pixels(), 0)).map(Mask::Bitmap)
    }

    fn class_map(&self, map: &ClassMap) -> Result<ClassMap, MaskSizeError> {
        let ([from_height, from_width], [height, width]) = (self.from, self.to);
        let (expected, got) = ([from_width, from_height], [map.width(), map.height()]);
        if got != expected {
            return Err(MaskSizeError::Differs { expected, got });
        }
        ClassMap::new(width, height, self.sources.gather(map.classes(), ClassMap::IGNORE))
    }
}
