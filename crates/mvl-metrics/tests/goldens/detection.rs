//! The cases of detection: scenes of boxes, masks and keypoints.

use mvl_core::{Bitmap, BoxXywh, Keypoint, Mask, Object, RunLengths, Visibility};
use mvl_metrics::{COCO_SIGMAS, CocoEvaluation, Detection};

use super::cases::check;
use super::draws::Draws;

const POINTS: usize = COCO_SIGMAS.len();

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Boxes,
    Masks,
    Keypoints,
}

/// Left, top, width, height.
type Place = [i64; 4];

#[derive(Clone)]
struct Image {
    number: u64,
    detections: Vec<Detection>,
    objects: Vec<Object>,
}

impl Kind {
    fn side_px(self) -> i64 {
        if self == Self::Masks { 128 } else { 256 }
    }

    fn evaluation(self) -> CocoEvaluation {
        match self {
            Self::Boxes => CocoEvaluation::boxes(),
            Self::Masks => CocoEvaluation::masks(),
            Self::Keypoints => CocoEvaluation::keypoints(&COCO_SIGMAS),
        }
    }
}

/// From a few pixels to most of the picture.
fn placed(draws: &mut Draws, side: i64) -> Place {
    let largest = [8, 40, side / 2, side - 1][draws.below(4)];
    let (w, h) = (draws.within(3, largest), draws.within(3, largest));
    [draws.within(0, side - w), draws.within(0, side - h), w, h]
}

/// Each number off by up to a quarter of the size.
fn moved(draws: &mut Draws, [x, y, w, h]: Place, side: Option<i64>) -> Place {
    let mut off = |size: i64| draws.within(-(size / 4), size / 4);
    let (x, y) = (x + off(w), y + off(h));
    let (w, h) = ((w + off(w)).max(1), (h + off(h)).max(1));
    let Some(side) = side else { return [x, y, w, h] };
    let (x, y) = (x.clamp(0, side - 1), y.clamp(0, side - 1));
    [x, y, w.min(side - x), h.min(side - y)]
}

/// The pixels whose centres lie in the ellipse that fills the box.
fn ellipse([x, y, w, h]: Place, side: i64) -> RunLengths {
    let is_inside = |place: i64| {
        let (dx, dy) = (2 * (place % side - x) + 1 - w, 2 * (place / side - y) + 1 - h);
        u8::from(dx * dx * h * h + dy * dy * w * w <= w * w * h * h)
    };
    let pixels = (0..side * side).map(is_inside).collect();
    RunLengths::from_bitmap(&Bitmap::new(side as u32, side as u32, pixels).expect("as many as pixels"))
}

fn points_in(draws: &mut Draws, [x, y, w, h]: Place) -> Vec<[f64; 2]> {
    let mut along = |start: i64, size: i64| start as f64 + draws.below(4 * size as usize) as f64 / 4.0;
    (0..POINTS).map(|_| [along(x, w), along(y, h)]).collect()
}

fn object(draws: &mut Draws, kind: Kind, classes: usize, side: i64) -> (Object, Place) {
    let place = placed(draws, side);
    let class = draws.below(classes);
    let (is_crowd, has_area) = (draws.once_in(8), draws.once_in(2));
    let mut object = Object::new(class, BoxXywh::from(place.map(|number| number as f64)).into());
    object.crowd = is_crowd;
    object.area = has_area.then_some((place[2] * place[3]) as f64 / 2.0);
    if kind == Kind::Masks {
        object.mask = Some(Mask::RunLengths(ellipse(place, side)));
    }
    if kind == Kind::Keypoints {
        let points = points_in(draws, place);
        let is_labelled = !draws.once_in(8);
        let keypoint = |[x, y]: [f64; 2]| {
            let code = if is_labelled { draws.below(3) as u8 } else { 0 };
            Keypoint { x, y, visibility: Visibility::from_code(code).expect("0 to 2") }
        };
        object.keypoints = points.into_iter().map(keypoint).collect();
    }
    (object, place)
}

fn detection(
    draws: &mut Draws,
    kind: Kind,
    classes: usize,
    side: i64,
    levels: usize,
    known: &[(Object, Place)],
) -> Detection {
    let (place, class, points) = if !known.is_empty() && !draws.once_in(4) {
        let (object, place) = &known[draws.below(known.len())];
        let place = moved(draws, *place, (kind == Kind::Masks).then_some(side));
        let class = if draws.once_in(10) { draws.below(classes) } else { object.class };
        (place, class, object.keypoints.iter().map(|point| [point.x, point.y]).collect())
    } else {
        let place = placed(draws, side);
        (place, draws.below(classes), Vec::new())
    };
    let score = draws.level(levels);
    let detection = Detection::new(class, score, BoxXywh::from(place.map(|number| number as f64)).into());
    match kind {
        Kind::Boxes => detection,
        Kind::Masks => detection.with_mask(Mask::RunLengths(ellipse(place, side))),
        Kind::Keypoints => {
            let points = if points.is_empty() { points_in(draws, place) } else { points };
            let reach = (place[2] / 4).max(1);
            let mut off = |at: f64| at + draws.within(-4 * reach, 4 * reach) as f64 / 16.0;
            detection.with_keypoints(points.into_iter().map(|[x, y]| [off(x), off(y)]).collect())
        }
    }
}

fn scene(draws: &mut Draws, kind: Kind, case: usize) -> Vec<Image> {
    let side = kind.side_px();
    let classes = draws.size(1, if kind == Kind::Keypoints { 2 } else { 3 });
    let (levels, is_crowded) = (draws.levels(), case.is_multiple_of(50));
    let images = if is_crowded { 1 } else { draws.below(5) };
    let image = |number| {
        let count = draws.below(6);
        let known: Vec<(Object, Place)> = (0..count).map(|_| object(draws, kind, classes, side)).collect();
        let count = if is_crowded { 130 } else { draws.below(10) };
        let detections = (0..count).map(|_| detection(draws, kind, classes, side, levels, &known)).collect();
        Image { number: 1000 - 7 * number, detections, objects: known.into_iter().map(|(object, _)| object).collect() }
    };
    (0..images as u64).map(image).collect()
}

fn check_kind(name: &str, kind: Kind) {
    let side = kind.side_px() as u32;
    let update = |evaluation: &mut CocoEvaluation, images: &[Image]| {
        for Image { number, detections, objects } in images {
            evaluation.add(*number, [side, side], detections, objects).expect("sound scenes");
        }
    };
    let figures = |evaluation: &CocoEvaluation| evaluation.compute().into_iter().map(|figure| figure.1).collect();
    check(name, |draws, case| (kind.evaluation(), scene(draws, kind, case)), update, figures);
}

#[test]
fn coco_boxes() {
    check_kind("coco_boxes", Kind::Boxes);
}

#[test]
fn coco_masks() {
    check_kind("coco_masks", Kind::Masks);
}

#[test]
fn coco_keypoints() {
    check_kind("coco_keypoints", Kind::Keypoints);
}
