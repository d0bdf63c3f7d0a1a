//! How an image becomes a network's input, as data: weights carry it, `mvl-data` runs it, training and serving share it.

use serde::{Deserialize, Serialize};

use crate::Channels;

/// Mean of ImageNet's RGB pixels scaled to 0..1, as torchvision uses it.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's RGB pixels scaled to 0..1, as torchvision uses it.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// The deterministic steps from a decoded image to `[C, H, W]` floats: channels, resize, centre crop, scale, normalise.
///
/// `value = (pixel * scale - mean[c]) / std[c]`, channels in the order of `order`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Grey or RGB input.
    pub channels: Channels,
    /// Resize before the crop; `None` keeps the image's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Side lengths (height, width) of the centre crop in pixels; smaller images are padded with zeros first, as
    /// torchvision does. `None` keeps the resized image whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<[u32; 2]>,
    /// Factor on the 0..255 pixel values, usually 1/255.
    #[serde(default = "unit_scale")]
    pub scale: f32,
    /// Subtracted after scaling, one value a channel.
    pub mean: Vec<f32>,
    /// Divided by after that, one value a channel.
    pub std: Vec<f32>,
    /// Channel order of the tensor.
    #[serde(default)]
    pub order: ChannelOrder,
}

/// A resize step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// The size to reach.
    pub to: ResizeTo,
    /// The resampling filter; always antialiased when shrinking, like PIL.
    #[serde(default)]
    pub filter: Filter,
}

/// What a resize aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResizeTo {
    /// The shorter side becomes this many pixels, the aspect ratio stays; the longer side is truncated like torchvision's.
    ShortSide(u32),
    /// Exactly this height and width.
    Exact([u32; 2]),
}

/// A resampling filter, with PIL's definitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Filter {
    /// Nearest neighbour, without antialiasing.
    Nearest,
    /// Triangle filter.
    #[default]
    Bilinear,
    /// Catmull-Rom style cubic with a = -0.5.
    Bicubic,
    /// Lanczos with three lobes.
    Lanczos,
}

/// Order of the colour channels in the tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first, as torchvision.
    #[default]
    Rgb,
    /// Blue first, as Caffe.
    Bgr,
}

fn unit_scale() -> f32 {
    1.0 / 255.0
}

impl Preprocess {
    /// torchvision's evaluation transform for ImageNet weights: short side to `resize`, bilinear and antialiased, centre
    /// crop `crop`, ImageNet mean and standard deviation.
    pub fn imagenet(resize: u32, crop: u32) -> Self {
        Self {
            channels: Channels::Rgb,
            resize: Some(Resize { to: ResizeTo::ShortSide(resize), filter: Filter::Bilinear }),
            crop: Some([crop, crop]),
            scale: unit_scale(),
            mean: IMAGENET_MEAN.to_vec(),
            std: IMAGENET_STD.to_vec(),
            order: ChannelOrder::Rgb,
        }
    }

    /// Exactly `height` × `width`, each channel normalised with the given mean and standard deviation (of 0..1 pixels).
    ///
    /// # Panics
    /// If `mean` and `std` do not have one value a channel.
    pub fn exact(height: u32, width: u32, channels: Channels, mean: &[f32], std: &[f32]) -> Self {
        assert_eq!((mean.len(), std.len()), (channels.count(), channels.count()), "one mean and one std a channel");
        Self {
            channels,
            resize: Some(Resize { to: ResizeTo::Exact([height, width]), filter: Filter::Bilinear }),
            crop: None,
            scale: unit_scale(),
            mean: mean.to_vec(),
            std: std.to_vec(),
            order: ChannelOrder::Rgb,
        }
    }

    /// The fixed `[C, H, W]` that comes out, or `None` where it depends on the image.
    pub fn output_shape(&self) -> Option<[usize; 3]> {
        let [height, width] = match (self.crop, self.resize.map(|resize| resize.to)) {
            (Some(size), _) | (None, Some(ResizeTo::Exact(size))) => size,
            _ => return None,
        };
        Some([self.channels.count(), height as usize, width as usize])
    }

    /// Every problem with the numbers, as `field: what is wrong`; empty when it can run.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let count = self.channels.count();
        for (field, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != count {
                problems.push(format!("{field}: expected {count} values, got {}", values.len()));
            }
            if values.iter().any(|value| !value.is_finite()) {
                problems.push(format!("{field}: expected finite numbers, got {values:?}"));
            }
        }
        if self.std.contains(&0.0) {
            problems.push("std: expected values other than 0".to_owned());
        }
        if !self.scale.is_finite() || self.scale == 0.0 {
            problems.push(format!("scale: expected a finite number other than 0, got {}", self.scale));
        }
        let sides = self.crop.into_iter().flatten().chain(match self.resize.map(|resize| resize.to) {
            Some(ResizeTo::ShortSide(side)) => vec![side],
            Some(ResizeTo::Exact(sides)) => sides.to_vec(),
            None => vec![],
        });
        for side in sides.filter(|side| !(1..=MAX_SIDE_PX).contains(side)) {
            problems.push(format!("size: expected 1 to {MAX_SIDE_PX} pixels, got {side}"));
        }
        problems
    }
}

/// The largest side a preprocessed image may have, so that a config cannot ask for all of memory.
pub const MAX_SIDE_PX: u32 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_json() {
        let spec = Preprocess::imagenet(256, 224);
        let json = serde_json::to_string(&spec).expect("plain data");
        assert_eq!(serde_json::from_str::<Preprocess>(&json).expect("what was written"), spec);
        assert_eq!(spec.output_shape(), Some([3, 224, 224]));
    }

    #[test]
    fn every_problem_is_named() {
        let mut spec = Preprocess::imagenet(256, 0);
        spec.std = vec![0.0];
        assert_eq!(
            spec.problems(),
            [
                "std: expected 3 values, got 1",
                "std: expected values other than 0",
                "size: expected 1 to 16384 pixels, got 0",
                "size: expected 1 to 16384 pixels, got 0"
            ]
        );
    }
}
