//! Negatives.

use mvl_core::Image;

/// Every level v becomes 255 - v.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(2, 1, Channels::Gray, vec![0, 250])?;
/// assert_eq!(mvl_data::invert(image).pixels(), [255, 5]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn invert(mut image: Image) -> Image {
    image.pixels_mut().iter_mut().for_each(|level| *level = !*level);
    image
}
