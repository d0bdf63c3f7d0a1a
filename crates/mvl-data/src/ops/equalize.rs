//! Levels spread so that each range of them holds as many pixels.
//!
//! # Source
//! `equalize_image` of torchvision, <https://github.com/pytorch/vision>, which is `ImageOps.equalize` of Pillow.

use mvl_core::{Channels, Image};

use super::levels::{Levels, histograms, levels, map_channels};

/// Equalises the histogram of each channel.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(512, 1, Channels::Gray, (0..512).map(|x| 100 + (x / 256) as u8).collect())?;
/// // the lower half is below nothing and becomes 0, the other is above 256 pixels and becomes 255
/// assert_eq!(mvl_data::equalize(image).pixels()[255..257], [0, 255]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn equalize(image: Image) -> Image {
    match image.channels() {
        Channels::Rgb => equalize_channels::<3>(image),
        _ => equalize_channels::<1>(image),
    }
}

fn equalize_channels<const C: usize>(image: Image) -> Image {
    let tables = histograms::<C>(&image).map(|histogram| equalised(&histogram));
    map_channels(image, &tables)
}

/// Every level becomes the number of pixels below it, in steps of a 255th of all pixels but those of the highest level.
fn equalised(histogram: &[u32; 256]) -> Levels {
    let all: u32 = histogram.iter().sum();
    let highest = histogram.iter().rev().find(|&&count| count > 0).copied().unwrap_or(0);
    let step = (all - highest) / 255;
    if step == 0 {
        return levels(|level| level);
    }
    let mut below = 0;
    let mut table = [0; 256];
    for (to, count) in table.iter_mut().zip(histogram) {
        *to = ((below + step / 2) / step).min(255) as u8;
        below += count;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_pixels_are_left_alone() {
        let image = Image::new(2, 2, Channels::Gray, vec![3, 9, 9, 200]).expect("four bytes");
        assert_eq!(equalize(image.clone()), image);
    }
}
