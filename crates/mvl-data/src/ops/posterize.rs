//! Fewer levels.

use mvl_core::Image;

/// Keeps the highest `bits` of every value, 0 to 8.
///
/// # Panics
/// If `bits` is above 8.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(2, 1, Channels::Gray, vec![63, 200])?;
/// assert_eq!(mvl_data::posterize(image, 2).pixels(), [0, 192]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn posterize(mut image: Image, bits: u32) -> Image {
    assert!(bits <= u8::BITS, "posterize: expected 0 to 8 bits, got {bits}");
    let kept = !u8::MAX.checked_shr(bits).unwrap_or(0);
    image.pixels_mut().iter_mut().for_each(|level| *level &= kept);
    image
}
