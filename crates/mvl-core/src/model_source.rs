//! Places where saved models are found by address rather than by path.

use std::path::PathBuf;

use crate::BoxError;

/// Finds saved models by addresses of one scheme, such as `models:/shoes@champion` of a model registry.
///
/// Put into a [`Registry`](crate::Registry), it is asked wherever a model's path or name is expected: for predictions, for weights to
/// start from, for a teacher.
pub trait ModelSource: Send + Sync {
    /// The scheme of its addresses: `models` for `models:/…`.
    fn scheme(&self) -> &str;

    /// A local folder with the saved model, whose content was verified.
    ///
    /// # Errors
    /// When there is none under this address, or it is not what it should be.
    fn fetch(&self, address: &str) -> Result<PathBuf, BoxError>;
}
