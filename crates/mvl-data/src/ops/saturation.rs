//! Saturation: away from the luminance of each pixel, or towards it.
//!
//! # Source
//! `adjust_saturation_image` of torchvision, <https://github.com/pytorch/vision>.

use mvl_core::{Channels, Image};

use super::blend::Blend;
use super::grayscale::luminance;

/// Mixes the image with its luminance: `factor` 0 gives grey, 1 the image, 2 twice the saturation. A grey image stays as it is.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(1, 1, Channels::Rgb, vec![200, 100, 50])?; // luminance 124
/// assert_eq!(mvl_data::adjust_saturation(image, 0.5).pixels(), [162, 112, 87]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn adjust_saturation(mut image: Image, factor: f64) -> Image {
    if image.channels() != Channels::Rgb {
        return image;
    }
    let blend = Blend::new(factor);
    let grey: [f64; 256] = std::array::from_fn(|level| blend.other(level as f32));
    for pixel in image.pixels_mut().as_chunks_mut::<3>().0 {
        let grey = grey[usize::from(luminance(pixel))];
        *pixel = pixel.map(|level| blend.mix(level, grey));
    }
    image
}
