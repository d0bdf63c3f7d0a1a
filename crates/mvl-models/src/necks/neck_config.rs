//! A neck as data: what a head's option `neck` holds.

use burn::module::Module;
use burn::tensor::Device;
use mvl_core::{Features, ModelError, Neck, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::{Aspp, AsppConfig, BiFpn, BiFpnConfig, Fpn, FpnConfig, Pafpn, PafpnConfig, UnetDecoder, UnetDecoderConfig};

/// A neck by name, with its options: `{ "fpn": { "width": 128 } }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NeckConfig {
    /// Feature pyramid.
    Fpn(FpnConfig),
    /// Feature pyramid with a way up.
    Pafpn(PafpnConfig),
    /// Weighted bidirectional pyramid.
    BiFpn(BiFpnConfig),
    /// A U-Net's decoder.
    Unet(UnetDecoderConfig),
    /// Atrous spatial pyramid pooling.
    Aspp(AsppConfig),
}

/// A neck that was chosen by a [`NeckConfig`].
#[derive(Module, Debug)]
pub enum AnyNeck {
    /// Feature pyramid.
    Fpn(Fpn),
    /// Feature pyramid with a way up.
    Pafpn(Pafpn),
    /// Weighted bidirectional pyramid.
    BiFpn(BiFpn),
    /// A U-Net's decoder.
    Unet(UnetDecoder),
    /// Atrous spatial pyramid pooling.
    Aspp(Aspp),
}

impl NeckConfig {
    /// Creates the neck for a backbone with these taps.
    ///
    /// # Errors
    /// What the neck says.
    pub fn build(&self, backbone: &str, taps: &[Tap], device: &Device) -> Result<AnyNeck, ModelError> {
        Ok(match self {
            Self::Fpn(config) => AnyNeck::Fpn(config.build(backbone, taps, device)?),
            Self::Pafpn(config) => AnyNeck::Pafpn(config.build(backbone, taps, device)?),
            Self::BiFpn(config) => AnyNeck::BiFpn(config.build(backbone, taps, device)?),
            Self::Unet(config) => AnyNeck::Unet(config.build(backbone, taps, device)?),
            Self::Aspp(config) => AnyNeck::Aspp(config.build(backbone, taps, device)?),
        })
    }
}

/// Calls the neck inside.
macro_rules! inside {
    ($any:expr, $neck:ident => $call:expr) => {
        match $any {
            AnyNeck::Fpn($neck) => $call,
            AnyNeck::Pafpn($neck) => $call,
            AnyNeck::BiFpn($neck) => $call,
            AnyNeck::Unet($neck) => $call,
            AnyNeck::Aspp($neck) => $call,
        }
    };
}

impl Neck for AnyNeck {
    fn reads(&self) -> TapSet {
        inside!(self, neck => neck.reads())
    }

    fn taps(&self) -> &[Tap] {
        inside!(self, neck => neck.taps())
    }

    fn forward(&self, features: Features) -> Features {
        inside!(self, neck => neck.forward(features))
    }
}
