//! What is known of one set of published weights.

use std::fs::File;
use std::io;
use std::path::Path;

use burn::tensor::Device;
use mvl_core::{
    ChannelOrder, Channels, Classifier, Filter, IMAGENET_MEAN, IMAGENET_STD, Labels, ModelConfig, ModelError,
    Preprocess, Registry, Resize, ResizeTo,
};

use crate::ClassifierSpec;
use crate::weights::checksum::Sha256Digits;
use crate::weights::imagenet_labels::imagenet1k_labels;
use crate::weights::load::{LoadPolicy, load_weights};

const IMAGENET_CLASSES: usize = 1000;

/// One set of published weights.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct WeightsCard {
    /// `model.tag`, as in `resnet50.imagenet1k_v2`.
    pub id: &'static str,
    /// The model's name in the zoo.
    pub model: &'static str,
    /// Options of the model's family that these weights were made with.
    pub options: &'static [(&'static str, usize)],
    /// Name of the published file; it may end in the first digits of its SHA-256.
    pub file_name: &'static str,
    /// Another name under which the same weights are found, as `.safetensors`.
    pub other_name: Option<&'static str>,
    /// Where it is published: an address that can be fetched, or the page (with `/` at its end) of an archive that holds it.
    pub url: &'static str,
    /// SHA-256 of the published file, where it was checked.
    pub sha256: Option<&'static str>,
    /// Size of the published file in MiB.
    pub size_mib: Option<f32>,
    /// Parameters of the model, as published.
    pub parameters: Option<usize>,
    /// Share of ImageNet's validation images whose class comes first, in percent, as published.
    pub top_1: Option<f32>,
    /// The same for the first five.
    pub top_5: Option<f32>,
    /// SPDX name.
    pub licence: &'static str,
    /// Who made them, and from what.
    pub source: &'static str,
    /// Where the model is described.
    pub paper: Option<&'static str>,
    /// Where the training is described.
    pub recipe: Option<&'static str>,
    /// Classes they tell apart; 0 are features without a classifier.
    pub num_classes: usize,
    /// The resize before the centre crop, in pixels.
    pub resize: ResizeTo,
    /// Side of the centre crop in pixels.
    pub crop: u32,
    /// The resize's filter.
    pub filter: Filter,
    /// Factor on the 0..255 pixel values.
    pub scale: f32,
    /// Subtracted after scaling, one value a channel.
    pub mean: [f32; 3],
    /// Divided by after that, one value a channel.
    pub std: [f32; 3],
    /// Order of the channels.
    pub order: ChannelOrder,
}

impl WeightsCard {
    /// How an image becomes the model's input.
    #[must_use]
    pub fn preprocess(&self) -> Preprocess {
        Preprocess {
            channels: Channels::Rgb,
            resize: Some(Resize { to: self.resize, filter: self.filter }),
            scale: self.scale,
            mean: self.mean.to_vec(),
            std: self.std.to_vec(),
            order: self.order,
            ..Preprocess::imagenet(self.crop, self.crop)
        }
    }

    /// The classes; none where their names are not known.
    #[must_use]
    pub fn labels(&self) -> Labels {
        if self.num_classes == IMAGENET_CLASSES { imagenet1k_labels() } else { Labels::default() }
    }

    /// The model they are for.
    #[must_use]
    pub fn config(&self) -> ModelConfig {
        let config = ModelConfig::new(self.model, self.num_classes);
        self.options.iter().fold(config, |config, (key, value)| config.with_option(*key, *value))
    }

    /// Everything beside the weights.
    #[must_use]
    pub fn spec(&self) -> ClassifierSpec {
        ClassifierSpec::new(self.config(), self.labels(), self.preprocess())
    }

