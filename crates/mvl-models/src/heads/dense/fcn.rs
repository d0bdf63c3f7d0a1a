//! A classifier for every cell of one map, and the picture's size by interpolation. Long, Shelhamer, Darrell 2014,
//! <https://arxiv.org/abs/1411.4038>; torchvision's `FCNHead`. Maps `[N, C, h, w]` → logits `[N, K, H, W]`

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Dropout, DropoutConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use mvl_core::{
    BoxedHead, Features, Head, HeadFactory, Layout, MixedForward, ModelConfig, ModelError, Neck, NeckedHead, Tap,
    TapSet,
};
use serde::{Deserialize, Serialize};

use super::picture_size::to_picture_size;
use crate::heads::pooling::check_dropout;
use crate::layers::{ConvNormAct, ConvNormActConfig};
use crate::necks::NeckConfig;

const NAME: &str = "fcn";
/// The widest hidden layer, so that a config cannot ask for all of memory.
const MAX_HIDDEN: usize = 1 << 14;

/// Options of the head `fcn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FcnHeadOptions {
    /// What goes before it, `unet` or `aspp`; without one it reads the backbone's last map, with one the neck's finest. The coarser
    /// maps of a pyramid would go unused: that is for `fpn_segmentation`.
    pub neck: Option<NeckConfig>,
    /// Channels of the hidden convolution; a quarter of the map's unless said otherwise.
    pub hidden: Option<usize>,
    /// Share of the hidden channels that is dropped in training.
    pub dropout: f64,
}

impl Default for FcnHeadOptions {
    fn default() -> Self {
        Self { neck: None, hidden: None, dropout: 0.1 }
    }
}

/// Configuration of an [`FcnHead`].
#[derive(Config, Debug)]
pub struct FcnHeadConfig {
    /// Classes.
    pub classes: usize,
    /// Channels of a hidden 3×3 convolution with batch normalisation and ReLU; none leaves it out.
    pub hidden: Option<usize>,
    /// Share of the hidden channels that is dropped in training.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Side of the last convolution's kernel, odd.
    #[config(default = 1)]
    pub kernel: usize,
}

/// A hidden convolution, dropout, a convolution to classes, and bilinear interpolation to the picture's size.
#[derive(Module, Debug)]
pub struct FcnHead {
    hidden: Option<ConvNormAct>,
    dropout: Dropout,
    classifier: Conv2d,
    tap: usize,
    stride: usize,
}

impl FcnHeadConfig {
    /// Creates the head for the map of `taps[tap]`.
    ///
    /// # Panics
    /// If there is no such tap or the kernel is even.
    pub fn init(&self, taps: &[Tap], tap: usize, device: &Device) -> FcnHead {
        assert!(self.kernel % 2 == 1, "expected an odd kernel, got {}", self.kernel);
        let Tap { channels, stride, .. } = taps[tap];
        let pad = self.kernel / 2;
        FcnHead {
            hidden: self.hidden.map(|hidden| ConvNormActConfig::new([channels, hidden], [3, 3]).init(device)),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: Conv2dConfig::new([self.hidden.unwrap_or(channels), self.classes], [self.kernel; 2])
                .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
                .init(device),
            tap,
            stride,
        }
    }
}

impl Head for FcnHead {
    type Output = Tensor<4>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<4> {
        let picture = features.picture_size();
        let map = features.take_map(self.tap); // [N, C, h, w]
        let map = match &self.hidden {
            Some(hidden) => hidden.forward(map),
            None => map,
        };
        let logits = self.classifier.forward_mixed(self.dropout.forward(map)); // [N, K, h, w]
        to_picture_size(logits, picture, self.stride)
    }
}

/// Creates [`FcnHead`]s under the name `fcn`, on a neck or on the backbone itself.
#[derive(Debug, Clone, Copy)]
pub struct FcnHeadFactory;

impl HeadFactory<Tensor<4>> for FcnHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<4>>, ModelError> {
        let options: FcnHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        if let Some(hidden) = options.hidden
            && !(1..=MAX_HIDDEN).contains(&hidden)
        {
            let what = format!("hidden: expected 1 to {MAX_HIDDEN}, got {hidden}");
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        let on = |taps: &[Tap], tap: usize| {
            let hidden = options.hidden.unwrap_or((taps[tap].channels / 4).max(1));
            let config = FcnHeadConfig::new(config.num_classes).with_hidden(Some(hidden));
            config.with_dropout(options.dropout).init(taps, tap, device)
        };
        if let Some(neck) = &options.neck {
            if !matches!(neck, NeckConfig::Unet(_) | NeckConfig::Aspp(_)) {
                let what =
                    "neck: expected \"unet\" or \"aspp\"; the head \"fpn_segmentation\" reads all maps of a pyramid";
                return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what: what.to_owned() });
            }
            let neck = neck.build(&config.name, taps, device)?;
            let head = on(neck.taps(), 0);
            return Ok(BoxedHead::new(NeckedHead::new(neck, head)));
        }
        let last = taps.iter().rposition(|tap| tap.layout == Layout::Map);
        let last = last.ok_or_else(|| ModelError::Mismatch {
            head: NAME.to_owned(),
            backbone: config.name.clone(),
            what: "expected a tap with a feature map [N, C, H, W], found tokens only".to_owned(),
        })?;
        Ok(BoxedHead::new(on(taps, last)))
    }
}
