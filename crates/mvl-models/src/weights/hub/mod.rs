//! Weights from elsewhere, kept in a folder on this machine: fetched once, checked, and taken up again where a download broke.

mod address;
mod folder;
mod hugging_face;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "only downloads leave parts behind"))]
mod partial;
mod store;

pub use folder::weights_folder;
pub use hugging_face::{HuggingFaceModel, is_hugging_face_folder, read_hugging_face_folder};
pub use store::{DownloadProgress, WeightsHub};
