//! The levels of each channel stretched to the whole range.
//!
//! # Source
//! `autocontrast_image` of torchvision, <https://github.com/pytorch/vision>: the quotient is cut off, not rounded.

use mvl_core::Image;

use super::levels::{Levels, levels, map_channels};

/// Makes the lowest level of each channel 0 and the highest 255; a channel of one level stays as it is.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(3, 1, Channels::Gray, vec![100, 150, 200])?;
/// assert_eq!(mvl_data::autocontrast(image).pixels(), [0, 127, 255]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn autocontrast(image: Image) -> Image {
    let count = image.channels().count();
    let mut spans = vec![(u8::MAX, u8::MIN); count];
    for pixel in image.pixels().chunks_exact(count) {
        for ((least, most), &level) in spans.iter_mut().zip(pixel) {
            (*least, *most) = (level.min(*least), level.max(*most));
        }
    }
    let tables: Vec<Levels> = spans.into_iter().map(stretched).collect();
    map_channels(image, &tables)
}

fn stretched((least, most): (u8, u8)) -> Levels {
    if most <= least {
        return levels(|level| level);
    }
    let step = f32::from(most - least) * (1.0 / 255.0);
    levels(|level| (f32::from(level.saturating_sub(least)) / step) as u8)
}
