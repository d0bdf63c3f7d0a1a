//! The operations that automatic augmentation is made of.
//!
//! # Source
//! `_apply_image_or_video_transform` in `torchvision/transforms/v2/_auto_augment.py`, <https://github.com/pytorch/vision>.

use mvl_core::{DataError, Image, Sample};
use serde::{Deserialize, Serialize};

use crate::geometry::{Affine, AffineParameters, Geometry, Rotation, Sampling, move_sample};
use crate::ops::{
    adjust_brightness, adjust_contrast, adjust_saturation, adjust_sharpness, autocontrast, equalize, invert, posterize,
    solarize,
};

/// One operation; what its magnitude means is said with each, and those without one pass it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AugmentOp {
    /// No change.
    Identity,
    /// Leans to the side: pixels by which a row is shifted for each row below the first.
    ShearX,
    /// Leans up or down: pixels by which a column is shifted for each column right of the first.
    ShearY,
    /// Moves to the right by this many pixels, cut off to a whole number.
    TranslateX,
    /// Moves down by this many pixels, cut off to a whole number.
    TranslateY,
    /// Turns counter-clockwise by this many degrees.
    Rotate,
    /// Changes the brightness by the factor 1 + magnitude.
    Brightness,
    /// Changes the saturation by the factor 1 + magnitude.
    Color,
    /// Changes the contrast by the factor 1 + magnitude.
    Contrast,
    /// Changes the sharpness by the factor 1 + magnitude.
    Sharpness,
    /// Keeps this many bits of every value.
    Posterize,
    /// Inverts what is at least this share of 255.
    Solarize,
    /// Stretches the levels of each channel.
    AutoContrast,
    /// Equalises the histogram of each channel.
    Equalize,
    /// Makes a negative.
    Invert,
}

impl AugmentOp {
    /// Applies the operation to a sample; `sampling` counts for those that move pixels.
    ///
    /// # Errors
    /// When a mask or the class map does not have the image's size.
    ///
    /// # Example
    /// ```
    /// use mvl_core::{Channels, Image, Sample};
    /// use mvl_data::{AugmentOp, geometry::Sampling};
    /// let sample = Sample::new(Image::new(3, 1, Channels::Gray, vec![1, 2, 3])?, "memory");
    /// let moved = AugmentOp::TranslateX.apply(sample, 1.9, Sampling::default())?;
    /// assert_eq!(moved.image.pixels(), [0, 1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(self, mut sample: Sample, magnitude: f64, sampling: Sampling) -> Result<Sample, DataError> {
        let size = sample.image.size();
        if let Some(geometry) = self.geometry(size, magnitude, sampling) {
            return move_sample(sample, &*geometry);
        }
        sample.image = self.recolour(sample.image, magnitude);
        Ok(sample)
    }

    /// The change of place, if it is one.
    fn geometry(self, size: [u32; 2], magnitude: f64, sampling: Sampling) -> Option<Box<dyn Geometry>> {
        let degrees = magnitude.atan().to_degrees();
        let lean = |shear| AffineParameters { shear, center: Some([0.0, 0.0]), ..AffineParameters::default() };
        let shift = |translate| AffineParameters { translate, ..AffineParameters::default() };
        let change = match self {
            Self::ShearX => lean([degrees, 0.0]),
            Self::ShearY => lean([0.0, degrees]),
            Self::TranslateX => shift([magnitude.trunc(), 0.0]),
            Self::TranslateY => shift([0.0, magnitude.trunc()]),
            Self::Rotate => return Some(Box::new(Rotation::new(size, magnitude, false, None, sampling))),
            _ => return None,
        };
        Some(Box::new(Affine::new(size, change, sampling)))
    }

    /// The change of colours, if it is one.
    fn recolour(self, image: Image, magnitude: f64) -> Image {
        match self {
            Self::Brightness => adjust_brightness(image, 1.0 + magnitude),
            Self::Color => adjust_saturation(image, 1.0 + magnitude),
            Self::Contrast => adjust_contrast(image, 1.0 + magnitude),
            Self::Sharpness => adjust_sharpness(image, 1.0 + magnitude),
            Self::Posterize => posterize(image, magnitude.clamp(0.0, 8.0) as u32),
            Self::Solarize => solarize(image, 255.0 * magnitude),
            Self::AutoContrast => autocontrast(image),
            Self::Equalize => equalize(image),
            Self::Invert => invert(image),
            _ => image,
        }
    }
}
