//! Features to answers. A head is its own file here and one line in `register`.

mod conv;
mod distilled;
mod linear;
mod mlp;
mod pooling;

pub use conv::{ConvHead, ConvHeadFactory, ConvHeadOptions};
pub use distilled::{DistilledHead, DistilledHeadFactory, DistilledHeadOptions};
pub use linear::{LinearHead, LinearHeadFactory, LinearHeadOptions};
pub use mlp::{DropoutPlace, MlpHead, MlpHeadFactory, MlpHeadOptions};
pub use pooling::{Pooling, global_average_pool};

use mvl_core::Registry;

/// Adds every head.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_head(ConvHeadFactory);
    registry.register_head(DistilledHeadFactory);
    registry.register_head(LinearHeadFactory);
    registry.register_head(MlpHeadFactory);
}
