//! YOLO's text files: a line an object, in shares of the image's sides.

mod data_file;
mod labels_file;
mod open;
mod write;

pub use data_file::{YoloData, parse_yolo_data};
pub use labels_file::{YoloForm, parse_yolo_labels};
pub use open::open_yolo;
pub use write::{write_yolo_data, write_yolo_labels};

pub(super) use open::yolo_splits;
