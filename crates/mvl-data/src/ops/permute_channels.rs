//! Red, green and blue in another order.

use mvl_core::{Channels, Image};

/// Channel c of the result is channel `order[c]` of the image. A grey image stays as it is.
///
/// # Panics
/// If a channel is above 2.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(1, 1, Channels::Rgb, vec![1, 2, 3])?;
/// assert_eq!(mvl_data::permute_channels(image, [2, 0, 1]).pixels(), [3, 1, 2]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn permute_channels(mut image: Image, order: [usize; 3]) -> Image {
    if image.channels() == Channels::Rgb {
        for pixel in image.pixels_mut().as_chunks_mut::<3>().0 {
            *pixel = order.map(|channel| pixel[channel]);
        }
    }
    image
}
