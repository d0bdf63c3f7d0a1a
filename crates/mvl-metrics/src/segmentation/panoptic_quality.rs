//! Panoptic quality: segments found, times how well they fit.
//!
//! # Source
//! A. Kirillov et al., Panoptic Segmentation, CVPR 2019, <https://arxiv.org/abs/1801.00868>; as torchmetrics' `PanopticQuality` with
//! unknown classes allowed.

use std::collections::{HashMap, HashSet};

use mvl_core::Metric;
use serde::{Deserialize, Serialize};

use super::{PanopticMap, check_sizes};
use crate::Merge;
use crate::unit_sum::UnitSum;

/// Of a segment that shares more than half of its union with another no one else can: matches are unique.
const MATCHING_IOU: f64 = 0.5;

/// `panoptic_quality`, `segmentation_quality` (the mean IoU of matched segments) and `recognition_quality` (their F1), 0 to 1,
/// averaged over the classes that have a segment in either map.
///
/// Segments match when they are of one class and their IoU is above one half. Pixels of classes past the last are void: they belong to
/// no segment, void pixels are left out of the other map's segments when the IoU is taken, and an unmatched segment that lies in
/// the other map's void for more than half does not count. NaN before the first segment.
///
/// # Example
/// ```
/// use mvl_core::{ClassMap, Metric};
/// use mvl_metrics::{PanopticMap, PanopticQuality};
/// let map = |instances: [u32; 4]| PanopticMap::new(ClassMap::new(4, 1, vec![0; 4])?, instances.to_vec());
/// let mut metric = PanopticQuality::new(vec![true]); // class 0 is of things, which have instances
/// metric.update(&[map([7, 7, 7, 8])?], &[map([1, 1, 1, 1])?]); // one match with an IoU of 3/4, one segment too many
/// assert_eq!(metric.compute()[0], ("panoptic_quality".to_owned(), 0.75 / 1.5));
/// # Ok::<(), mvl_core::MaskSizeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanopticQuality {
    is_thing: Vec<bool>,
    classes: Vec<ClassTally>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ClassTally {
    matched: u64,
    /// Predicted segments, then true ones, without a match.
    unmatched: [u64; 2],
    iou: UnitSum,
}

/// Class and instance; `None` is void.
type Segment = Option<(u16, u32)>;

impl ClassTally {
    fn is_seen(&self) -> bool {
        self.matched + self.unmatched[0] + self.unmatched[1] > 0
    }

    fn segmentation_quality(&self) -> f64 {
        if self.matched == 0 { 0.0 } else { self.iou.over(self.matched) }
    }

    fn recognition_quality(&self) -> f64 {
        self.matched as f64 / (self.matched as f64 + (self.unmatched[0] + self.unmatched[1]) as f64 / 2.0)
    }
}

impl PanopticQuality {
    /// Nothing seen yet. For each class, whether it is of things, with instances, or stuff, which is one segment an image.
    #[must_use]
    pub fn new(is_thing: Vec<bool>) -> Self {
        Self { classes: vec![ClassTally::default(); is_thing.len()], is_thing }
    }

    /// The panoptic quality of one class, 0 to 1; NaN when neither map has a segment of it.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> f64 {
        let tally = self.classes[class];
        tally.segmentation_quality() * tally.recognition_quality()
    }

    fn segments<'a>(&'a self, map: &'a PanopticMap) -> impl Iterator<Item = Segment> + 'a {
        map.classes().classes().iter().zip(map.instances()).map(|(&class, &instance)| {
            let is_thing = self.is_thing.get(usize::from(class))?;
            Some((class, if *is_thing { instance } else { 0 }))
        })
    }

    fn add(&mut self, predicted: &PanopticMap, truth: &PanopticMap) {
        check_sizes(predicted.classes(), truth.classes());
        let shared = areas(self.segments(predicted).zip(self.segments(truth)));
        let sides = [areas(self.segments(predicted)), areas(self.segments(truth))];
        let area_of = |pair| shared.get(&pair).copied().unwrap_or(0);
        let mut matched = [HashSet::new(), HashSet::new()];
        for (&(told, real), &intersection) in &shared {
            let (Some((class, _)), Some((true_class, _))) = (told, real) else { continue };
            if class != true_class {
                continue;
            }
            let void = area_of((told, None)) + area_of((None, real));
            let iou = intersection as f64 / (sides[0][&told] + sides[1][&real] - void - intersection) as f64;
            if iou > MATCHING_IOU {
                let tally = &mut self.classes[usize::from(class)];
                tally.matched += 1;
                tally.iou.add(iou);
                matched[0].insert(told);
                matched[1].insert(real);
            }
        }
        for (side, segments) in sides.iter().enumerate() {
            for (&segment, &area) in segments {
                let Some((class, _)) = segment else { continue };
                let void = area_of(if side == 0 { (segment, None) } else { (None, segment) });
                if !matched[side].contains(&segment) && 2 * void <= area {
                    self.classes[usize::from(class)].unmatched[side] += 1;
                }
            }
        }
    }
}

