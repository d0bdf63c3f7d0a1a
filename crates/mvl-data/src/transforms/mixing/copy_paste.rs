//! Objects cut out of another image along their masks.
//!
//! # Source
//! Ghiasi et al. 2020, <https://arxiv.org/abs/2012.07177>, without the blur of the masks' edges, which they found to make no
//! difference. The scale jitter and the flips that both images get there are earlier steps of the chain here.

use mvl_core::{Bitmap, BoxXyxy, ClassMap, DataError, Image, Mask, MaskSizeError, Object, Sample, Visibility};
use serde::{Deserialize, Serialize};

use super::partner::partner_like;
use crate::transforms::{Draw, Transform, probability_problem};

/// Pastes some objects of another image of the data set, which is resized to the image's size, each at its own place. Only objects
/// with masks are pasted, and no crowds.
///
/// What they cover is taken out of the masks of the image's own objects, and boxes around those follow; an object of which nothing
/// is left is removed. One without a mask is removed when its whole box is covered. Keypoints that are covered become hidden, and
/// a class map has the other image's classes there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopyPaste {
    /// Probability that anything is pasted, 0 to 1; 1 unless said otherwise.
    pub p: f64,
    /// Probability of each object then, 0 to 1; 0.5 unless said otherwise.
    pub object_p: f64,
}

impl Default for CopyPaste {
    fn default() -> Self {
        Self { p: 1.0, object_p: 0.5 }
    }
}

impl Transform for CopyPaste {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        let mut partner = partner_like(&sample, draw)?;
        partner.annotations.objects.retain(|object| {
            let chosen = draw.rng().chance(self.object_p);
            chosen && object.mask.is_some() && !object.crowd
        });
        let source = sample.source.clone();
        paste_objects(sample, partner).map_err(|error| DataError::invalid(format!("{error}; {source}")))
    }

    fn problems(&self) -> Vec<String> {
        let object_p = probability_problem(self.object_p).map(|problem| format!("object_{problem}"));
        probability_problem(self.p).into_iter().chain(object_p).collect()
    }
}

/// Puts all objects of the partner, which all have masks, into a sample of the same size.
fn paste_objects(mut sample: Sample, partner: Sample) -> Result<Sample, MaskSizeError> {
    let pasted = Pasted::new(&partner.annotations.objects, &sample.image)?;
    pasted.put_pixels(&mut sample.image, &partner.image);
    let known = &mut sample.annotations;
    let own = std::mem::take(&mut known.objects).into_iter();
    known.objects = own.filter_map(|object| pasted.uncovered(object).transpose()).collect::<Result<_, _>>()?;
    known.objects.extend(partner.annotations.objects);
    if let Some(map) = known.class_map.take() {
        known.class_map = Some(pasted.put_classes(map, partner.annotations.class_map)?);
    }
    Ok(sample)
}

/// The pixels that are pasted.
struct Pasted {
    width: u32,
    height: u32,
    /// 0 or 1, `[height, width]`.
    mask: Vec<u8>,
}

impl Pasted {
    /// The union of the objects' masks in an image.
    fn new(objects: &[Object], image: &Image) -> Result<Self, MaskSizeError> {
        let (width, height) = (image.width(), image.height());
        let mut union = vec![0; width as usize * height as usize];
        for mask in objects.iter().filter_map(|object| object.mask.as_ref()) {
            let bitmap = mask.to_bitmap(width, height)?;
            union.iter_mut().zip(bitmap.pixels()).for_each(|(to, pixel)| *to |= pixel);
        }
        Ok(Self { width, height, mask: union })
    }

    fn put_pixels(&self, image: &mut Image, from: &Image) {
        let count = image.channels().count();
        let pixels = image.pixels_mut().chunks_exact_mut(count).zip(from.pixels().chunks_exact(count));
        for ((to, from), _) in pixels.zip(&self.mask).filter(|(_, covered)| **covered != 0) {
            to.copy_from_slice(from);
        }
    }

    /// Of a class map that is not known the pixels count for nothing.
    fn put_classes(&self, map: ClassMap, from: Option<ClassMap>) -> Result<ClassMap, MaskSizeError> {
        let (width, height) = (map.width(), map.height());
        let mut classes = map.into_classes();
        let from = from.map_or_else(|| vec![ClassMap::IGNORE; classes.len()], ClassMap::into_classes);
        for ((to, from), _) in classes.iter_mut().zip(from).zip(&self.mask).filter(|(_, covered)| **covered != 0) {
            *to = from;
        }
        ClassMap::new(width, height, classes)
    }

