//! Features to answers. A head is its own file here and one line in `register`.

mod attention_pool;
mod cells;
mod conv;
mod conv_mlp;
pub mod dense;
mod distilled;
mod embedding;
mod linear;
mod mlp;
mod pooling;

pub use attention_pool::{AttentionPoolHead, AttentionPoolHeadFactory, AttentionPoolHeadOptions};
pub use conv::{ConvHead, ConvHeadFactory, ConvHeadOptions};
pub use conv_mlp::{ConvMlpHead, ConvMlpHeadFactory, ConvMlpHeadOptions};
pub use distilled::{DistilledHead, DistilledHeadFactory, DistilledHeadOptions};
pub use embedding::{EmbeddingHead, EmbeddingHeadFactory, EmbeddingHeadOptions, EmbeddingPooling};
pub use linear::{LinearHead, LinearHeadFactory, LinearHeadOptions};
pub use mlp::{DropoutPlace, MlpHead, MlpHeadFactory, MlpHeadOptions};
pub use pooling::{Pooling, global_average_pool};

use mvl_core::Registry;

/// Adds every head.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_head(AttentionPoolHeadFactory);
    registry.register_head(ConvHeadFactory);
    registry.register_head(ConvMlpHeadFactory);
    registry.register_head(DistilledHeadFactory);
    registry.register_head(EmbeddingHeadFactory);
    registry.register_head(LinearHeadFactory);
    registry.register_head(MlpHeadFactory);
    registry.register_head(dense::DeepLabV3HeadFactory);
    registry.register_head(dense::FcnHeadFactory);
    registry.register_head(dense::FpnSegmentationHeadFactory);
    registry.register_head(dense::UnetHeadFactory);
}
