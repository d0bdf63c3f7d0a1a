//! Mean IoU, Dice and pixel accuracy of class maps.
//!
//! # Source
//! M. Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, IJCV 2015,
//! <https://doi.org/10.1007/s11263-014-0733-5> (IoU over all pixels of a set); J. Long et al., Fully Convolutional Networks for Semantic
//! Segmentation, 2015, <https://arxiv.org/abs/1411.4038> (the accuracies, the weighted IoU); L. R. Dice, Measures of the Amount of
//! Ecologic Association Between Species, Ecology 26, 1945. Means as torchmetrics' `MulticlassJaccardIndex` and `MulticlassF1Score` take
//! them.

use mvl_core::{ClassMap, Metric};
use serde::{Deserialize, Serialize};

use super::check_sizes;
use crate::Merge;
use crate::class_counts::{ClassCounts, Counts};

/// Overlap of class maps, counted over all pixels of all images, 0 to 1: `mean_iou` and `mean_dice` (also called F1), over the classes
/// that are told or true somewhere; `pixel_accuracy`, the share of pixels told right; `mean_class_accuracy`, that share by true class,
/// averaged over the same classes; `weighted_iou`, by the true pixels of a class.
///
/// Pixels whose true class is [`ClassMap::IGNORE`], another ignored one, or past the last class do not count. A predicted class past
/// the last is wrong, and is told of no class. All figures are NaN before the first pixel that counts.
///
/// # Example
/// ```
/// use mvl_core::{ClassMap, Metric};
/// use mvl_metrics::SegmentationOverlap;
/// let mut metric = SegmentationOverlap::new(2);
/// let (predicted, truth) = (ClassMap::new(2, 2, vec![0, 0, 1, 1])?, ClassMap::new(2, 2, vec![0, 1, 1, ClassMap::IGNORE])?);
/// metric.update(&[predicted], &[truth]);
/// assert_eq!((metric.iou(0), metric.dice(1)), (0.5, 2.0 / 3.0));
/// assert_eq!(metric.compute()[0], ("mean_iou".to_owned(), 0.5));
/// # Ok::<(), mvl_core::MaskSizeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentationOverlap {
    ignored: Option<u16>,
    counts: ClassCounts,
}

impl SegmentationOverlap {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { ignored: None, counts: ClassCounts::new(classes) }
    }

    /// Ignores another true class as well.
    #[must_use]
    pub fn with_ignored(mut self, class: u16) -> Self {
        self.ignored = Some(class);
        self
    }

    /// The intersection over the union of a class, 0 to 1; 0 for a class that is neither told nor true.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn iou(&self, class: usize) -> f64 {
        self.counts.of(class).iou()
    }

    /// Twice the intersection over the sum of both areas of a class, 0 to 1; 0 for a class that is neither told nor true.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn dice(&self, class: usize) -> f64 {
        self.counts.of(class).f1()
    }
}

impl Metric<ClassMap, ClassMap> for SegmentationOverlap {
    /// # Panics
    /// If a predicted map is not as large as the true one.
    fn update(&mut self, predictions: &[ClassMap], truths: &[ClassMap]) {
        for (predicted, truth) in predictions.iter().zip(truths) {
            check_sizes(predicted, truth);
            for (&told, &truth) in predicted.classes().iter().zip(truth.classes()) {
                if usize::from(truth) < self.counts.classes() && Some(truth) != self.ignored {
                    self.counts.add(Some(told.into()), Some(truth.into()));
                }
            }
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let total = self.counts.total();
        let figures = [
            ("mean_iou", self.counts.mean(Counts::iou)),
            ("mean_dice", self.counts.mean(Counts::f1)),
            ("pixel_accuracy", total.right as f64 / total.truth as f64),
            ("mean_class_accuracy", self.counts.mean(Counts::recall)),
            ("weighted_iou", self.counts.weighted_mean(Counts::iou)),
        ];
        figures.map(|(name, figure)| (name.to_owned(), figure)).to_vec()
    }
}

impl Merge for SegmentationOverlap {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.ignored, other.ignored, "tallies that ignore other classes cannot be merged");
        self.counts.merge(&other.counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_pixels_count_for_nothing() {
        let map = |classes: [u16; 3]| ClassMap::new(3, 1, classes.to_vec()).expect("three pixels");
        let mut metric = SegmentationOverlap::new(3).with_ignored(2);
        metric.update(&[map([0, 1, 0])], &[map([2, ClassMap::IGNORE, 7])]);
        assert!(metric.compute().iter().all(|(_, figure)| figure.is_nan()));
        metric.update(&[map([0, 9, 2])], &[map([0, 0, 1])]);
        assert_eq!((metric.iou(0), metric.iou(1)), (0.5, 0.0));
    }

    #[test]
    #[should_panic(expected = "as large")]
    fn sizes_must_agree() {
        let map = |width| ClassMap::new(width, 1, vec![0; width as usize]).expect("a row");
        SegmentationOverlap::new(1).update(&[map(2)], &[map(3)]);
    }
}
