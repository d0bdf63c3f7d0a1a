//! Contrast: away from the mean luminance, or towards it.
//!
//! # Source
//! `adjust_contrast_image` of torchvision, <https://github.com/pytorch/vision>.

use mvl_core::{Channels, Image};

use super::blend::Blend;
use super::grayscale::luminance;
use super::levels::{levels, map_levels};

/// Mixes the image with its mean luminance: `factor` 0 gives that grey, 1 the image, 2 twice the contrast.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(2, 1, Channels::Gray, vec![100, 200])?;
/// assert_eq!(mvl_data::adjust_contrast(image, 0.5).pixels(), [125, 175]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn adjust_contrast(image: Image, factor: f64) -> Image {
    let blend = Blend::new(factor);
    let mean = blend.other(mean_luminance(&image));
    map_levels(image, &levels(|level| blend.mix(level, mean)))
}

fn mean_luminance(image: &Image) -> f32 {
    let sum: u64 = match image.channels() {
        Channels::Rgb => image.pixels().as_chunks::<3>().0.iter().map(|pixel| u64::from(luminance(pixel))).sum(),
        _ => image.pixels().iter().map(|&level| u64::from(level)).sum(),
    };
    let count = image.pixels().len() / image.channels().count();
    sum as f32 / count as f32
}
