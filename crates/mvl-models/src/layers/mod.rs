//! Blocks that backbones are made of.

mod activation;
mod attention;
mod attention_pool;
mod biased_conv;
mod channels;
mod conv_norm_act;
mod drop_path;
mod gem;
mod global_response_norm;
mod halve;
mod layer_norm_2d;
mod layer_scale;
mod linear;
mod max_pool;
mod mlp;
mod padding;
mod parallel_convs;
mod resample;
mod small_conv;
mod squeeze_excite;
mod unit_length;

pub use activation::Activation;
pub use attention::{SelfAttention, SelfAttentionConfig};
pub use attention_pool::{AttentionPool, AttentionPoolConfig};
pub use biased_conv::BiasedConv;
pub use channels::make_divisible;
pub use conv_norm_act::{ConvNormAct, ConvNormActConfig, ConvNormActLayers, fold_batch_norm};
pub use drop_path::DropPath;
pub use gem::GeM;
pub use global_response_norm::GlobalResponseNorm;
pub use halve::halve;
pub use layer_norm_2d::LayerNorm2d;
pub use layer_scale::LayerScale;
pub use linear::transformer_linear;
pub use max_pool::{PoolEdge, max_pool};
pub use mlp::Mlp;
pub use padding::Padding;
pub use parallel_convs::{enlarge_kernel, identity_conv, sum_convs};
pub use resample::{Interpolation, resample};
pub use squeeze_excite::{SqueezeExcite, SqueezeExciteConfig};
pub use unit_length::unit_length;

pub(crate) use channels::{check_width, widen};
pub(crate) use drop_path::check_drop_path;
pub(crate) use small_conv::small_conv;
