//! Pictures of a run, as SVG, and as pixels for what shows only these.

mod canvas;
mod confusion_matrix;
mod confusion_picture;
mod curves;
mod learning_rate_search;
mod panel;
mod sample_sheet;
mod step_lines;

pub use confusion_matrix::confusion_matrix_svg;
pub use curves::{CurvePoint, curves_svg};
pub use learning_rate_search::learning_rate_svg;
pub use sample_sheet::sample_sheet;
pub use step_lines::{NamedLine, compared_lines_svg, step_lines_svg};

pub(crate) use canvas::png_bytes;
pub(crate) use confusion_picture::confusion_picture;

use std::path::Path;

use mvl_core::write_atomically;

use crate::TrainError;

/// Writes a picture; the file is there in full or stays as it was.
///
/// # Errors
/// [`TrainError::Write`].
pub fn write_svg(path: impl AsRef<Path>, svg: &str) -> Result<(), TrainError> {
    let path = path.as_ref();
    write_atomically(path, |out| out.write_all(svg.as_bytes())).map_err(|error| TrainError::write("plot", path, error))
}
