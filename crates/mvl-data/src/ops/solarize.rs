//! The effect of light on a film while it is developed: what is bright is inverted.

use mvl_core::Image;

use super::levels::{levels, map_levels};

/// Inverts every level that is at least `threshold`; 0 inverts all, above 255 none.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(3, 1, Channels::Gray, vec![127, 128, 255])?;
/// assert_eq!(mvl_data::solarize(image, 127.5).pixels(), [127, 127, 0]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn solarize(image: Image, threshold: f64) -> Image {
    let inverted = |level: u8| f32::from(level) >= threshold as f32;
    map_levels(image, &levels(|level| if inverted(level) { !level } else { level }))
}
