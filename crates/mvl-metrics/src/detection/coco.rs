//! COCO's evaluation of detections, image by image.
//!
//! # Source
//! T.-Y. Lin et al., Microsoft COCO: Common Objects in Context, 2014, <https://arxiv.org/abs/1405.0312>, and
//! <https://cocodataset.org/#detection-eval>; the figures are those of pycocotools' `COCOeval`, where NaN is -1.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use mvl_core::Object;
use serde::{Deserialize, Serialize};

use super::matching::{Matches, THRESHOLDS};
use super::precision_curve::{Curve, curve};
use super::shapes::{Kind, Shapes};
use super::{CocoError, Detection};
use crate::Merge;

/// How far annotators stray from each of COCO's 17 keypoints of a person, by the root of the object's area.
pub const COCO_SIGMAS: [f64; 17] = [
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
];

/// Places among the area ranges.
const ALL: usize = 0;
const SMALL: usize = 1;
const MEDIUM: usize = 2;
const LARGE: usize = 3;
/// Places among the thresholds.
const AT_50: usize = 0;
const AT_75: usize = 5;
/// The surest detections of a class and image that count.
const DETECTIONS: usize = 100;
const DETECTIONS_WITH_KEYPOINTS: usize = 20;

/// Average precision (AP) and recall (AR) of detections, 0 to 1, averaged over the classes that have an object.
///
/// | boxes, masks | keypoints | |
/// |---|---|---|
/// | `ap` | `ap` | AP, averaged over similarities of 0.5, 0.55 … 0.95 |
/// | `ap50`, `ap75` | `ap50`, `ap75` | AP at one similarity |
/// | `ap_small`, `ap_medium`, `ap_large` | `ap_medium`, `ap_large` | AP of objects under 32² pixels, up to 96², above |
/// | `ar1`, `ar10`, `ar100` | `ar` | AR with so many detections a class and image; with 20 |
/// | | `ar50`, `ar75` | AR at one similarity |
/// | `ar_small`, `ar_medium`, `ar_large` | `ar_medium`, `ar_large` | AR by area |
///
/// An image is one [`add`](Self::add) with all its detections and objects, under a number of its own: equal scores are ranked by it,
/// as `COCOeval` does, and an image that comes again, as samplers that pad ranks make it, takes the place of the former. So
/// neither order, batches nor ranks change the figures. Kept are 24 bytes a detection, no masks.
///
/// Objects marked `crowd` or `difficult` are neither missed nor found; crowds take any number of detections. An object's area is its
/// [`area`](Object::area) or else that of its mask (for masks) or box; a detection's that of its mask, box, or the box around its
/// keypoints. Detections with a NaN or an infinite coordinate are left out. A figure is NaN when there is no object for it.
///
/// # Example
/// ```
/// use mvl_core::{BoxXyxy, Object};
/// use mvl_metrics::{CocoEvaluation, Detection};
/// let bbox = BoxXyxy::new(10.0, 10.0, 50.0, 50.0);
/// let mut evaluation = CocoEvaluation::boxes();
/// evaluation.add(1, [64, 64], &[Detection::new(0, 0.9, bbox)], &[Object::new(0, bbox)])?;
/// evaluation.add(2, [64, 64], &[Detection::new(0, 0.8, bbox.shifted(4.0, 0.0))], &[Object::new(0, bbox)])?;
/// let figures = evaluation.compute();
/// assert!((figures[1].1 - 1.0).abs() < 1e-12); // ap50
/// assert!(figures[0].1 < 0.9 && figures[3].1.is_nan()); // the second is off by an IoU of 0.82; no object is small
/// # Ok::<(), mvl_metrics::CocoError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CocoEvaluation {
    kind: Kind,
    /// By image, then by class.
    images: BTreeMap<u64, BTreeMap<usize, Matches>>,
}

/// What AP and AR are averaged over: range of areas, detections a class and image, thresholds.
type Slice = (usize, usize, Range<usize>);

impl CocoEvaluation {
    /// Compares boxes by their IoU.
    #[must_use]
    pub fn boxes() -> Self {
        Self { kind: Kind::Boxes, images: BTreeMap::new() }
    }

    /// Compares masks by their IoU.
    #[must_use]
    pub fn masks() -> Self {
        Self { kind: Kind::Masks, images: BTreeMap::new() }
    }

    /// Compares keypoints by their OKS; for people as COCO annotates them, [`COCO_SIGMAS`].
    #[must_use]
    pub fn keypoints(sigmas: &[f64]) -> Self {
        Self { kind: Kind::Keypoints { sigmas: sigmas.to_vec() }, images: BTreeMap::new() }
    }

    /// Takes in an image: its number, its width and height in pixels (which only masks need), what was detected and what is there.
    /// Neither need be in any order, but of detections with equal scores the first count as surer.
    ///
    /// # Errors
    /// [`CocoError`] when masks are compared and one is missing or of another size, or when keypoints are compared and there are not
    /// as many as sigmas; an object without any has none labelled. The image is not counted then.
    pub fn add(
        &mut self,
        image: u64,
        size_px: [u32; 2],
        detections: &[Detection],
        objects: &[Object],
    ) -> Result<(), CocoError> {
        let shapes = Shapes::new(&self.kind, image, size_px, detections, objects)?;
        let classes: BTreeSet<usize> =
            detections.iter().map(|d| d.class).chain(objects.iter().map(|object| object.class)).collect();
        let by_class = classes.into_iter().map(|class| (class, shapes.matches(class, self.detections()))).collect();
        self.images.insert(image, by_class);
        Ok(())
    }

