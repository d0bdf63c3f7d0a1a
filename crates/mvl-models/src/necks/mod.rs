//! Maps to maps, between a backbone and a head that answers for places: pyramids, decoders, context. A neck is its own file here
//! and one variant of [`NeckConfig`]; your own needs neither, put it under a head with [`NeckedHead`](mvl_core::NeckedHead).

mod aspp;
mod bifpn;
mod extra_levels;
mod fpn;
mod levels;
mod neck_config;
mod pafpn;
mod unet;

pub use aspp::{Aspp, AsppConfig};
pub use bifpn::{BiFpn, BiFpnConfig};
pub use extra_levels::ExtraLevels;
pub use fpn::{Fpn, FpnConfig};
pub use levels::Levels;
pub use neck_config::{AnyNeck, NeckConfig};
pub use pafpn::{Pafpn, PafpnConfig};
pub use unet::{UnetDecoder, UnetDecoderConfig};
