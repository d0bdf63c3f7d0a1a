//! Negatives.

use mvl_core::Image;

use super::levels::{levels, map_levels};

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
pub fn invert(image: Image) -> Image {
    map_levels(image, &levels(|level| !level))
}