impl Metric<PanopticMap, PanopticMap> for PanopticQuality {
    /// # Panics
    /// If a predicted map is not as large as the true one.
    fn update(&mut self, predictions: &[PanopticMap], truths: &[PanopticMap]) {
        predictions.iter().zip(truths).for_each(|(predicted, truth)| self.add(predicted, truth));
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let seen: Vec<&ClassTally> = self.classes.iter().filter(|tally| tally.is_seen()).collect();
        let mean =
            |figure: fn(&ClassTally) -> f64| seen.iter().map(|tally| figure(tally)).sum::<f64>() / seen.len() as f64;
        vec![
            ("panoptic_quality".to_owned(), mean(|tally| tally.segmentation_quality() * tally.recognition_quality())),
            ("segmentation_quality".to_owned(), mean(ClassTally::segmentation_quality)),
            ("recognition_quality".to_owned(), mean(ClassTally::recognition_quality)),
        ]
    }
}

impl Merge for PanopticQuality {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.is_thing, other.is_thing, "tallies of other classes cannot be merged");
        for (ours, theirs) in self.classes.iter_mut().zip(other.classes) {
            ours.matched += theirs.matched;
            ours.unmatched[0] += theirs.unmatched[0];
            ours.unmatched[1] += theirs.unmatched[1];
            ours.iou.merge(theirs.iou);
        }
    }
}

/// How often each value comes. Neighbours mostly are the same, so they are counted before they are looked up.
fn areas<T: Copy + Eq + std::hash::Hash>(pixels: impl Iterator<Item = T>) -> HashMap<T, u64> {
    let mut areas = HashMap::new();
    let mut run: Option<(T, u64)> = None;
    for pixel in pixels {
        run = match run {
            Some((value, length)) if value == pixel => Some((value, length + 1)),
            ended => {
                ended.into_iter().for_each(|(value, length)| *areas.entry(value).or_default() += length);
                Some((pixel, 1))
            }
        };
    }
    run.into_iter().for_each(|(value, length)| *areas.entry(value).or_default() += length);
    areas
}

#[cfg(test)]
mod tests {
    use mvl_core::ClassMap;

    use super::*;

    fn map(pixels: [(u16, u32); 4]) -> PanopticMap {
        let classes = ClassMap::new(4, 1, pixels.iter().map(|pixel| pixel.0).collect()).expect("four pixels");
        PanopticMap::new(classes, pixels.iter().map(|pixel| pixel.1).collect()).expect("as many instances")
    }

    #[test]
    fn void_is_left_out() {
        let mut metric = PanopticQuality::new(vec![true, false]);
        metric.update(&[map([(0, 1), (0, 1), (0, 2), (1, 5)])], &[map([(0, 3), (9, 0), (9, 0), (1, 6)])]);
        // The first segment fits but for void, the second lies in void, stuff has no instances.
        assert!(metric.compute().iter().all(|(_, figure)| *figure == 1.0));
    }

    #[test]
    fn nothing_seen_is_nan() {
        let mut metric = PanopticQuality::new(vec![true]);
        metric.update(&[map([(9, 0); 4])], &[map([(8, 0); 4])]);
        assert!(metric.compute().iter().all(|(_, figure)| figure.is_nan()) && metric.of_class(0).is_nan());
    }
}
