//! How much a detection and an object are alike, 0 to 1: IoU of boxes and masks, OKS of keypoints.
//!
//! Against a crowd the union is the detection alone: it may be any part of the crowd. Operations come in the order of pycocotools'
//! `maskApi.c` and `cocoeval.py`, so that results are the same to the last bit.

use mvl_core::{BoxXyxy, Keypoint, RunLengths, Visibility};

/// IoU of boxes.
pub(super) fn boxes(detected: &BoxXyxy, object: &BoxXyxy, is_crowd: bool) -> f64 {
    let width = detected.x2.min(object.x2) - detected.x1.max(object.x1);
    let height = detected.y2.min(object.y2) - detected.y1.max(object.y1);
    if width <= 0.0 || height <= 0.0 {
        return 0.0;
    }
    let shared = width * height;
    let area = |b: &BoxXyxy| b.width() * b.height();
    shared / if is_crowd { area(detected) } else { area(detected) + area(object) - shared }
}

/// IoU of masks of one image.
pub(super) fn masks(detected: &RunLengths, object: &RunLengths, is_crowd: bool) -> f64 {
    let shared = intersection(&detected.counts, &object.counts);
    let union = if is_crowd { detected.area() } else { detected.area() + object.area() - shared };
    if shared == 0 { 0.0 } else { shared as f64 / union as f64 }
}

/// Pixels inside of both. Runs alternate, beginning with outside.
fn intersection(a: &[u32], b: &[u32]) -> u64 {
    let mut ends = [0_u64; 2];
    let (mut place, mut next, mut shared) = (0, [0_usize; 2], 0);
    loop {
        for (side, counts) in [a, b].into_iter().enumerate() {
            while ends[side] <= place {
                let Some(&count) = counts.get(next[side]) else { return shared };
                ends[side] += u64::from(count);
                next[side] += 1;
            }
        }
        let end = ends[0].min(ends[1]);
        if next.iter().all(|runs_begun| runs_begun % 2 == 0) {
            shared += end - place; // the second, fourth … run of both
        }
        place = end;
    }
}

/// Object keypoint similarity. For an object without a labelled point: how far the points are from twice its box.
pub(super) fn keypoints(detected: &[[f64; 2]], object: &[Keypoint], bbox: &BoxXyxy, area: f64, sigmas: &[f64]) -> f64 {
    let is_labelled = |point: &Keypoint| point.visibility != Visibility::Unlabelled;
    let similarity = |[dx, dy]: [f64; 2], sigma: f64| {
        let variance = (sigma * 2.0) * (sigma * 2.0);
        (-((dx * dx + dy * dy) / variance / (area + f64::EPSILON) / 2.0)).exp()
    };
    let similarities: Vec<f64> = if object.iter().any(is_labelled) {
        let labelled = detected.iter().zip(object).zip(sigmas).filter(|((_, point), _)| is_labelled(point));
        labelled.map(|(([x, y], point), &sigma)| similarity([x - point.x, y - point.y], sigma)).collect()
    } else {
        let beyond = |at: f64, low: f64, side: f64| (low - side - at).max(0.0) + (at - (low + side * 2.0)).max(0.0);
        let distance = |&[x, y]: &[f64; 2]| [beyond(x, bbox.x1, bbox.width()), beyond(y, bbox.y1, bbox.height())];
        detected.iter().zip(sigmas).map(|(point, &sigma)| similarity(distance(point), sigma)).collect()
    };
    similarities.iter().sum::<f64>() / similarities.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_crowd_is_all_of_it() {
        let (part, crowd) = (BoxXyxy::new(1.0, 1.0, 2.0, 2.0), BoxXyxy::new(0.0, 0.0, 4.0, 2.0));
        assert_eq!((boxes(&part, &crowd, false), boxes(&part, &crowd, true)), (0.125, 1.0));
    }

    #[test]
    fn runs_intersect() {
        let runs = |counts: &[u32]| RunLengths { width: 4, height: 2, counts: counts.to_vec() };
        let (a, b) = (runs(&[1, 4, 3]), runs(&[0, 2, 0, 1, 5]));
        assert_eq!(masks(&a, &b, false), 2.0 / 5.0);
        assert_eq!(masks(&a, &runs(&[5, 3]), false), 0.0);
    }

    #[test]
    fn only_labelled_points_count() {
        let bbox = BoxXyxy::new(0.0, 0.0, 10.0, 10.0);
        let point = |visibility| Keypoint { x: 3.0, y: 4.0, visibility };
        let object = [point(Visibility::Visible), point(Visibility::Unlabelled)];
        assert_eq!(keypoints(&[[3.0, 4.0], [90.0, 0.0]], &object, &bbox, 100.0, &[0.1, 0.1]), 1.0);
        let unlabelled = [point(Visibility::Unlabelled)];
        assert_eq!(keypoints(&[[20.0, -10.0]], &unlabelled, &bbox, 100.0, &[0.1]), 1.0, "within twice the box");
    }
}
