//! With a backbone, a U-Net: [`UnetDecoder`](crate::necks::UnetDecoder) and a 3×3 convolution to classes. Ronneberger, Fischer, Brox
//! 2015, <https://arxiv.org/abs/1505.04597>. Maps → logits `[N, K, H, W]`

use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, HeadFactory, ModelConfig, ModelError, Neck, NeckedHead, Tap};

use super::fcn::FcnHeadConfig;
use crate::necks::UnetDecoderConfig;

const NAME: &str = "unet";
const KERNEL: usize = 3;

/// Creates U-Nets' heads under the name `unet`; options are those of [`UnetDecoderConfig`].
#[derive(Debug, Clone, Copy)]
pub struct UnetHeadFactory;

impl HeadFactory<Tensor<4>> for UnetHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<4>>, ModelError> {
        let options: UnetDecoderConfig = config.head.options.read(NAME)?;
        let neck = options.build(&config.name, taps, device)?;
        let head = FcnHeadConfig::new(config.num_classes).with_kernel(KERNEL).init(neck.taps(), 0, device);
        Ok(BoxedHead::new(NeckedHead::new(neck, head)))
    }
}
