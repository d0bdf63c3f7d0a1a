//! Which detection is which object: COCO's greedy matching, for one class in one image.
//!
//! # Source
//! `evaluateImg` in cocoapi's `PythonAPI/pycocotools/cocoeval.py`, <https://github.com/cocodataset/cocoapi>.

use serde::{Deserialize, Serialize};

/// IoU or OKS from which two are alike: 0.5, 0.55 … 0.95.
pub(super) const THRESHOLDS: usize = 10;

/// All areas, small, medium, large.
pub(super) const AREA_RANGES: usize = 4;

/// Square pixels, both ends included, as COCO has them.
const AREAS_PX: [[f64; 2]; AREA_RANGES] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];

/// Similarity 1 is enough for any threshold.
const HIGHEST: f64 = 1.0 - 1e-10;

/// An object as matching sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// Square pixels.
    pub(super) area: f64,
    /// Takes any number of detections.
    pub(super) is_crowd: bool,
    /// Neither missed when it is not found, nor a find.
    pub(super) is_ignored: bool,
}

/// What became of the detections of one class in one image, in the order of their scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Matches {
    /// Objects to be found, by area range.
    pub(super) objects: [u32; AREA_RANGES],
    pub(super) detections: Vec<Outcome>,
}

/// What became of one detection; a bit a threshold, by area range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) score: f64,
    pub(super) is_right: [u16; AREA_RANGES],
    pub(super) is_wrong: [u16; AREA_RANGES],
}

/// COCO's thresholds, as NumPy's `linspace` computes them.
pub(super) fn threshold(index: usize) -> f64 {
    if index + 1 == THRESHOLDS { 0.95 } else { 0.5 + index as f64 * ((0.95 - 0.5) / 9.0) }
}

/// Matches detections, the surest first, given as score and area, with objects. `similarity` is by detection and object.
pub(super) fn matches(detections: &[(f64, f64)], targets: &[Target], similarity: &[Vec<f64>]) -> Matches {
    let blank = |&(score, _): &(f64, f64)| Outcome { score, is_right: [0; AREA_RANGES], is_wrong: [0; AREA_RANGES] };
    let mut result = Matches { objects: [0; AREA_RANGES], detections: detections.iter().map(blank).collect() };
    for (range, [low, high]) in AREAS_PX.into_iter().enumerate() {
        let is_outside = |area: f64| area < low || area > high;
        let is_ignored: Vec<bool> = targets.iter().map(|t| t.is_ignored || is_outside(t.area)).collect();
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(|&target| is_ignored[target]);
        result.objects[range] = is_ignored.iter().filter(|is_ignored| !**is_ignored).count() as u32;
        for bit in 0..THRESHOLDS {
            let mut is_taken = vec![false; targets.len()];
            for (index, &(_, area)) in detections.iter().enumerate() {
                let is_free = |target: usize| !is_taken[target] || targets[target].is_crowd;
                let found = best(threshold(bit), &order, &is_ignored, is_free, &similarity[index]);
                let outcome = &mut result.detections[index];
                if let Some(target) = found {
                    is_taken[target] = true;
                    outcome.is_right[range] |= u16::from(!is_ignored[target]) << bit;
                } else {
                    outcome.is_wrong[range] |= u16::from(!is_outside(area)) << bit;
                }
            }
        }
    }
    result
}

/// The object most alike, the last among equals; an ignored one only when no other will do.
fn best(
    threshold: f64,
    order: &[usize],
    is_ignored: &[bool],
    is_free: impl Fn(usize) -> bool,
    similarity: &[f64],
) -> Option<usize> {
    let mut needed = threshold.min(HIGHEST);
    let mut found: Option<usize> = None;
    for &target in order.iter().filter(|&&target| is_free(target)) {
        if is_ignored[target] && found.is_some_and(|found| !is_ignored[found]) {
            break;
        }
        if similarity[target] >= needed {
            needed = similarity[target];
            found = Some(target);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(area: f64) -> Target {
        Target { area, is_crowd: false, is_ignored: false }
    }

    #[test]
    fn an_object_is_found_once() {
        let result = matches(&[(0.9, 100.0), (0.8, 100.0)], &[target(100.0)], &[vec![0.7], vec![0.9]]);
        // 0.7 is enough for 0.5 to 0.7; past that the second detection may have it.
        assert_eq!(result.detections[0].is_right[0], 0b00_0001_1111);
        assert_eq!(result.detections[1].is_right[0], 0b01_1110_0000);
        assert_eq!((result.objects, result.detections[0].is_wrong[2]), ([1, 1, 0, 0], 0));
    }

    #[test]
    fn crowds_swallow_any_number() {
        let crowd = Target { area: 100.0, is_crowd: true, is_ignored: true };
        let result = matches(&[(0.9, 9.0), (0.8, 9.0)], &[crowd], &[vec![1.0], vec![1.0]]);
        assert_eq!(result.objects, [0; AREA_RANGES]);
        assert!(result.detections.iter().all(|outcome| outcome.is_right[0] == 0 && outcome.is_wrong[0] == 0));
    }
}
