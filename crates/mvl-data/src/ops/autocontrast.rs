//! The levels of each channel stretched to the whole range.
//!
//! # Source
//! `autocontrast_image` of torchvision, <https://github.com/pytorch/vision>: the quotient is cut off, not rounded.

use mvl_core::{Channels, Image};

use super::levels::{Levels, levels, map_channels};

/// Makes the lowest level of each channel 0 and the highest 255; a channel of one level stays as it is. As in torchvision, the
/// highest may come to 254: levels are cut off, not rounded.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(3, 1, Channels::Gray, vec![100, 150, 200])?;
/// assert_eq!(mvl_data::autocontrast(image).pixels(), [0, 127, 254]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn autocontrast(image: Image) -> Image {
    match image.channels() {
        Channels::Rgb => stretch_channels::<3>(image),
        _ => stretch_channels::<1>(image),
    }
}

fn stretch_channels<const C: usize>(image: Image) -> Image {
    let tables = spans::<C>(image.pixels()).map(stretched);
    map_channels(image, &tables)
}

/// The lowest and the highest level of each channel.
fn spans<const C: usize>(pixels: &[u8]) -> [[u8; 2]; C] {
    let (mut least, mut most) = ([u8::MAX; C], [u8::MIN; C]);
    for pixel in pixels.as_chunks::<C>().0 {
        for channel in 0..C {
            least[channel] = least[channel].min(pixel[channel]);
            most[channel] = most[channel].max(pixel[channel]);
        }
    }
    std::array::from_fn(|channel| [least[channel], most[channel]])
}

fn stretched([least, most]: [u8; 2]) -> Levels {
    if most <= least {
        return levels(|level| level);
    }
    let step = f32::from(most - least) * (1.0 / 255.0);
    levels(|level| (f32::from(level.saturating_sub(least)) / step) as u8)
}
