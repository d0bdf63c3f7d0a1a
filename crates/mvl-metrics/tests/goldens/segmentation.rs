//! The cases of segmentation.

use mvl_core::ClassMap;
use mvl_metrics::{BoundaryF1, PanopticMap, PanopticQuality, SegmentationOverlap};

use super::cases::check_metric;
use super::draws::Draws;

fn map(height: usize, width: usize, classes: Vec<u16>) -> ClassMap {
    ClassMap::new(width as u32, height as u32, classes).expect("as many as pixels")
}

/// Fills a rectangle.
fn paint<T: Copy>(draws: &mut Draws, map: &mut [T], (height, width): (usize, usize), value: impl Fn(&mut Draws) -> T) {
    let (top, left) = (draws.below(height), draws.below(width));
    let (bottom, right) = (draws.size(top, height), draws.size(left, width));
    let value = value(draws);
    (top..bottom).for_each(|y| map[y * width..][left..right].fill(value));
}

/// A map of one value with rectangles of others.
fn painted<T: Copy>(draws: &mut Draws, size: (usize, usize), value: impl Fn(&mut Draws) -> T) -> Vec<T> {
    let mut map = vec![value(draws); size.0 * size.1];
    for _ in 0..draws.below(5) {
        paint(draws, &mut map, size, &value);
    }
    map
}

#[test]
fn overlap() {
    let make = |draws: &mut Draws, _| {
        let classes = draws.size(2, 6);
        let occurring = draws.size(1, classes);
        let images = draws.size(1, 4);
        let image = |_| {
            let (height, width) = (draws.size(1, 12), draws.size(1, 12));
            let pixel = |_| {
                let (real, guess) = (draws.below(occurring) as u16, draws.below(classes) as u16);
                let told = if draws.unit() < 0.6 { real } else { guess };
                (told, if draws.once_in(8) { ClassMap::IGNORE } else { real })
            };
            let (told, truth) = (0..height * width).map(pixel).unzip();
            (map(height, width, told), map(height, width, truth))
        };
        (SegmentationOverlap::new(classes), (0..images).map(image).collect())
    };
    check_metric("overlap", make, |metric| vec![metric.iou(0)]);
}

#[test]
fn boundary_f1() {
    let make = |draws: &mut Draws, _| {
        let classes = draws.size(2, 4);
        let tolerance_px = [0.0, 1.0, 1.5, 2.0, 3.0, 5.0][draws.below(6)];
        let images = draws.size(1, 3);
        let image = |_| {
            let (height, width) = (draws.size(1, 14), draws.size(1, 14));
            let value = |d: &mut Draws| if d.once_in(6) { ClassMap::IGNORE } else { d.below(classes) as u16 };
            let truth = painted(draws, (height, width), value);
            let (down, right) = (draws.within(-2, 2), draws.within(-2, 2));
            let gone = draws.below(classes + 1) as u16;
            let at = |place: usize, by: i64, side: usize| (place as i64 + by).clamp(0, side as i64 - 1) as usize;
            let moved = |place: usize| truth[at(place / width, down, height) * width + at(place % width, right, width)];
            let told =
                |place| Some(moved(place)).filter(|&class| class != ClassMap::IGNORE && class != gone).unwrap_or(0);
            (map(height, width, (0..height * width).map(told).collect()), map(height, width, truth.clone()))
        };
        (BoundaryF1::new(classes, tolerance_px), (0..images).map(image).collect())
    };
    check_metric("boundary_f1", make, |metric| vec![metric.of_class(0)]);
}

#[test]
fn panoptic_quality() {
    let make = |draws: &mut Draws, _| {
        let (things, stuff) = (draws.size(1, 3), draws.size(1, 2));
        let classes = things + stuff;
        let images = draws.size(1, 3);
        let image = |_| {
            let size = (draws.size(2, 14), draws.size(2, 14));
            let value = |d: &mut Draws| (d.below(classes + 1) as u16, d.below(4) as u32);
            let truth = painted(draws, size, value);
            let mut told = truth.clone();
            for _ in 0..draws.below(4) {
                paint(draws, &mut told, size, value);
            }
            let panoptic = |pixels: Vec<(u16, u32)>| {
                let (classes, instances) = pixels.into_iter().unzip();
                PanopticMap::new(map(size.0, size.1, classes), instances).expect("as many as pixels")
            };
            (panoptic(told), panoptic(truth))
        };
        let is_thing = (0..classes).map(|class| class < things).collect();
        (PanopticQuality::new(is_thing), (0..images).map(image).collect())
    };
    check_metric("panoptic_quality", make, |_| vec![]);
}
