//! Swin transformers, whose cells attend to those of their window, and every other time of a window moved by half its side. Swin:
//! Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo 2021, <https://arxiv.org/abs/2103.14030>. Swin V2: Liu et al. 2021,
//! <https://arxiv.org/abs/2111.09883>.
//!
//! Two families on one [`Swin`], as torchvision builds them: `swin_t` … `swin_b` and `swin_v2_t` … `swin_v2_b`. Pictures may have
//! any size: maps are padded to whole windows.

mod attention;
mod block;
mod factory;
mod merging;
mod net;
mod positions;
mod shift;

pub use attention::{WindowAttention, WindowAttentionConfig};
pub use block::{SwinBlock, SwinBlockConfig};
pub use factory::{SwinFactory, SwinOptions};
pub use merging::PatchMerging;
pub use net::{Swin, SwinConfig, SwinStage, SwinVersion};
pub use positions::{ContinuousPositions, PositionTable, RelativePositions};

pub(crate) use factory::register;
