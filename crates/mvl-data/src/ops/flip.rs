//! Mirror images.

use mvl_core::{Channels, Image};

/// Swaps left and right.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(3, 1, Channels::Gray, vec![1, 2, 3])?;
/// assert_eq!(mvl_data::horizontal_flip(image).pixels(), [3, 2, 1]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn horizontal_flip(image: Image) -> Image {
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let mut pixels = image.into_pixels();
    let row_bytes = width as usize * channels.count();
    for row in pixels.chunks_exact_mut(row_bytes) {
        match channels {
            Channels::Gray => row.reverse(),
            _ => row.as_chunks_mut::<3>().0.reverse(),
        }
    }
    rebuild(width, height, channels, pixels)
}

/// Swaps top and bottom.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(1, 3, Channels::Gray, vec![1, 2, 3])?;
/// assert_eq!(mvl_data::vertical_flip(image).pixels(), [3, 2, 1]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn vertical_flip(image: Image) -> Image {
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let mut pixels = image.into_pixels();
    let row_bytes = width as usize * channels.count();
    let (top, bottom) = pixels.split_at_mut(height as usize / 2 * row_bytes);
    for (upper, lower) in top.chunks_exact_mut(row_bytes).zip(bottom.chunks_exact_mut(row_bytes).rev()) {
        upper.swap_with_slice(lower);
    }
    rebuild(width, height, channels, pixels)
}

fn rebuild(width: u32, height: u32, channels: Channels, pixels: Vec<u8>) -> Image {
    Image::new(width, height, channels, pixels).expect("a flip keeps every pixel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_stay_whole() {
        let image = Image::new(2, 3, Channels::Rgb, (0..18).collect()).expect("18 bytes");
        let across = horizontal_flip(image.clone());
        assert_eq!(across.pixels()[..6], [3, 4, 5, 0, 1, 2]);
        let over = vertical_flip(image.clone());
        assert_eq!(over.pixel(0, 0), [12, 13, 14]);
        assert_eq!(over.pixel(1, 1), [9, 10, 11]);
        assert_eq!(horizontal_flip(across), image);
        assert_eq!(vertical_flip(over), image);
    }
}
