//! One class an image, or several: counts at a decision, calibration, and rankings without one.

mod auroc;
mod average_precision;
mod calibration;
mod precision_recall;
mod ranked_scores;

pub use auroc::{BinaryAuroc, OneVsRestAuroc};
pub use average_precision::{BinaryAveragePrecision, MultiLabelAveragePrecision};
pub use calibration::CalibrationError;
pub use precision_recall::{MultiLabelPrecisionRecall, PrecisionRecall};
