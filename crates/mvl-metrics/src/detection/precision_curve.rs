//! From matches of all images to precision and recall: COCO's interpolation at 101 recalls.
//!
//! # Source
//! `accumulate` in cocoapi's `PythonAPI/pycocotools/cocoeval.py`, <https://github.com/cocodataset/cocoapi>.

use super::matching::{Matches, Outcome, THRESHOLDS};

/// Recalls 0, 0.01 … 1.
const RECALLS: usize = 101;

/// One class's figures at each threshold of similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    /// Mean of the interpolated precision over the 101 recalls.
    pub(super) average_precision: [f64; THRESHOLDS],
    /// The share of objects found in the end.
    pub(super) recall: [f64; THRESHOLDS],
}

/// The curve over images of the surest `limit` detections of each; `None` when there is no object to be found.
pub(super) fn curve(images: &[&Matches], range: usize, limit: usize) -> Option<Curve> {
    let objects: u64 = images.iter().map(|image| u64::from(image.objects[range])).sum();
    if objects == 0 {
        return None;
    }
    let mut ranked: Vec<&Outcome> = images.iter().flat_map(|image| image.detections.iter().take(limit)).collect();
    ranked.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("a NaN is no sound score"));
    let mut result = Curve { average_precision: [0.0; THRESHOLDS], recall: [0.0; THRESHOLDS] };
    for bit in 0..THRESHOLDS {
        let is_set = |bits: u16| bits >> bit & 1 == 1;
        let (mut right, mut wrong) = (0.0, 0.0);
        let mut points = Vec::with_capacity(ranked.len()); // (recall, precision) after each detection
        for outcome in &ranked {
            right += f64::from(is_set(outcome.is_right[range]));
            wrong += f64::from(is_set(outcome.is_wrong[range]));
            points.push((right / objects as f64, right / (wrong + right + f64::EPSILON)));
        }
        result.recall[bit] = right / objects as f64;
        result.average_precision[bit] = interpolated(&mut points);
    }
    Some(result)
}

/// The mean over the recalls of the highest precision from there on.
fn interpolated(points: &mut [(f64, f64)]) -> f64 {
    for index in (1..points.len()).rev() {
        points[index - 1].1 = points[index - 1].1.max(points[index].1);
    }
    let (mut next, mut sum) = (0, 0.0);
    for step in 0..RECALLS {
        let recall = if step + 1 == RECALLS { 1.0 } else { step as f64 * 0.01 };
        while points.get(next).is_some_and(|point| point.0 < recall) {
            next += 1;
        }
        sum += points.get(next).map_or(0.0, |point| point.1);
    }
    sum / RECALLS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_precision_from_a_recall_on() {
        // Half the objects are found at precision 1, the others at 2/3, past a detour at 1/2.
        let precision = interpolated(&mut [(0.5, 1.0), (0.5, 0.5), (1.0, 2.0 / 3.0)]);
        assert!((precision - (51.0 + 50.0 * 2.0 / 3.0) / 101.0).abs() < 1e-12, "{precision}");
        assert_eq!(interpolated(&mut []), 0.0);
    }

    #[test]
    fn without_objects_nothing_is_said() {
        assert_eq!(curve(&[&Matches::default()], 0, 100), None);
    }
}