    /// What is left of an object under the pasted pixels.
    fn uncovered(&self, mut object: Object) -> Result<Option<Object>, MaskSizeError> {
        let Some(mask) = &object.mask else {
            return Ok((!self.covers(object.bbox)).then(|| self.with_hidden_keypoints(object)));
        };
        let mut pixels = mask.to_bitmap(self.width, self.height)?.into_pixels();
        let mut touched = false;
        for (pixel, _) in pixels.iter_mut().zip(&self.mask).filter(|(_, covered)| **covered != 0) {
            touched |= *pixel != 0;
            *pixel = 0;
        }
        if touched {
            let left = Bitmap::new(self.width, self.height, pixels)?;
            let Some(bbox) = left.bbox() else { return Ok(None) };
            object.bbox = bbox;
            object.area = object.area.map(|_| left.area() as f64);
            object.mask = Some(Mask::Bitmap(left));
        }
        Ok(Some(self.with_hidden_keypoints(object)))
    }

    /// Whether every pixel that a box touches is pasted; one that lies outside the image touches none.
    fn covers(&self, bbox: BoxXyxy) -> bool {
        let inside = bbox.clamped(self.width, self.height);
        let (columns, rows) = (
            inside.x1.floor() as usize..inside.x2.ceil() as usize,
            inside.y1.floor() as usize..inside.y2.ceil() as usize,
        );
        let mut rows = self.mask.chunks_exact(self.width as usize).take(rows.end).skip(rows.start);
        inside.is_proper() && rows.all(|row| row[columns.clone()].iter().all(|&covered| covered != 0))
    }

    fn with_hidden_keypoints(&self, mut object: Object) -> Object {
        for point in object.keypoints.iter_mut().filter(|point| point.visibility == Visibility::Visible) {
            let pixel = (point.x >= 0.0 && point.y >= 0.0 && point.x < f64::from(self.width))
                .then(|| point.y as usize * self.width as usize + point.x as usize);
            if pixel.and_then(|pixel| self.mask.get(pixel)).is_some_and(|&covered| covered != 0) {
                point.visibility = Visibility::Hidden;
            }
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{Channels, Keypoint};

    fn sample(level: u8) -> Sample {
        Sample::new(Image::new(4, 1, Channels::Gray, vec![level; 4]).expect("four bytes"), "memory")
    }

    fn masked(class: usize, mask: [u8; 4]) -> Object {
        let mask = Bitmap::new(4, 1, mask.to_vec()).expect("four pixels");
        Object::new(class, mask.bbox().expect("a pixel")).with_mask(Mask::Bitmap(mask))
    }

    #[test]
    fn what_is_covered_goes() {
        let mut own = sample(1);
        let point = |x, visibility| Keypoint { x, y: 0.5, visibility };
        let mut half = masked(0, [1, 1, 1, 0]);
        half.area = Some(3.0);
        half.keypoints = vec![point(0.5, Visibility::Visible), point(2.5, Visibility::Visible)];
        own.annotations.objects = vec![
            half,
            masked(1, [0, 0, 1, 0]),
            masked(2, [0, 1, 0, 0]),
            Object::new(3, BoxXyxy::new(2.2, 0.0, 3.9, 1.0)),
            Object::new(4, BoxXyxy::new(1.9, 0.0, 3.9, 1.0)),
        ];
        own.annotations.class_map = Some(ClassMap::new(4, 1, vec![5; 4]).expect("four pixels"));
        let mut partner = sample(9);
        partner.annotations.objects = vec![masked(7, [0, 0, 1, 1])];

        let made = paste_objects(own, partner).expect("sizes agree");
        assert_eq!(made.image.pixels(), [1, 1, 9, 9]);
        let objects = &made.annotations.objects;
        assert_eq!(objects.iter().map(|object| object.class).collect::<Vec<_>>(), [0, 2, 4, 7]);
        assert_eq!((objects[0].bbox, objects[0].area), (BoxXyxy::new(0.0, 0.0, 2.0, 1.0), Some(2.0)));
        let seen: Vec<Visibility> = objects[0].keypoints.iter().map(|point| point.visibility).collect();
        assert_eq!(seen, [Visibility::Visible, Visibility::Hidden]);
        assert_eq!(objects[3].bbox, BoxXyxy::new(2.0, 0.0, 4.0, 1.0));
        let map = made.annotations.class_map.expect("kept");
        assert_eq!(map.classes(), [5, 5, ClassMap::IGNORE, ClassMap::IGNORE]);
    }

    #[test]
    fn nothing_to_paste_changes_nothing() {
        let mut own = sample(1);
        own.annotations.objects = vec![masked(0, [1, 1, 0, 0])];
        assert_eq!(paste_objects(own.clone(), sample(9)).expect("sizes agree"), own);
    }
}
