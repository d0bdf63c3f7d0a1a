//! Brightness.

use mvl_core::Image;

use super::levels::{levels, map_levels};

/// Multiplies every level by `factor` and cuts the result off; 0 gives black, 1 the image.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(2, 1, Channels::Gray, vec![101, 200])?;
/// assert_eq!(mvl_data::adjust_brightness(image, 1.5).pixels(), [151, 255]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn adjust_brightness(image: Image, factor: f64) -> Image {
    map_levels(image, &levels(|level| (f32::from(level) * factor as f32) as u8))
}
