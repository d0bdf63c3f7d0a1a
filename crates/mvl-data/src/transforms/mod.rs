//! Random changes to training images. One transform is one file; a chain of them is a list in a config.
//!
//! A transform draws from the generator it is given and from nothing else, so an image's changes depend on
//! `(seed, epoch, sample)` and its place in the chain, never on the number of workers.
//!
//! All of them work on levels from 0 to 255. Normalising is not among them: [`Preprocess`](mvl_core::Preprocess) does it, last, in
//! training as in serving, and a second way would be a way to do it twice.

mod automatic;
mod center_crop;
mod chain;
mod clamp_boxes;
mod color_jitter;
mod config;
mod draw;
mod elastic_transform;
mod factor_range;
mod five_crop;
mod gaussian_blur;
mod gaussian_noise;
mod grayscale;
mod lead;
mod mixing;
mod pad;
mod probability;
mod random_adjust_sharpness;
mod random_affine;
mod random_autocontrast;
mod random_channel_permutation;
mod random_crop;
mod random_equalize;
mod random_erasing;
mod random_grayscale;
mod random_horizontal_flip;
mod random_invert;
mod random_iou_crop;
mod random_perspective;
mod random_photometric_distort;
mod random_posterize;
mod random_resized_crop;
mod random_rotation;
mod random_solarize;
mod random_vertical_flip;
mod random_zoom_out;
mod resize;
mod sanitize_boxes;
mod scale_jitter;
mod sides;

use std::fmt::Debug;

use mvl_core::{DataError, Sample};

pub use automatic::{AugMix, AugmentOp, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide};
pub use center_crop::CenterCrop;
pub use chain::Chain;
pub use clamp_boxes::ClampBoxes;
pub use color_jitter::ColorJitter;
pub use config::TransformConfig;
pub use draw::Draw;
pub use elastic_transform::ElasticTransform;
pub use five_crop::FiveCrop;
pub use gaussian_blur::GaussianBlur;
pub use gaussian_noise::GaussianNoise;
pub use grayscale::Grayscale;
pub(crate) use lead::DrawnLead;
pub use lead::Lead;
pub use mixing::{CopyPaste, CutMix, MixUp, Mosaic};
pub use pad::Pad;
pub use random_adjust_sharpness::RandomAdjustSharpness;
pub use random_affine::RandomAffine;
pub use random_autocontrast::RandomAutocontrast;
pub use random_channel_permutation::RandomChannelPermutation;
pub use random_crop::RandomCrop;
pub use random_equalize::RandomEqualize;
pub use random_erasing::{ErasingValue, RandomErasing};
pub use random_grayscale::RandomGrayscale;
pub use random_horizontal_flip::RandomHorizontalFlip;
pub use random_invert::RandomInvert;
pub use random_iou_crop::RandomIouCrop;
pub use random_perspective::RandomPerspective;
pub use random_photometric_distort::RandomPhotometricDistort;
pub use random_posterize::RandomPosterize;
pub use random_resized_crop::RandomResizedCrop;
pub use random_rotation::RandomRotation;
pub use random_solarize::RandomSolarize;
pub use random_vertical_flip::RandomVerticalFlip;
pub use random_zoom_out::RandomZoomOut;
pub use sanitize_boxes::SanitizeBoxes;
pub use scale_jitter::ScaleJitter;

/// A change to an image and to what is known about it, drawn anew for every sample of every epoch.
///
/// # Example
/// ```
/// use mvl_core::{Channels, DataError, Image, Sample, SampleKey};
/// use mvl_data::{Draw, Transform};
///
/// #[derive(Debug)]
/// struct Darken { p: f64 }
///
/// impl Transform for Darken {
///     fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
///         if draw.rng().chance(self.p) {
///             let Sample { image, .. } = &sample;
///             let pixels = image.pixels().iter().map(|level| level / 2).collect();
///             sample.image = Image::new(image.width(), image.height(), image.channels(), pixels).expect("as many pixels");
///         }
///         Ok(sample)
///     }
/// }
/// let sample = Sample::new(Image::new(1, 1, Channels::Gray, vec![9])?, "memory");
/// let darker = Darken { p: 1.0 }.apply(sample, &mut Draw::alone(SampleKey::plain(0).rng(0)))?;
/// assert_eq!(darker.image.pixels(), [4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Transform: Send + Sync + Debug {
    /// Draws what to do, then does it to the image and to its annotations alike.
    ///
    /// # Errors
    /// When another sample is needed and cannot be had, or the sample is not what the transform can work on.
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError>;

    /// The `[height, width]` that comes out when it does not depend on the image, given the same of what goes in. A chain that
    /// ends at the network's own input size is not resized and cropped again.
    fn output_size(&self, input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        input
    }

    /// What [`Self::apply`] would do to an image of this `[height, width]`, drawn in the same way, when it is no more than what a
    /// [`Lead`] can say; `None` when the step needs the pixels. The loader then decodes only the part that is needed.
    fn lead(&self, size: [u32; 2], draw: &mut Draw<'_>) -> Option<Lead> {
        let _ = (size, draw);
        None
    }

    /// Every problem with the numbers it was set up with, as `field: what is wrong`; empty when it can be applied.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Checks a probability for [`Transform::problems`].
fn probability_problem(p: f64) -> Option<String> {
    (!(0.0..=1.0).contains(&p)).then(|| format!("p: expected a probability from 0 to 1, got {p}"))
}

/// Checks a range of numbers for [`Transform::problems`].
fn range_problem(field: &str, [low, high]: [f64; 2], allowed: std::ops::RangeInclusive<f64>) -> Option<String> {
    let fits = low <= high && allowed.contains(&low) && allowed.contains(&high);
    let (least, largest) = (allowed.start(), allowed.end());
    (!fits).then(|| format!("{field}: expected {least} <= least <= largest <= {largest}, got {:?}", [low, high]))
}

/// Checks the point around which an image is turned for [`Transform::problems`].
fn center_problem(center: Option<[f64; 2]>) -> Option<String> {
    let center = center.filter(|center| center.iter().any(|at| !at.is_finite()))?;
    Some(format!("center: expected finite numbers, got {center:?}"))
}

/// For tests: the image that comes of one, for the sample with this index.
#[cfg(test)]
pub(crate) fn apply_at(transform: &dyn Transform, image: mvl_core::Image, index: usize) -> mvl_core::Image {
    let draw = &mut Draw::alone(mvl_core::SampleKey::plain(index).rng(0));
    transform.apply(Sample::new(image, "memory"), draw).expect("it applies").image
}
