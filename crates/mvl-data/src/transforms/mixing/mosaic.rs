//! Four images around a point.
//!
//! # Source
//! Bochkovskiy et al. 2020 (YOLOv4), <https://arxiv.org/abs/2004.10934>, in the form of YOLOv5 and MMDetection: each image is scaled to
//! fit into a quarter of the canvas, its inner corner touches the point, and what reaches beyond the canvas is cut off. The random
//! affine change that usually follows is a step of its own (`random_affine`, `random_resized_crop`).

use mvl_core::{Annotations, ClassMap, DataError, Filter, Image, MaskSizeError, Object, Sample};
use serde::{Deserialize, Serialize};

use super::mixed_classes::mixed_classes;
use crate::geometry::{Fill, Rescale, Window, move_sample};
use crate::ops::{CropBox, paste, paste_rows};
use crate::transforms::{Draw, Transform, sides};

/// YOLOv5's grey.
const GRAY: u8 = 114;
/// Where the point lies, as shares of the sides.
const CENTER: [f64; 2] = [0.25, 0.75];

/// Puts the image and three others of the data set onto a canvas: the image on the upper left, the others on the upper right, the
/// lower left and the lower right of a random point.
///
/// Objects are cut off with their images. Classes become [weights](mvl_core::Annotations::class_weights) by area.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mosaic {
    /// `[height, width]` of the canvas in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
    /// The least and the largest place of the point, as a share of each side; 0.25 to 0.75 unless said otherwise.
    #[serde(default = "default_center")]
    pub center: [f64; 2],
    /// The colour where there is no image; a grey of 114 unless said otherwise.
    #[serde(default = "default_fill")]
    pub fill: Fill,
    /// Objects of which less than this share of the box is left are removed; 0.1 unless said otherwise.
    #[serde(default = "default_min_visible")]
    pub min_visible: f64,
}

fn default_center() -> [f64; 2] {
    CENTER
}

fn default_fill() -> Fill {
    Fill::gray(GRAY)
}

fn default_min_visible() -> f64 {
    0.1
}

/// The four places, as whether it is below and whether it is to the right of the point.
const QUARTERS: [[bool; 2]; 4] = [[false, false], [false, true], [true, false], [true, true]];

impl Mosaic {
    /// The defaults.
    #[must_use]
    pub fn new(size: [u32; 2]) -> Self {
        Self { size, center: CENTER, fill: default_fill(), min_visible: default_min_visible() }
    }

    /// Puts samples around a point `[row, column]`.
    fn assemble(&self, samples: [Sample; 4], point: [u32; 2]) -> Result<Sample, DataError> {
        let source = samples[0].source.clone();
        let parts = samples.into_iter().zip(QUARTERS).map(|(sample, quarter)| self.place(sample, quarter, point));
        let mut parts = parts.collect::<Result<Vec<Part>, DataError>>()?;

        let [height, width] = self.size;
        let channels = parts[0].sample.image.channels();
        let fill = &self.fill.levels(channels)[..channels.count()];
        let mut image = Image::new(width, height, channels, fill.repeat(height as usize * width as usize))
            .map_err(|error| DataError::invalid(format!("{error}; {source}")))?;
        let seen: f64 = parts.iter().map(Part::area).sum();
        let mut annotations = Annotations::default();
        let shares: Vec<(&Annotations, f64)> =
            parts.iter().map(|part| (&part.sample.annotations, part.area() / seen.max(1.0))).collect();
        (annotations.label, annotations.class_weights) = mixed_classes(&shares);
        annotations.class_map =
            self.class_map(&parts).map_err(|error| DataError::invalid(format!("{error}; {source}")))?;
        for part in &mut parts {
            if let Some(area) = part.seen {
                image = paste(image, &part.sample.image, area);
            }
            annotations.objects.append(&mut part.sample.annotations.objects);
        }
        let mut mosaic = Sample::new(image, source);
        mosaic.annotations = annotations;
        Ok(mosaic)
    }

    /// Scales a sample and moves it to its place on a canvas of its own.
    fn place(&self, sample: Sample, [below, right]: [bool; 2], [row, column]: [u32; 2]) -> Result<Part, DataError> {
        let from = sample.image.size();
        let factor = (0..2).map(|axis| f64::from(self.size[axis]) / 2.0 / f64::from(from[axis]));
        let factor = factor.fold(f64::INFINITY, f64::min);
        let scaled = from.map(|side| ((f64::from(side) * factor).round() as u32).max(1));
        let mut sample = move_sample(sample, &Rescale::new(from, scaled, Filter::Bilinear))?;
        let whole: Vec<f64> = sample.annotations.objects.iter().map(|object| object.bbox.area()).collect();

        let start =
            |at: u32, side: u32, after: bool| if after { i64::from(at) } else { i64::from(at) - i64::from(side) };
        let corner = [start(row, scaled[0], below), start(column, scaled[1], right)];
        sample = move_sample(sample, &Window::new(scaled, corner.map(|start| -start), self.size))?;
        let left = |(object, whole): (Object, f64)| {
            let enough = object.bbox.is_proper() && object.bbox.area() >= self.min_visible * whole;
            enough.then_some(object)
        };
        sample.annotations.objects =
            std::mem::take(&mut sample.annotations.objects).into_iter().zip(whole).filter_map(left).collect();

        let span = |axis: usize| {
            let clamp = |at: i64| at.clamp(0, i64::from(self.size[axis])) as u32;
            let (from, to) = (clamp(corner[axis]), clamp(corner[axis] + i64::from(scaled[axis])));
            (from, to - from)
        };
        let ((top, height), (left, width)) = (span(0), span(1));
        let area = CropBox { top, left, height, width };
        let seen = area.fits(self.size[0], self.size[1]).then_some(area);
        Ok(Part { sample, seen })
    }

