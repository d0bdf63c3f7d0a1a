//! Maps to maps, between a backbone and a head that answers for places: pyramids, decoders, context. A neck is its own file here
//! and one variant of [`NeckConfig`]; your own needs neither, put it under a head with [`NeckedHead`](mvl_core::NeckedHead).
//!
//! # Example
//! A head of your own on a feature pyramid, under a name: how high each cell of the finest level scores.
//! ```
//! use burn::module::Module;
//! use burn::nn::conv::{Conv2d, Conv2dConfig};
//! use burn::tensor::{Device, Tensor};
//! use mvl_core::{
//!     Backend, BoxedHead, Cpu, Features, Head, HeadFactory, ModelConfig, ModelError, Neck, NeckedHead, Tap, TapSet,
//! };
//! use mvl_models::necks::FpnConfig;
//!
//! #[derive(Module, Debug)]
//! struct Scores {
//!     conv: Conv2d,
//! }
//!
//! impl Head for Scores {
//!     type Output = Tensor<4>;
//!
//!     fn reads(&self) -> TapSet {
//!         TapSet::one(0)
//!     }
//!
//!     fn forward(&self, mut features: Features) -> Tensor<4> {
//!         self.conv.forward(features.take_map(0)) // [N, 1, h, w]
//!     }
//! }
//!
//! struct ScoresFactory;
//!
//! impl HeadFactory<Tensor<4>> for ScoresFactory {
//!     fn name(&self) -> &str {
//!         "scores"
//!     }
//!
//!     fn create_head(
//!         &self,
//!         config: &ModelConfig,
//!         taps: &[Tap],
//!         device: &Device,
//!     ) -> Result<BoxedHead<Tensor<4>>, ModelError> {
//!         let options: FpnConfig = config.head.options.read("scores")?;
//!         let neck = options.build(&config.name, taps, device)?; // an error names both sides
//!         let conv = Conv2dConfig::new([neck.taps()[0].channels, 1], [1, 1]).init(device);
//!         Ok(BoxedHead::new(NeckedHead::new(neck, Scores { conv })))
//!     }
//! }
//!
//! let device = Cpu::device(0)?;
//! let mut registry = mvl_models::zoo();
//! registry.register_head(ScoresFactory);
//! let config = ModelConfig::new("resnet8", 1).with_head("scores").with_head_option("width", 16);
//! let model = registry.create_network::<Tensor<4>>(&config, &device)?;
//! assert_eq!(model.forward(Tensor::ones([1, 3, 32, 32], &device)).dims(), [1, 1, 32, 32]); // its finest stride is 1
//!
//! let head = |taps: &[Tap], device: &Device| ScoresFactory.create_head(&config, taps, device).expect("it fits");
//! let taps = [Tap::map("fine", 4, 4), Tap::map("coarse", 8, 8)];
//! mvl_core::conformance::head(head, &taps, |scores| scores.flatten(0, 3), &device);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
