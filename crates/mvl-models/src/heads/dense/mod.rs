//! A class for every pixel: logits `[N, K, H, W]` at the picture's own size.

mod deeplabv3;
mod fcn;
mod fpn_segmentation;
mod picture_size;
mod unet;

pub use deeplabv3::{DeepLabV3HeadFactory, DeepLabV3HeadOptions};
pub use fcn::{FcnHead, FcnHeadConfig, FcnHeadFactory, FcnHeadOptions};
pub use fpn_segmentation::{FpnSegmentationHeadFactory, FpnSegmentationHeadOptions, PyramidHead};
pub use unet::UnetHeadFactory;
