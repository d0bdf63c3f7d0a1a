//! Two images over each other, and parts of one put into another.

use mvl_core::Image;

use super::CropBox;

/// One, in the fixed-point numbers of [`mix`].
const ONE: u32 = 1 << 16;

/// `share` of the image and the rest of the other, rounded; both have the same size and channels.
///
/// # Panics
/// If they have not.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let [image, other] = [[0, 200], [100, 100]].map(|pixels| Image::new(2, 1, Channels::Gray, pixels.to_vec()));
/// assert_eq!(mvl_data::mix(image?, &other?, 0.25).pixels(), [75, 125]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn mix(mut image: Image, other: &Image, share: f64) -> Image {
    assert_alike(&image, other);
    let own = (share.clamp(0.0, 1.0) * f64::from(ONE)).round() as u32;
    for (level, &other) in image.pixels_mut().iter_mut().zip(other.pixels()) {
        *level = ((u32::from(*level) * own + u32::from(other) * (ONE - own) + ONE / 2) / ONE) as u8;
    }
    image
}

/// The image with a rectangle of the other at the same place; both have the same size and channels.
///
/// # Panics
/// If they have not, or the rectangle is empty or leaves them.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// use mvl_data::{CropBox, paste};
/// let [image, other] = [[1, 2, 3], [7, 8, 9]].map(|pixels| Image::new(3, 1, Channels::Gray, pixels.to_vec()));
/// let area = CropBox { top: 0, left: 1, height: 1, width: 2 };
/// assert_eq!(paste(image?, &other?, area).pixels(), [1, 8, 9]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn paste(mut image: Image, other: &Image, area: CropBox) -> Image {
    assert_alike(&image, other);
    assert!(area.fits(image.height(), image.width()), "{area:?} leaves the image");
    let (width, count) = (image.width() as usize, image.channels().count());
    paste_rows(image.pixels_mut(), other.pixels(), width, area, count);
    image
}

/// [`paste`] for any plane of `width` places of `count` values.
pub(crate) fn paste_rows<T: Copy>(to: &mut [T], from: &[T], width: usize, area: CropBox, count: usize) {
    let row_len = width * count;
    let part = area.left as usize * count..(area.left + area.width) as usize * count;
    let rows = to.chunks_exact_mut(row_len).zip(from.chunks_exact(row_len));
    for (to, from) in rows.skip(area.top as usize).take(area.height as usize) {
        to[part.clone()].copy_from_slice(&from[part.clone()]);
    }
}

fn assert_alike(image: &Image, other: &Image) {
    let shape = |image: &Image| (image.width(), image.height(), image.channels());
    assert_eq!(shape(image), shape(other), "two images of one size");
}
