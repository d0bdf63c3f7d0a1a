//! With a backbone, DeepLabv3: [`Aspp`](crate::necks::Aspp), a 3×3 convolution and a classifier for every cell. Chen, Papandreou,
//! Schroff, Adam 2017, <https://arxiv.org/abs/1706.05587>; torchvision's `DeepLabHead`. Maps → logits `[N, K, H, W]`
//!
//! The paper's backbones keep stride 8 or 16 by dilation; on one that goes on to 32, take `rates` of a quarter or a finer `tap`.

use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, HeadFactory, ModelConfig, ModelError, Neck, NeckedHead, Tap};

use super::fcn::FcnHeadConfig;
use crate::necks::AsppConfig;

const NAME: &str = "deeplabv3";

/// Options of the head `deeplabv3`: the neck's.
pub type DeepLabV3HeadOptions = AsppConfig;

/// Creates DeepLabv3's heads under the name `deeplabv3`.
#[derive(Debug, Clone, Copy)]
pub struct DeepLabV3HeadFactory;

impl HeadFactory<Tensor<4>> for DeepLabV3HeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<4>>, ModelError> {
        let options: DeepLabV3HeadOptions = config.head.options.read(NAME)?;
        let neck = options.build(&config.name, taps, device)?;
        let head = FcnHeadConfig::new(config.num_classes).with_hidden(Some(options.width)).init(neck.taps(), 0, device);
        Ok(BoxedHead::new(NeckedHead::new(neck, head)))
    }
}
