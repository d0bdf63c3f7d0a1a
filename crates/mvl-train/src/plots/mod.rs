//! Pictures of a run, as SVG.

mod confusion_matrix;
mod curves;

pub use confusion_matrix::confusion_matrix_svg;
pub use curves::{CurvePoint, curves_svg};

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
