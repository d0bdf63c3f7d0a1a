//! Vision transformers: pictures as sequences of patches. One [`VisionTransformer`], four families of names, as timm builds them:
//!
//! - `vit`: Dosovitskiy et al. 2020, <https://arxiv.org/abs/2010.11929>; trained further by Steiner et al. 2021,
//!   <https://arxiv.org/abs/2106.10270>.
//! - `deit`: Touvron, Cord, Douze, Massa, Sablayrolles, Jégou 2020, <https://arxiv.org/abs/2012.12877>, with a distillation token
//!   in the `distilled` names; DeiT III: Touvron, Cord, Jégou 2022, <https://arxiv.org/abs/2204.07118>.
//! - `dinov2`: Oquab et al. 2023, <https://arxiv.org/abs/2304.07193>; with registers: Darcet, Oquab, Mairal, Bojanowski 2023,
//!   <https://arxiv.org/abs/2309.16588>.
//! - `clip`: the image tower of Radford et al. 2021, <https://arxiv.org/abs/2103.00020>.

mod block;
mod factory;
mod names;
mod net;
mod position;

pub use block::{TransformerBlock, TransformerBlockConfig};
pub use factory::{VisionTransformerFactory, VisionTransformerOptions};
pub use net::{VisionTransformer, VisionTransformerConfig};
pub use position::PositionEmbedding;

pub(crate) use names::register;
