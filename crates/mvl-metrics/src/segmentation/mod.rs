//! A class or a segment for every pixel.

mod boundary_f1;
mod overlap;
mod panoptic_map;
mod panoptic_quality;

pub use boundary_f1::BoundaryF1;
pub use overlap::SegmentationOverlap;
pub use panoptic_map::PanopticMap;
pub use panoptic_quality::PanopticQuality;

use mvl_core::ClassMap;

/// Both maps must be of one image.
fn check_sizes(predicted: &ClassMap, truth: &ClassMap) {
    let size = |map: &ClassMap| [map.width(), map.height()];
    assert_eq!(size(truth), size(predicted), "expected a predicted map as large as the true one");
}
