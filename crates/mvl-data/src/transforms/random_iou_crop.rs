//! A part of the image that holds enough of one object.
//!
//! # Source
//! Liu et al. 2015 (SSD), <https://arxiv.org/abs/1512.02325>; the drawing is that of `RandomIoUCrop` in torchvision.

use mvl_core::{BoxXyxy, DataError, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, range_problem};
use crate::geometry::{Window, move_sample};
use crate::ops::CropBox;

/// How often an overlap is drawn before the image stays whole, where torchvision goes on for ever.
const ROUNDS: usize = 50;

/// Cuts out a part whose overlap with an object's box is large enough; the least overlap is drawn too.
///
/// Objects whose centre is not in the part stay in the list with a box of no area, as in torchvision; let
/// [`SanitizeBoxes`](super::SanitizeBoxes) follow, which removes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomIouCrop {
    /// The least and the largest share of each side; 0.3 to 1 unless said otherwise.
    pub scale: [f64; 2],
    /// The least and the largest width divided by height; 0.5 to 2 unless said otherwise.
    pub ratio: [f64; 2],
    /// The least overlaps (intersection over union) to draw from; 1 leaves the image whole.
    pub overlaps: Vec<f64>,
    /// How often a part is drawn for each overlap.
    pub tries: usize,
}

impl Default for RandomIouCrop {
    fn default() -> Self {
        Self { scale: [0.3, 1.0], ratio: [0.5, 2.0], overlaps: vec![0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0], tries: 40 }
    }
}

impl RandomIouCrop {
    /// The part of an image of `[height, width]` with these boxes; `None` leaves the image whole.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], boxes: &[BoxXyxy], rng: &mut SampleRng) -> Option<CropBox> {
        if boxes.is_empty() || self.overlaps.is_empty() {
            return None;
        }
        for _ in 0..ROUNDS {
            let overlap = self.overlaps[rng.below(self.overlaps.len())];
            if overlap >= 1.0 {
                return None;
            }
            for _ in 0..self.tries {
                let part = self.part(image, rng).filter(|part| {
                    let inside = boxes.iter().filter(|bbox| holds_centre(part, bbox));
                    inside.map(|bbox| bbox.iou(&edges(part))).reduce(f64::max).is_some_and(|most| most >= overlap)
                });
                if part.is_some() {
                    return part;
                }
            }
        }
        None
    }

    /// A part of allowed sides; `None` when the aspect ratio drawn is not allowed.
    fn part(&self, image: [u32; 2], rng: &mut SampleRng) -> Option<CropBox> {
        let [low, high] = self.scale;
        let [width, height] = [image[1], image[0]].map(|side| (f64::from(side) * rng.between(low, high)) as u32);
        let [least, most] = self.ratio;
        if height == 0 || width == 0 || !(least..=most).contains(&(f64::from(width) / f64::from(height))) {
            return None;
        }
        let [left, top] = [image[1] - width, image[0] - height].map(|spare| (f64::from(spare) * rng.unit()) as u32);
        Some(CropBox { top, left, height, width })
    }
}

fn edges(part: &CropBox) -> BoxXyxy {
    let (left, top) = (f64::from(part.left), f64::from(part.top));
    BoxXyxy::new(left, top, left + f64::from(part.width), top + f64::from(part.height))
}

fn holds_centre(part: &CropBox, bbox: &BoxXyxy) -> bool {
    let (part, x, y) = (edges(part), 0.5 * (bbox.x1 + bbox.x2), 0.5 * (bbox.y1 + bbox.y2));
    part.x1 < x && x < part.x2 && part.y1 < y && y < part.y2
}

impl Transform for RandomIouCrop {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let image = sample.image.size();
        let boxes: Vec<BoxXyxy> = sample.annotations.objects.iter().map(|object| object.bbox).collect();
        let Some(part) = self.draw(image, &boxes, draw.rng()) else { return Ok(sample) };
        sample = move_sample(sample, &Window::part(image, part))?;
        for (object, before) in sample.annotations.objects.iter_mut().zip(&boxes) {
            if !holds_centre(&part, before) {
                object.bbox = BoxXyxy::default();
            }
        }
        Ok(sample)
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        None
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = range_problem("scale", self.scale, 0.0..=1.0).into_iter().collect();
        problems.extend(range_problem("ratio", self.ratio, 0.0..=f64::MAX));
        if self.overlaps.is_empty() || self.overlaps.iter().any(|overlap| !(0.0..=1.0).contains(overlap)) {
            problems.push(format!("overlaps: expected numbers from 0 to 1, got {:?}", self.overlaps));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::SampleKey;

    #[test]
    fn a_part_keeps_its_promise() {
        let boxes = [BoxXyxy::new(10.0, 10.0, 50.0, 60.0), BoxXyxy::new(70.0, 5.0, 90.0, 30.0)];
        let crop = RandomIouCrop { overlaps: vec![0.5], ..RandomIouCrop::default() };
        let mut found = 0;
        for index in 0..50 {
            let Some(part) = crop.draw([80, 100], &boxes, &mut SampleKey::plain(index).rng(0)) else { continue };
            found += 1;
            assert!(part.fits(80, 100), "{part:?}");
            let ratio = f64::from(part.width) / f64::from(part.height);
            assert!((0.5..=2.0).contains(&ratio), "{part:?}");
            assert!(boxes.iter().any(|bbox| holds_centre(&part, bbox) && bbox.iou(&edges(&part)) >= 0.5), "{part:?}");
        }
        assert!(found > 40, "{found} of 50");
    }

    #[test]
    fn no_part_is_looked_for_for_ever() {
        let far = [BoxXyxy::new(500.0, 500.0, 501.0, 501.0)];
        let crop = RandomIouCrop { overlaps: vec![0.9], ..RandomIouCrop::default() };
        assert_eq!(crop.draw([80, 100], &far, &mut SampleKey::plain(0).rng(0)), None);
        assert_eq!(crop.draw([80, 100], &[], &mut SampleKey::plain(0).rng(0)), None);
    }
}
