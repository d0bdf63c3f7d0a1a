//! A [`Sequence`] layer by layer, with channels, strides and taps kept in step.

use burn::nn::{BatchNormConfig, Relu};
use burn::tensor::Device;
use mvl_core::{Fusable, InputSides, Tap};

use super::{Sequence, Step, Steps};
use crate::backbones::squeezenet::Fire;
use crate::layers::{BiasedConv, PoolEdge, max_pool};

/// Builds a [`Sequence`].
///
/// # Example
/// ```
/// use mvl_core::{Backbone, Backend, Cpu, InputSides};
/// use mvl_models::backbones::sequence::SequenceBuilder;
/// let net = SequenceBuilder::new(3, &Cpu::device(0)?).conv(8, 3, 2, 1).relu().tap().build(InputSides::at_least(2));
/// assert_eq!((net.taps()[0].name.as_str(), net.taps()[0].stride), ("features.1", 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SequenceBuilder<'a> {
    device: &'a Device,
    features: Vec<Step>,
    tapped: Vec<usize>,
    taps: Vec<Tap>,
    channels: usize,
    stride: usize,
}

impl<'a> SequenceBuilder<'a> {
    /// Nothing yet, for pictures of these channels.
    #[must_use]
    pub fn new(in_channels: usize, device: &'a Device) -> Self {
        Self { device, features: vec![], tapped: vec![], taps: vec![], channels: in_channels, stride: 1 }
    }

    /// A convolution with a bias.
    #[must_use]
    pub fn conv(mut self, channels: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        let conv = BiasedConv { channels: [self.channels, channels], kernel, stride, padding }.init(self.device);
        self.features.push(Step::Conv(conv));
        self.channels = channels;
        self.stride *= stride;
        self
    }

    /// Batch normalisation.
    #[must_use]
    pub fn norm(mut self) -> Self {
        self.features.push(Step::Norm(Some(BatchNormConfig::new(self.channels).init(self.device))));
        self
    }

    /// `max(x, 0)`
    #[must_use]
    pub fn relu(mut self) -> Self {
        self.features.push(Step::Relu(Relu::new()));
        self
    }

    /// A max pool of stride 2.
    #[must_use]
    pub fn pool(mut self, kernel: usize, edge: PoolEdge) -> Self {
        self.features.push(Step::Pool(max_pool(kernel, 2, edge)));
        self.stride *= 2;
        self
    }

    /// SqueezeNet's block with so many channels inside and twice `expanded` outside.
    #[must_use]
    pub fn fire(mut self, squeezed: usize, expanded: usize) -> Self {
        self.features.push(Step::Fire(Fire::new(self.channels, squeezed, expanded, self.device)));
        self.channels = 2 * expanded;
        self
    }

    /// Makes the output so far a tap.
    ///
    /// # Panics
    /// If there is no layer yet.
    #[must_use]
    pub fn tap(mut self) -> Self {
        let step = self.features.len().checked_sub(1).expect("a tap follows a layer");
        self.tapped.push(step);
        self.taps.push(Tap::map(format!("features.{step}"), self.channels, self.stride));
        self
    }

    /// The net, which takes pictures of these sides.
    #[must_use]
    pub fn build(self, sides: InputSides) -> Sequence {
        let features = Fusable::new(Steps { steps: self.features });
        Sequence { features, tapped: self.tapped, taps: self.taps, sides }
    }
}
