//! Objects removed whose boxes are too small or leave the image.
//!
//! # Source
//! `SanitizeBoundingBoxes` of torchvision.

use mvl_core::{BoxXyxy, DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform};

/// Removes objects, with all that belongs to them, whose box is too small or leaves the image. Belongs at the end of a chain
/// that moves boxes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SanitizeBoxes {
    /// The least width and height in pixels; 1 unless said otherwise.
    pub min_size: f64,
    /// The least area in square pixels; 1 unless said otherwise.
    pub min_area: f64,
}

impl Default for SanitizeBoxes {
    fn default() -> Self {
        Self { min_size: 1.0, min_area: 1.0 }
    }
}

impl SanitizeBoxes {
    /// Whether a box in an image of `[height, width]` is kept.
    #[must_use]
    pub fn keeps(&self, bbox: &BoxXyxy, [height, width]: [u32; 2]) -> bool {
        let inside = |at: f64, side: u32| (0.0..=f64::from(side)).contains(&at);
        let is_inside = [bbox.x1, bbox.x2].iter().all(|&x| inside(x, width))
            && [bbox.y1, bbox.y2].iter().all(|&y| inside(y, height));
        is_inside && bbox.width() >= self.min_size && bbox.height() >= self.min_size && bbox.area() >= self.min_area
    }
}

impl Transform for SanitizeBoxes {
    fn apply(&self, mut sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let image = sample.image.size();
        sample.annotations.objects.retain(|object| self.keeps(&object.bbox, image));
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let least = |field: &str, value: f64| {
            (!(value >= 1.0 && value.is_finite())).then(|| format!("{field}: expected 1 or more, got {value}"))
        };
        least("min_size", self.min_size).into_iter().chain(least("min_area", self.min_area)).collect()
    }
}
