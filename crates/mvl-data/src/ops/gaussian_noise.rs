//! Normal noise on every value.
//!
//! # Source
//! `gaussian_noise_image` of torchvision, <https://github.com/pytorch/vision>: the noise is cut off to whole levels before it is added.

use mvl_core::{Image, SampleRng};

/// Adds noise with this mean and standard deviation, both in units of the whole range: 0.1 is 25.5 levels.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, SampleKey};
/// let image = Image::new(2, 1, Channels::Gray, vec![100, 250])?;
/// let brighter = mvl_data::gaussian_noise(image, 0.1, 0.0, &mut SampleKey::plain(0).rng(0));
/// assert_eq!(brighter.pixels(), [125, 255]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn gaussian_noise(mut image: Image, mean: f64, sigma: f64, rng: &mut SampleRng) -> Image {
    let (mean, sigma) = ((mean * 255.0) as f32, (sigma * 255.0) as f32);
    for value in image.pixels_mut() {
        let noise = (mean + rng.normal() as f32 * sigma) as i16;
        *value = i16::from(*value).saturating_add(noise).clamp(0, 255) as u8;
    }
    image
}
