//! A rectangle of another image, and the classes by area.
//!
//! # Source
//! Yun et al. 2019, <https://arxiv.org/abs/1905.04899>; the drawing is that of `CutMix` in torchvision, which works within a batch,
//! this one on whole samples of the data set.

use mvl_core::{ClassMap, DataError, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::alpha_problem;
use super::mixed_classes::mixed_classes;
use super::partner::partner_like;
use crate::ops::{CropBox, paste, paste_rows};
use crate::transforms::{Draw, Transform, probability_problem};

/// Replaces a rectangle by the same part of another image of the data set, which is resized to the image's size. The share of
/// the area that stays is drawn from Beta(`alpha`, `alpha`).
///
/// Classes become [weights](mvl_core::Annotations::class_weights), class maps are cut alike. Objects would be cut through, so
/// samples that have some are refused; `mosaic` and `copy_paste` are for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutMix {
    /// Above 0: small for shares near 0 and 1, 1 for all alike (unless said otherwise), large for halves.
    pub alpha: f64,
    /// Probability, 0 to 1; 1 unless said otherwise.
    pub p: f64,
}

impl Default for CutMix {
    fn default() -> Self {
        Self { alpha: 1.0, p: 1.0 }
    }
}

/// The rectangle around a random pixel that covers `1 - share` of an image of `[height, width]`, less what lies outside.
fn rectangle([height, width]: [u32; 2], share: f64, rng: &mut SampleRng) -> CropBox {
    let (x, y) = (rng.below(width as usize) as u32, rng.below(height as usize) as u32);
    let half = 0.5 * (1.0 - share).max(0.0).sqrt();
    let span = |at: u32, side: u32| {
        let half = (half * f64::from(side)) as u32;
        let start = at.saturating_sub(half);
        (start, (at + half).min(side) - start)
    };
    let ((left, width), (top, height)) = (span(x, width), span(y, height));
    CropBox { top, left, height, width }
}

impl Transform for CutMix {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        let size @ [height, width] = sample.image.size();
        let share = draw.rng().beta(self.alpha, self.alpha);
        let area = rectangle(size, share, draw.rng());
        let mut partner = partner_like(&sample, draw)?;
        if !sample.annotations.objects.is_empty() || !partner.annotations.objects.is_empty() {
            let what = format!("cut_mix would cut objects, mosaic and copy_paste do not; {}", sample.source);
            return Err(DataError::invalid(what));
        }
        if !area.fits(height, width) {
            return Ok(sample); // it has no pixel
        }
        sample.image = paste(sample.image, &partner.image, area);
        let known = &mut sample.annotations;
        let cut = f64::from(area.width) * f64::from(area.height) / (f64::from(width) * f64::from(height));
        (known.label, known.class_weights) = mixed_classes(&[(&*known, 1.0 - cut), (&partner.annotations, cut)]);
        if let Some(map) = known.class_map.take() {
            known.class_map = Some(cut_map(map, partner.annotations.class_map.take(), area, &sample.source)?);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        alpha_problem(self.alpha).into_iter().chain(probability_problem(self.p)).collect()
    }
}

/// A class map with a rectangle of another; of one that is not known the pixels count for nothing.
fn cut_map(map: ClassMap, other: Option<ClassMap>, area: CropBox, source: &str) -> Result<ClassMap, DataError> {
    let (width, height) = (map.width(), map.height());
    let mut classes = map.into_classes();
    let other = other.map_or_else(|| vec![ClassMap::IGNORE; classes.len()], ClassMap::into_classes);
    if other.len() != classes.len() || !area.fits(height, width) {
        return Err(DataError::invalid(format!("a class map does not have its image's size; {source}")));
    }
    paste_rows(&mut classes, &other, width as usize, area, 1);
    ClassMap::new(width, height, classes).map_err(|error| DataError::invalid(format!("{error}; {source}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::SampleKey;

    #[test]
    fn rectangles_cover_their_share_unless_they_are_cut_off() {
        for index in 0..300 {
            let rng = &mut SampleKey::plain(index).rng(0);
            let area = rectangle([50, 80], 0.75, rng);
            // half of each side: at most 40x25 (2 · ⌊20⌋ and 2 · ⌊12.5⌋)
            assert!(area.width <= 40 && area.height <= 24 && area.fits(50, 80), "{area:?}");
            assert_eq!(rectangle([50, 80], 1.0, rng).width, 0);
        }
    }
}
