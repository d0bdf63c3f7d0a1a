//! Figures of merit of ML Vision Lab: how good predictions are, by the measures of the benchmarks.
//!
//! Every type here is a running tally on the host: it takes in batches as they come, tells its figures at any time, and takes in the
//! tally of another rank ([`Merge`]). Whichever way samples are cut into batches and ranks, the figures are the same to the bit.
//! Tallies are serde values, so that they can be sent from rank to rank.
//!
//! ```
//! use mvl_core::{Classification, Metric};
//! use mvl_metrics::{Merge, PrecisionRecall};
//!
//! let answer = |row: [f32; 2]| Classification::new(row.to_vec());
//! let (mut here, mut there) = (PrecisionRecall::new(2), PrecisionRecall::new(2));
//! here.update(&[answer([0.9, 0.1]), answer([0.3, 0.7])], &[Some(0), Some(1)]);
//! there.update(&[answer([0.6, 0.4]), answer([0.2, 0.8])], &[Some(1), None]); // the last has no label
//! here.merge(there);
//! assert_eq!((here.precision(0), here.recall(1)), (0.5, 0.5));
//! ```
//!
//! | what is predicted | measures |
//! |---|---|
//! | a class | [`PrecisionRecall`], [`CalibrationError`], [`BinaryAuroc`], [`OneVsRestAuroc`] |
//! | several classes | [`MultiLabelPrecisionRecall`], [`BinaryAveragePrecision`], [`MultiLabelAveragePrecision`] |
//! | a class a pixel | [`SegmentationOverlap`] (mean IoU, Dice, pixel accuracy), [`BoundaryF1`] |
//! | segments | [`PanopticQuality`] |
//! | objects | [`CocoEvaluation`]: boxes, masks, keypoints |
//! | what belongs to a query | [`RetrievalScores`] of ranked lists, [`EmbeddingRetrieval`] |
//!
//! [`metrics_by_name`] makes those of classifiers from names in a recipe.
//!
//! What nothing was seen of is NaN, which [`Monitor`](mvl_core::Monitor) never takes for better; each type says what a NaN in its
//! input does. Accuracy and the confusion matrix are in `mvl-core`, where the training loop needs them.

mod by_name;
mod class_counts;
mod classification;
mod detection;
mod merge;
mod retrieval;
mod segmentation;
mod unit_sum;

pub use by_name::{TruthKind, UnknownMetric, metric_names, metrics_by_name, unknown_metrics};
pub use classification::{
    BinaryAuroc, BinaryAveragePrecision, CalibrationError, MultiLabelAveragePrecision, MultiLabelPrecisionRecall,
    OneVsRestAuroc, PrecisionRecall,
};
pub use detection::{COCO_SIGMAS, CocoError, CocoEvaluation, Detection};
pub use merge::Merge;
pub use retrieval::{EmbeddingRetrieval, RetrievalScores, Similarity};
pub use segmentation::{BoundaryF1, PanopticMap, PanopticQuality, SegmentationOverlap};
