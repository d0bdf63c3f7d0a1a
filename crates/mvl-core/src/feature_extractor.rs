//! A backbone as a source of features, taken at taps that are chosen by name.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::error::nearest;
use crate::{Backbone, Feature, ModelError, Tap, TapSet, flow_type};

/// A backbone that answers with the features of chosen taps, in the order they were asked for.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use mvl_core::{Feature, FeatureExtractor, ModelConfig, Registry};
///
/// fn pyramid(registry: &Registry, images: Tensor<4>) -> Result<Vec<Feature>, mvl_core::ModelError> {
///     let backbone = registry.create_backbone(&ModelConfig::new("resnet50", 1), &images.device())?;
///     Ok(FeatureExtractor::new(backbone, ["layer2", "layer3", "layer4"])?.forward(images))
/// }
/// ```
#[derive(Module, Debug)]
pub struct FeatureExtractor<B: Module> {
    /// Images to features.
    pub backbone: B,
    #[module(skip)]
    chosen: Vec<usize>,
}

impl<B: Backbone> FeatureExtractor<B> {
    /// The features of these taps.
    ///
    /// # Errors
    /// [`ModelError::UnknownTap`], with the nearest known name.
    pub fn new<'a>(backbone: B, taps: impl IntoIterator<Item = &'a str>) -> Result<Self, ModelError> {
        let known = backbone.taps();
        let place = |name: &str| {
            known.iter().position(|tap| tap.name == name).ok_or_else(|| {
                let names = || known.iter().map(|tap| tap.name.as_str());
                ModelError::UnknownTap {
                    name: name.to_owned(),
                    nearest: nearest(name, names()).map(str::to_owned),
                    known: names().collect::<Vec<_>>().join(", "),
                }
            })
        };
        let chosen = taps.into_iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { backbone, chosen })
    }

    /// The features of the last tap of every stride from `least` on, as detection and segmentation read them.
    pub fn pyramid(backbone: B, least: usize) -> Self {
        let taps = backbone.taps();
        let is_last = |place: &usize| taps.get(place + 1).is_none_or(|next| next.stride != taps[*place].stride);
        let chosen = (0..taps.len()).filter(is_last).filter(|&place| taps[place].stride >= least).collect();
        Self { backbone, chosen }
    }

    /// The chosen taps: channels, strides and layouts of what [`forward`](Self::forward) answers.
    pub fn taps(&self) -> impl Iterator<Item = &Tap> {
        self.chosen.iter().map(|&place| &self.backbone.taps()[place])
    }

    /// One feature for each chosen tap; nothing after the last of them is computed.
    ///
    /// # Shapes
    /// `images`: `[N, C, H, W]`, already normalised.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Vec<Feature> {
        let keep = self.chosen.iter().fold(TapSet::NONE, |keep, &place| keep.with(place));
        let images = match flow_type(&self.backbone) {
            Some(dtype) => images.cast(dtype),
            None => images,
        };
        let features = self.backbone.forward(images, keep);
        let kept = self.chosen.iter().map(|&place| features.get(place).cloned());
        kept.map(|feature| feature.expect("a backbone keeps the taps it is asked for")).collect()
    }
}
