//! The detections and objects of an image, as COCO compares them: boxes, masks or keypoints, and their areas.

use mvl_core::{BoxXyxy, Mask, Object, RunLengths, Visibility};
use serde::{Deserialize, Serialize};

use super::matching::{Matches, Target, matches};
use super::{CocoError, Detection, similarity};

/// What is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Kind {
    Boxes,
    Masks,
    Keypoints { sigmas: Vec<f64> },
}

/// What is known of an image.
struct Image<'a> {
    image: u64,
    size_px: [u32; 2],
    detections: &'a [Detection],
    objects: &'a [Object],
}

impl Image<'_> {
    /// The masks of detections and objects.
    fn masks(&self) -> Result<(Vec<RunLengths>, Vec<RunLengths>), CocoError> {
        let ([width, height], image) = (self.size_px, self.image);
        let runs = |what, index, mask: Option<&Mask>| {
            let mask = mask.ok_or(CocoError::NoMask { what, index, image })?;
            mask.to_run_lengths(width, height).map_err(|source| CocoError::Mask { what, index, image, source })
        };
        let detected = self.detections.iter().enumerate().map(|(i, d)| runs("detection", i, d.mask.as_ref()));
        let objects = self.objects.iter().enumerate().map(|(i, object)| runs("object", i, object.mask.as_ref()));
        Ok((detected.collect::<Result<_, _>>()?, objects.collect::<Result<_, _>>()?))
    }

    fn check_keypoints(&self, expected: usize) -> Result<(), CocoError> {
        let detected = self.detections.iter().enumerate().map(|(i, d)| ("detection", i, d.keypoints.len()));
        let objects = self.objects.iter().enumerate().map(|(i, object)| ("object", i, object.keypoints.len()));
        let mut all = detected.chain(objects.filter(|(_, _, got)| *got > 0));
        match all.find(|(_, _, got)| *got != expected) {
            None => Ok(()),
            Some((what, index, got)) => Err(CocoError::Keypoints { what, index, image: self.image, expected, got }),
        }
    }
}

/// An image, ready to be compared. Masks are empty lists unless they are compared.
pub(super) struct Shapes<'a> {
    kind: &'a Kind,
    detections: &'a [Detection],
    objects: &'a [Object],
    detected_masks: Vec<RunLengths>,
    object_masks: Vec<RunLengths>,
}

impl<'a> Shapes<'a> {
    /// Checks what is given, and turns masks into run lengths.
    pub(super) fn new(
        kind: &'a Kind,
        image: u64,
        size_px: [u32; 2],
        detections: &'a [Detection],
        objects: &'a [Object],
    ) -> Result<Self, CocoError> {
        let whole = Image { image, size_px, detections, objects };
        let (detected_masks, object_masks) = match kind {
            Kind::Masks => whole.masks()?,
            Kind::Boxes => Default::default(),
            Kind::Keypoints { sigmas } => {
                whole.check_keypoints(sigmas.len())?;
                Default::default()
            }
        };
        Ok(Self { kind, detections, objects, detected_masks, object_masks })
    }

    /// Matches the surest detections of a class with its objects.
    pub(super) fn matches(&self, class: usize, limit: usize) -> Matches {
        let is_of_class = |&index: &usize| self.detections[index].class == class && self.detections[index].is_sound();
        let mut detected: Vec<usize> = (0..self.detections.len()).filter(is_of_class).collect();
        let score = |index: usize| self.detections[index].score;
        detected.sort_by(|&a, &b| score(b).partial_cmp(&score(a)).expect("a NaN is no sound score"));
        detected.truncate(limit);
        let objects: Vec<usize> = (0..self.objects.len()).filter(|&index| self.objects[index].class == class).collect();
        let similarity: Vec<Vec<f64>> =
            detected.iter().map(|&d| objects.iter().map(|&object| self.similarity(d, object)).collect()).collect();
        let scored: Vec<(f64, f64)> = detected.iter().map(|&index| (score(index), self.detected_area(index))).collect();
        let targets: Vec<Target> = objects.iter().map(|&index| self.target(index)).collect();
        matches(&scored, &targets, &similarity)
    }

    fn similarity(&self, detection: usize, object: usize) -> f64 {
        let (detected, there) = (&self.detections[detection], &self.objects[object]);
        match self.kind {
            Kind::Boxes => similarity::boxes(&detected.bbox, &there.bbox, there.crowd),
            Kind::Masks => similarity::masks(&self.detected_masks[detection], &self.object_masks[object], there.crowd),
            Kind::Keypoints { sigmas } => {
                let area = self.object_area(object);
                similarity::keypoints(&detected.keypoints, &there.keypoints, &there.bbox, area, sigmas)
            }
        }
    }

    fn target(&self, index: usize) -> Target {
        let object = &self.objects[index];
        let has_points = object.keypoints.iter().any(|point| point.visibility != Visibility::Unlabelled);
        let has_nothing_to_find = matches!(self.kind, Kind::Keypoints { .. }) && !has_points;
        Target {
            area: self.object_area(index),
            is_crowd: object.crowd,
            is_ignored: object.crowd || object.difficult || has_nothing_to_find,
        }
    }

    fn object_area(&self, index: usize) -> f64 {
        let object = &self.objects[index];
        let of_shape = || self.object_masks.get(index).map_or(object.bbox.area(), |mask| mask.area() as f64);
        object.area.unwrap_or_else(of_shape)
    }

    fn detected_area(&self, index: usize) -> f64 {
        let detected = &self.detections[index];
        match self.kind {
            Kind::Boxes => detected.bbox.area(),
            Kind::Masks => self.detected_masks[index].area() as f64,
            Kind::Keypoints { .. } => BoxXyxy::around(detected.keypoints.iter().copied()).map_or(0.0, |b| b.area()),
        }
    }
}
