//! The last features as a sequence, whether they are a map or tokens.

use burn::tensor::Tensor;
use mvl_core::{Features, Layout, ModelConfig, ModelError, Tap};

/// The last tap, read as `[N, L, C]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) tap: usize,
    pub(super) channels: usize,
    pub(super) name: String,
    layout: Layout,
    prefix: usize,
}

impl Cells {
    /// # Errors
    /// [`ModelError::Mismatch`] when the backbone has no tap.
    pub(super) fn of_last(head: &str, config: &ModelConfig, taps: &[Tap]) -> Result<Self, ModelError> {
        let (index, tap) = taps.iter().enumerate().next_back().ok_or_else(|| ModelError::Mismatch {
            head: head.to_owned(),
            backbone: config.name.clone(),
            what: "expected a tap, found none".to_owned(),
        })?;
        let Tap { name, channels, layout, prefix, .. } = tap.clone();
        Ok(Self { tap: index, channels, name, layout, prefix })
    }

    /// Cells of the map, rows first, or tokens of the patches without those before them.
    ///
    /// # Shapes
    /// → `[N, L, C]`
    pub(super) fn forward(&self, features: &mut Features) -> Tensor<3> {
        if self.layout == Layout::Map {
            return features.take_map(self.tap).flatten::<3>(2, 3).swap_dims(1, 2);
        }
        let tokens = features.take_tokens(self.tap);
        let [_, length, _] = tokens.dims();
        tokens.narrow(1, self.prefix, length - self.prefix)
    }
}
