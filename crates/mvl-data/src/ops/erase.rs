//! A rectangle painted over.

use mvl_core::Image;

use super::CropBox;

/// Replaces every value in a rectangle by what `level` says for its channel.
///
/// # Panics
/// If the rectangle is empty or leaves the image.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// use mvl_data::{CropBox, erase};
/// let image = Image::new(2, 2, Channels::Gray, vec![1, 2, 3, 4])?;
/// let area = CropBox { top: 1, left: 0, height: 1, width: 2 };
/// assert_eq!(erase(image, area, |_channel| 9).pixels(), [1, 2, 9, 9]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn erase(mut image: Image, area: CropBox, mut level: impl FnMut(usize) -> u8) -> Image {
    assert!(area.fits(image.height(), image.width()), "{area:?} leaves the image");
    let count = image.channels().count();
    let row_bytes = image.width() as usize * count;
    let rows = image.pixels_mut().chunks_exact_mut(row_bytes).skip(area.top as usize).take(area.height as usize);
    for row in rows {
        let part = &mut row[area.left as usize * count..][..area.width as usize * count];
        for pixel in part.chunks_exact_mut(count) {
            pixel.iter_mut().enumerate().for_each(|(channel, value)| *value = level(channel));
        }
    }
    image
}