    /// The class maps put together, when there is one; what is not known counts for nothing.
    fn class_map(&self, parts: &[Part]) -> Result<Option<ClassMap>, MaskSizeError> {
        let [height, width] = self.size;
        if parts.iter().all(|part| part.sample.annotations.class_map.is_none()) {
            return Ok(None);
        }
        let mut classes = vec![ClassMap::IGNORE; height as usize * width as usize];
        for part in parts {
            if let (Some(map), Some(area)) = (&part.sample.annotations.class_map, part.seen) {
                paste_rows(&mut classes, map.classes(), width as usize, area, 1);
            }
        }
        ClassMap::new(width, height, classes).map(Some)
    }
}

/// A sample on a canvas of its own, and which part of that it covers.
struct Part {
    sample: Sample,
    seen: Option<CropBox>,
}

impl Part {
    fn area(&self) -> f64 {
        self.seen.map_or(0.0, |area| f64::from(area.width) * f64::from(area.height))
    }
}

impl Transform for Mosaic {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let [least, largest] = self.center;
        let point = self.size.map(|side| (f64::from(side) * draw.rng().between(least, largest)) as u32);
        let channels = sample.image.channels();
        let mut partner = || {
            let mut partner = draw.partner()?;
            partner.image = partner.image.into_channels(channels);
            Ok::<Sample, DataError>(partner)
        };
        let samples = [sample, partner()?, partner()?, partner()?];
        self.assemble(samples, point)
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        Some(self.size)
    }

    fn problems(&self) -> Vec<String> {
        let [least, largest] = self.center;
        let proper = 0.0 <= least && least <= largest && largest <= 1.0;
        let center = (!proper).then(|| format!("center: expected 0 <= least <= largest <= 1, got {:?}", self.center));
        let share = (0.0..=1.0).contains(&self.min_visible);
        let visible = (!share).then(|| format!("min_visible: expected 0 to 1, got {}", self.min_visible));
        sides::problem(self.size).into_iter().chain(center).chain(visible).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{BoxXyxy, Channels};

    fn one_level(level: u8, class: usize) -> Sample {
        let image = Image::new(4, 2, Channels::Gray, vec![level; 8]).expect("eight bytes");
        let mut sample = Sample::new(image, "memory").with_label(class);
        sample.annotations.objects = vec![Object::new(class, BoxXyxy::new(0.0, 0.0, 1.0, 1.0))];
        sample
    }

    #[test]
    fn four_images_touch_the_point() {
        // Each is scaled by 1: 4x2 fits into half of 8x8 by its width.
        let mosaic = Mosaic { min_visible: 0.0, fill: Fill::gray(9), ..Mosaic::new([8, 8]) };
        let samples = [1, 2, 3, 4].map(|part| one_level(part, usize::from(part)));
        let made = mosaic.assemble(samples, [7, 3]).expect("it fits");
        #[rustfmt::skip]
        let expected = [
            9, 9, 9, 9, 9, 9, 9, 9,
            9, 9, 9, 9, 9, 9, 9, 9,
            9, 9, 9, 9, 9, 9, 9, 9,
            9, 9, 9, 9, 9, 9, 9, 9,
            9, 9, 9, 9, 9, 9, 9, 9,
            1, 1, 1, 2, 2, 2, 2, 9,
            1, 1, 1, 2, 2, 2, 2, 9,
            3, 3, 3, 4, 4, 4, 4, 9,
        ];
        assert_eq!(made.image.pixels(), expected);
        let boxes: Vec<_> = made.annotations.objects.iter().map(|object| (object.class, object.bbox)).collect();
        // Those of the left images began a pixel beyond the canvas.
        let at = |x, y| BoxXyxy::new(x, y, x + 1.0, y + 1.0);
        assert_eq!(boxes, [(2, at(3.0, 5.0)), (4, at(3.0, 7.0))]);
        // 6, 8, 3 and 4 pixels of 21
        let weights: Vec<f32> = made.annotations.class_weights.iter().map(|known| known.weight * 21.0).collect();
        assert!(
            weights.iter().zip([6.0, 8.0, 3.0, 4.0]).all(|(got, expected)| (got - expected).abs() < 1e-5),
            "{weights:?}"
        );
        assert_eq!(made.annotations.label, None);
    }

    #[test]
    fn class_maps_are_put_together() {
        let mapped = |class| {
            let mut sample = one_level(0, 0);
            sample.annotations.class_map = Some(ClassMap::new(4, 2, vec![class; 8]).expect("eight pixels"));
            sample
        };
        let mosaic = Mosaic::new([4, 8]);
        let samples = [mapped(1), mapped(2), one_level(0, 0), mapped(4)];
        let made = mosaic.assemble(samples, [2, 4]).expect("it fits").annotations.class_map.expect("a map");
        let row = |y: usize| &made.classes()[y * 8..][..8];
        assert_eq!(row(1), [1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!(row(2), [ClassMap::IGNORE, ClassMap::IGNORE, ClassMap::IGNORE, ClassMap::IGNORE, 4, 4, 4, 4]);
    }
}
