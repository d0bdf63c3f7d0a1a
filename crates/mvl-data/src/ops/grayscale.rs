//! Luminance as torchvision's tensor kernels compute it.
//!
//! It is cut off where Pillow's (and [`Image::into_channels`], hence preprocessing) is rounded, and its weights add up to 0.9999, so
//! a grey pixel of level v comes out as v - 1. Augmentations follow it, because published recipes were trained with it.
//!
//! # Source
//! `rgb_to_grayscale_image` of torchvision, <https://github.com/pytorch/vision>. Its sum of three `f32` products falls below
//! the whole number that it should be for 3 of the 2²⁴ colours; those come out one level higher here.

use mvl_core::{Channels, Image};

/// One channel: 0.2989 R + 0.587 G + 0.114 B, cut off.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(2, 1, Channels::Rgb, vec![255, 0, 0, 90, 90, 90])?;
/// assert_eq!(mvl_data::grayscale(image).pixels(), [76, 89]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn grayscale(image: Image) -> Image {
    if image.channels() == Channels::Gray {
        return image;
    }
    let pixels = image.pixels().as_chunks::<3>().0.iter().map(luminance).collect();
    Image::new(image.width(), image.height(), Channels::Gray, pixels).expect("one value a pixel")
}

/// Of one pixel.
pub(super) fn luminance(&[r, g, b]: &[u8; 3]) -> u8 {
    ((2989 * u32::from(r) + 5870 * u32::from(g) + 1140 * u32::from(b)) / 10_000) as u8
}