    /// SHA-256 of the published file, or its first digits from the file's name (torch.hub's convention).
    #[must_use]
    pub fn sha256_prefix(&self) -> Option<&'static str> {
        let digits = || {
            let stem = self.file_name.strip_suffix(".pth")?;
            let (_, digits) = stem.rsplit_once('-')?;
            Sha256Digits::new(digits).is_some().then_some(digits)
        };
        self.sha256.or_else(digits)
    }

    /// Creates the classifier and fills it from a file: the published one, or the same weights as `.safetensors`.
    ///
    /// # Errors
    /// [`ModelError::File`] when the file cannot be read, or bears the published name but is another file;
    /// [`ModelError::WeightsMismatch`] when it belongs to another model; [`ModelError::Other`] when the weights have no classifier.
    pub fn create(
        &self,
        registry: &Registry,
        file: &Path,
        device: &Device,
    ) -> Result<(Classifier, ClassifierSpec), ModelError> {
        if self.num_classes == 0 {
            let what = format!(
                "{:?} are features without a classifier: train one on top of them (`mvl train --weights {}`)",
                self.id, self.id
            );
            return Err(ModelError::Other { what, source: None });
        }
        self.verify(file)?;
        let spec = self.spec();
        let model = registry.create_classifier(&spec.model, device)?;
        let (model, _) = load_weights(model, &spec.model, registry, file, LoadPolicy::strict())?;
        Ok((model, spec))
    }

    /// A file under the published name must be the published file: its SHA-256 is, or begins, as the card says. Files under other
    /// names, such as conversions, are taken as they are.
    ///
    /// # Errors
    /// [`ModelError::File`] when it is not, or cannot be read.
    pub fn verify(&self, file: &Path) -> Result<(), ModelError> {
        let published = file.file_name().is_some_and(|name| name == self.file_name);
        let (true, Some(expected)) = (published, self.sha256_prefix().and_then(Sha256Digits::new)) else {
            return Ok(());
        };
        let found = File::open(file).and_then(Sha256Digits::of).map_err(|source: io::Error| ModelError::File {
            what: "cannot read weights".to_owned(),
            path: file.display().to_string(),
            source: Some(source.into()),
        })?;
        if found.begins_with(&expected) {
            return Ok(());
        }
        let what = format!(
            "not the published weights {:?}: expected SHA-256 {expected}, found {found}; fetch {} again",
            self.id, self.url
        );
        Err(ModelError::File { what, path: file.display().to_string(), source: None })
    }
}

/// What cards say unless they say otherwise.
pub(super) const BLANK: WeightsCard = WeightsCard {
    id: "",
    model: "",
    options: &[],
    file_name: "",
    other_name: None,
    url: "",
    sha256: None,
    size_mib: None,
    parameters: None,
    top_1: None,
    top_5: None,
    licence: "",
    source: "",
    paper: None,
    recipe: None,
    num_classes: IMAGENET_CLASSES,
    resize: ResizeTo::ShortSide(256),
    crop: 224,
    filter: Filter::Bilinear,
    scale: 1.0 / 255.0,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    order: ChannelOrder::Rgb,
};

/// What torchvision's weights have in common.
pub(super) const TORCHVISION: WeightsCard = WeightsCard {
    licence: "BSD-3-Clause",
    source: "torchvision <https://pytorch.org/vision/stable/models.html>, trained on ImageNet-1k",
    ..BLANK
};

/// What timm's weights have in common.
pub(super) const TIMM: WeightsCard = WeightsCard { source: "timm <https://huggingface.co/timm>", ..BLANK };

#[cfg(test)]
mod tests {
    use super::super::weights_card;

    #[test]
    fn a_truncated_download_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("mobilenet_v2-b0353104.pth");
        std::fs::write(&file, b"half").expect("writable");
        let card = weights_card("mobilenet_v2.imagenet1k_v1").expect("a row");
        let error = card.verify(&file).expect_err("four bytes");
        assert!(error.to_string().starts_with(
            "not the published weights \"mobilenet_v2.imagenet1k_v1\": expected SHA-256 b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889, found "
        ));
    }
}
