//! Backbones that are one layer after another, as the nets before residual ones were: AlexNet, VGG, SqueezeNet.

mod builder;
mod step;

pub use builder::SequenceBuilder;
pub use step::{Step, Steps};

use burn::module::Module;
use burn::tensor::Tensor;
use mvl_core::{Backbone, Features, Fusable, InputSides, Tap, TapSet};

/// Layers in a row, numbered as in the reference implementation's `features`, whose keys they thus share.
#[derive(Module, Debug)]
pub struct Sequence {
    features: Fusable<Steps>,
    /// The steps whose outputs are taps, ascending.
    #[module(skip)]
    tapped: Vec<usize>,
    #[module(skip)]
    taps: Vec<Tap>,
    #[module(skip)]
    sides: InputSides,
}

impl Backbone for Sequence {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn sides(&self) -> InputSides {
        self.sides
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = images;
        let mut begin = 0;
        for (tap, &end) in self.tapped.iter().enumerate().take(last + 1) {
            map = self.features.steps[begin..=end].iter().fold(map, |map, step| step.forward(map));
            features.keep_map(keep, tap, &map);
            begin = end + 1;
        }
        features
    }
}
