//! Maps to maps, between a backbone and a head that answers for places: pyramids, decoders, context. A neck is its own file here
//! and one variant of [`NeckConfig`]; your own needs neither, put it under a head with [`NeckedHead`](mvl_core::NeckedHead).
//!
//! # Example
//! A head of your own on a feature pyramid, under a name: a classifier that sees every level.
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Tensor};
//! use mvl_core::{
//!     Backend, BoxedHead, Cpu, Features, Head, HeadFactory, ModelConfig, ModelError, Neck, NeckedHead, Tap, TapSet,
//! };
//! use mvl_models::heads::global_average_pool;
//! use mvl_models::necks::FpnConfig;
//!
//! #[derive(Module, Debug)]
//! struct EveryLevel {
//!     linear: Linear,
//!     levels: usize,
//! }
//!
//! impl Head for EveryLevel {
//!     type Output = Tensor<2>;
//!
//!     fn reads(&self) -> TapSet {
//!         TapSet::first(self.levels)
//!     }
//!
//!     fn forward(&self, mut features: Features) -> Tensor<2> {
//!         let pooled = (0..self.levels).map(|level| global_average_pool(features.take_map(level))); // [N, C] each
//!         self.linear.forward(Tensor::cat(pooled.collect(), 1)) // [N, K]
//!     }
//! }
//!
//! struct EveryLevelFactory;
//!
//! impl HeadFactory<Tensor<2>> for EveryLevelFactory {
//!     fn name(&self) -> &str {
//!         "every_level"
//!     }
//!
//!     fn create_head(
//!         &self,
//!         config: &ModelConfig,
//!         taps: &[Tap],
//!         device: &Device,
//!     ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
//!         let options: FpnConfig = config.head.options.read("every_level")?;
//!         let neck = options.build(&config.name, taps, device)?; // an error names both sides
//!         let width = neck.taps().iter().map(|tap| tap.channels).sum();
//!         let linear = LinearConfig::new(width, config.num_classes).init(device);
//!         let head = EveryLevel { linear, levels: neck.taps().len() };
//!         Ok(BoxedHead::new(NeckedHead::new(neck, head)))
//!     }
//! }
//!
//! let device = Cpu::device(0)?;
//! let mut registry = mvl_models::zoo();
//! registry.register_head(EveryLevelFactory);
//! let config = ModelConfig::new("resnet8", 5).with_head("every_level").with_head_option("width", 16);
//! let model = registry.create_classifier(&config, &device)?;
//! assert_eq!(model.forward(Tensor::ones([1, 3, 32, 32], &device)).dims(), [1, 5]);
//!
//! let head = |taps: &[Tap], device: &Device| EveryLevelFactory.create_head(&config, taps, device).expect("it fits");
//! let taps = [Tap::map("fine", 4, 4), Tap::map("coarse", 8, 8)];
//! mvl_core::conformance::head(head, &taps, |logits| logits.flatten(0, 1), &device);
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
