//! What is added to a token for its place in the picture: learnt for one grid of patches, resampled for others.

use burn::tensor::Tensor;

use crate::layers::{Interpolation, resample};

/// Learnt position embeddings, those of prefix tokens (if any have one) before those of the patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionEmbedding {
    /// Tokens with a position before the patches.
    pub prefix: usize,
    /// Rows and columns of patches that were learnt.
    pub side: usize,
}

impl PositionEmbedding {
    /// How many positions are learnt.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefix + self.side * self.side
    }

    /// Whether none is learnt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Splits into the prefix's positions (`None` without a prefix) and the patches', these resampled to `grid` (rows, columns): bicubic,
    /// antialiased where the grid shrinks, as timm's `resample_abs_pos_embed`.
    ///
    /// # Shapes
    /// `learnt`: `[1, len, C]` → `[1, prefix, C]`, `[1, grid[0] · grid[1], C]`
    #[must_use]
    pub fn at(&self, learnt: Tensor<3>, grid: [usize; 2]) -> (Option<Tensor<3>>, Tensor<3>) {
        let [_, length, channels] = learnt.dims();
        let prefix = (self.prefix > 0).then(|| learnt.clone().narrow(1, 0, self.prefix));
        let patches = if self.prefix > 0 { learnt.narrow(1, self.prefix, length - self.prefix) } else { learnt };
        if grid == [self.side; 2] {
            return (prefix, patches);
        }
        let map = patches.swap_dims(1, 2).reshape([1, channels, self.side, self.side]);
        let map = resample(map, grid, Interpolation::Bicubic, true); // [1, C, rows, columns]
        (prefix, map.flatten::<3>(2, 3).swap_dims(1, 2))
    }
}
