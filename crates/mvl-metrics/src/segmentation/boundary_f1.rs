//! How well predicted boundaries follow the true ones.
//!
//! # Source
//! G. Csurka et al., What is a good evaluation measure for semantic segmentation?, BMVC 2013,
//! <https://doi.org/10.5244/C.27.32>: by class and image, then averaged over images, then over classes. The tolerance is given in
//! pixels instead of as a share of the diagonal. What a boundary is the paper leaves open: here, pixels of the class with one of
//! their four neighbours outside of it; the border of the image is none.

use mvl_core::{ClassMap, Metric};
use serde::{Deserialize, Serialize};

use super::check_sizes;
use crate::Merge;
use crate::unit_sum::UnitSum;

/// `boundary_f1`, 0 to 1: the harmonic mean of the share of predicted boundary pixels that lie within the tolerance of the true
/// boundary, and the share of true ones within the tolerance of the predicted, averaged over the images where a class has a boundary
/// in either map, then over the classes that have one somewhere.
///
/// Distances are Euclidean, between pixel centres. Pixels whose true class is [`ClassMap::IGNORE`] or past the last class belong
/// to no boundary, nor make one of their neighbours. NaN before the first boundary.
///
/// # Example
/// ```
/// use mvl_core::{ClassMap, Metric};
/// use mvl_metrics::BoundaryF1;
/// let map = |edge: u16| ClassMap::new(6, 1, (0..6).map(|x| u16::from(x >= edge)).collect());
/// let mut metric = BoundaryF1::new(2, 1.0);
/// metric.update(&[map(2)?, map(1)?], &[map(3)?, map(5)?]);
/// assert_eq!(metric.compute(), [("boundary_f1".to_owned(), 0.5)]); // within a pixel once, once not
/// # Ok::<(), mvl_core::MaskSizeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundaryF1 {
    tolerance_px: f64,
    classes: Vec<ClassTally>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ClassTally {
    images: u64,
    f1: UnitSum,
}

/// Pixels as (x, y).
type Pixels = Vec<(usize, usize)>;

impl BoundaryF1 {
    /// Nothing seen yet.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    pub fn new(classes: usize, tolerance_px: f64) -> Self {
        assert!(tolerance_px >= 0.0 && tolerance_px.is_finite(), "expected a tolerance from 0 on, got {tolerance_px}");
        Self { tolerance_px, classes: vec![ClassTally::default(); classes] }
    }

    /// The figure of one class, 0 to 1; NaN when it has no boundary in any image.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> f64 {
        let tally = self.classes[class];
        tally.f1.over(tally.images)
    }
}

impl Metric<ClassMap, ClassMap> for BoundaryF1 {
    /// # Panics
    /// If a predicted map is not as large as the true one.
    fn update(&mut self, predictions: &[ClassMap], truths: &[ClassMap]) {
        for (predicted, truth) in predictions.iter().zip(truths) {
            check_sizes(predicted, truth);
            let size = (truth.width() as usize, truth.height() as usize);
            let classes = self.classes.len();
            let counts: Vec<bool> = truth.classes().iter().map(|&class| usize::from(class) < classes).collect();
            let told = boundaries(predicted.classes(), &counts, size, classes);
            let real = boundaries(truth.classes(), &counts, size, classes);
            let mut near = Neighbourhood::new(size, self.tolerance_px);
            for ((tally, told), real) in self.classes.iter_mut().zip(&told).zip(&real) {
                if told.is_empty() && real.is_empty() {
                    continue;
                }
                let (precision, recall) = (near.share(told, real), near.share(real, told));
                let sum = precision + recall;
                tally.images += 1;
                tally.f1.add(if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 });
            }
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let seen = (0..self.classes.len()).filter(|&class| self.classes[class].images > 0);
        let figures: Vec<f64> = seen.map(|class| self.of_class(class)).collect();
        vec![("boundary_f1".to_owned(), figures.iter().sum::<f64>() / figures.len() as f64)]
    }
}

impl Merge for BoundaryF1 {
    fn merge(&mut self, other: Self) {
        let settings = |metric: &Self| (metric.classes.len(), metric.tolerance_px);
        assert_eq!(settings(self), settings(&other), "tallies of other classes or tolerances cannot be merged");
        for (ours, theirs) in self.classes.iter_mut().zip(other.classes) {
            ours.images += theirs.images;
            ours.f1.merge(theirs.f1);
        }
    }
}

/// The boundary pixels of each class. `counts` says which pixels do.
fn boundaries(map: &[u16], counts: &[bool], (width, height): (usize, usize), classes: usize) -> Vec<Pixels> {
    let mut found = vec![Pixels::new(); classes];
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let here = y * width + x;
        let class = map[here];
        let differs = |there: usize| counts[there] && map[there] != class;
        let is_boundary = counts[here]
            && ((x > 0 && differs(here - 1))
                || (x + 1 < width && differs(here + 1))
                || (y > 0 && differs(here - width))
                || (y + 1 < height && differs(here + width)));
        if is_boundary && let Some(pixels) = found.get_mut(usize::from(class)) {
            pixels.push((x, y));
        }
    }
    found
}

/// Paints discs around pixels, to tell what is near to them.
struct Neighbourhood {
    width: usize,
    height: usize,
    /// Half the width of the disc in each of its rows, by the distance from the centre's row.
    reaches: Vec<usize>,
    /// The painting by which a pixel was last reached.
    reached: Vec<u32>,
    painting: u32,
}

impl Neighbourhood {
    fn new((width, height): (usize, usize), radius: f64) -> Self {
        let rows = (0..height).map(|dy| radius * radius - (dy * dy) as f64).take_while(|&left| left >= 0.0);
        let reaches = rows.map(|left| left.sqrt() as usize).collect();
        Self { width, height, reaches, reached: vec![0; width * height], painting: 0 }
    }

    /// The share of pixels that are near to one of the others; 0 without pixels.
    fn share(&mut self, pixels: &Pixels, others: &Pixels) -> f64 {
        self.painting += 1;
        for &(x, y) in others {
            for (dy, &reach) in self.reaches.iter().enumerate() {
                let columns = x.saturating_sub(reach)..(x + reach + 1).min(self.width);
                for row in [y.checked_sub(dy), Some(y + dy).filter(|&row| row < self.height)].into_iter().flatten() {
                    self.reached[row * self.width..][columns.clone()].fill(self.painting);
                }
            }
        }
        let near = pixels.iter().filter(|&&(x, y)| self.reached[y * self.width + x] == self.painting).count();
        near as f64 / pixels.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_is_round() {
        let mut near = Neighbourhood::new((7, 7), 2.0);
        let all: Pixels = (0..7).flat_map(|y| (0..7).map(move |x| (x, y))).collect();
        assert_eq!((near.share(&all, &vec![(3, 3)]) * 49.0).round(), 13.0);
        assert_eq!((near.share(&all, &vec![(0, 0)]) * 49.0).round(), 6.0);
    }

    #[test]
    fn what_is_ignored_makes_no_boundary() {
        let map = |classes: [u16; 4]| ClassMap::new(4, 1, classes.to_vec()).expect("four pixels");
        let mut metric = BoundaryF1::new(2, 0.0);
        metric.update(&[map([0, 0, 1, 1])], &[map([0, ClassMap::IGNORE, 1, 1])]);
        assert!(metric.compute()[0].1.is_nan());
    }
}