    /// The figures so far, named as in the table, in `COCOeval`'s order.
    #[must_use]
    pub fn compute(&self) -> Vec<(String, f64)> {
        let (most, every) = (self.detections(), 0..THRESHOLDS);
        let at = |threshold: usize| threshold..threshold + 1;
        let precisions = [
            ("ap", (ALL, most, every.clone())),
            ("ap50", (ALL, most, at(AT_50))),
            ("ap75", (ALL, most, at(AT_75))),
            ("ap_small", (SMALL, most, every.clone())),
            ("ap_medium", (MEDIUM, most, every.clone())),
            ("ap_large", (LARGE, most, every.clone())),
        ];
        let sizes = [
            ("ar_small", (SMALL, most, every.clone())),
            ("ar_medium", (MEDIUM, most, every.clone())),
            ("ar_large", (LARGE, most, every.clone())),
        ];
        let with_keypoints = matches!(self.kind, Kind::Keypoints { .. });
        let recalls = if with_keypoints {
            [("ar", (ALL, most, every)), ("ar50", (ALL, most, at(AT_50))), ("ar75", (ALL, most, at(AT_75)))]
        } else {
            [("ar1", (ALL, 1, every.clone())), ("ar10", (ALL, 10, every.clone())), ("ar100", (ALL, most, every))]
        };
        let classes = self.classes();
        let mut known: BTreeMap<(usize, usize), Vec<Curve>> = BTreeMap::new();
        let mut mean_of = |(range, limit, thresholds): Slice, figure| {
            mean(known.entry((range, limit)).or_insert_with(|| curves(&classes, range, limit)), thresholds, figure)
        };
        let precisions = precisions.map(|(name, slice)| (name, mean_of(slice, |curve| &curve.average_precision)));
        let recalls = recalls.map(|(name, slice)| (name, mean_of(slice, |curve| &curve.recall)));
        let sizes = sizes.map(|(name, slice)| (name, mean_of(slice, |curve| &curve.recall)));
        let figures = precisions.into_iter().chain(recalls).chain(sizes);
        let is_told = |name: &str| !(with_keypoints && name.ends_with("_small"));
        figures.filter(|(name, _)| is_told(name)).map(|(name, figure)| (name.to_owned(), figure)).collect()
    }

    /// The `ap` of one class; NaN when there is no object of it.
    #[must_use]
    pub fn of_class(&self, class: usize) -> f64 {
        let images = self.images.values().filter_map(|classes| classes.get(&class)).collect();
        mean(&curves(&[images], ALL, self.detections()), 0..THRESHOLDS, |curve| &curve.average_precision)
    }

    /// The number of images.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// How many of the surest detections of a class and image count.
    fn detections(&self) -> usize {
        if matches!(self.kind, Kind::Keypoints { .. }) { DETECTIONS_WITH_KEYPOINTS } else { DETECTIONS }
    }

    /// The matches of each class, in the order of images.
    fn classes(&self) -> Vec<Vec<&Matches>> {
        let mut classes: BTreeMap<usize, Vec<&Matches>> = BTreeMap::new();
        for (&class, matches) in self.images.values().flatten() {
            classes.entry(class).or_default().push(matches);
        }
        classes.into_values().collect()
    }
}

impl Merge for CocoEvaluation {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.kind, other.kind, "evaluations of other kinds cannot be merged");
        self.images.extend(other.images);
    }
}

/// The curves of the classes with an object.
fn curves(classes: &[Vec<&Matches>], range: usize, limit: usize) -> Vec<Curve> {
    classes.iter().filter_map(|images| curve(images, range, limit)).collect()
}

/// The mean over classes and thresholds; NaN without classes.
fn mean(curves: &[Curve], thresholds: Range<usize>, figure: fn(&Curve) -> &[f64]) -> f64 {
    let sum: f64 = curves.iter().flat_map(|curve| &figure(curve)[thresholds.clone()]).sum();
    sum / (curves.len() * thresholds.len()) as f64
}

#[cfg(test)]
mod tests {
    use mvl_core::BoxXyxy;

    use super::*;

    fn object() -> Object {
        Object::new(0, BoxXyxy::new(0.0, 0.0, 8.0, 8.0))
    }

    #[test]
    fn nothing_is_nan_and_nan_is_left_out() {
        let mut evaluation = CocoEvaluation::boxes();
        assert!(evaluation.compute().len() == 12 && evaluation.compute().iter().all(|(_, figure)| figure.is_nan()));
        let (bbox, nowhere) = (object().bbox, BoxXyxy::new(f64::NAN, 0.0, 1.0, 1.0));
        let detections =
            [Detection::new(0, f64::NAN, bbox), Detection::new(0, 0.9, nowhere), Detection::new(0, 0.1, bbox)];
        evaluation.add(0, [8, 8], &detections, &[object()]).expect("boxes always fit");
        assert!(evaluation.of_class(0) > 0.999 && evaluation.of_class(1).is_nan());
    }

    #[test]
    fn an_image_counts_once() {
        let mut evaluation = CocoEvaluation::boxes();
        evaluation.add(7, [8, 8], &[], &[object()]).expect("boxes always fit");
        evaluation.merge(evaluation.clone());
        assert_eq!((evaluation.images(), evaluation.of_class(0)), (1, 0.0));
    }

    #[test]
    fn what_is_missing_is_told() {
        let error = CocoEvaluation::masks().add(3, [8, 8], &[], &[object()]).expect_err("no mask");
        assert_eq!(error.to_string(), "expected a mask, got none, in object 0 of image 3");
        let detection = Detection::new(0, 0.5, object().bbox);
        let error = CocoEvaluation::keypoints(&COCO_SIGMAS).add(3, [8, 8], &[detection], &[]).expect_err("no points");
        assert_eq!(error.to_string(), "expected 17 keypoints, got 0, in detection 0 of image 3");
    }
}
