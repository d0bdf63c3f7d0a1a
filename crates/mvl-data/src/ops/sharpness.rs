//! Sharpness: away from a smoothed image, or towards it.
//!
//! # Source
//! `adjust_sharpness_image` of torchvision, <https://github.com/pytorch/vision>, after Pillow's `SMOOTH` filter.

use mvl_core::Image;

/// The weight of a pixel in its smoothed value, against 1 for each of its eight neighbours.
const CENTRE_WEIGHT: i32 = 5;
/// The sum of the nine weights.
const WEIGHTS: i32 = CENTRE_WEIGHT + 8;

/// Mixes the image with a smoothed one: `factor` 0 gives that, 1 the image, 2 twice the sharpness. The pixels of the border, and
/// images with a side below 3, stay as they are.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(3, 3, Channels::Gray, vec![0, 0, 0, 0, 130, 0, 0, 0, 0])?;
/// assert_eq!(mvl_data::adjust_sharpness(image.clone(), 0.0).pixel(1, 1), [50]); // 130 · 5 / 13
/// assert_eq!(mvl_data::adjust_sharpness(image, 2.0).pixel(1, 1), [210]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn adjust_sharpness(mut image: Image, factor: f64) -> Image {
    let (count, row_bytes) = (image.channels().count(), image.width() as usize * image.channels().count());
    if image.width() < 3 || image.height() < 3 {
        return image;
    }
    // What a difference of -255 to 255 between the smoothed value and the pixel adds to it.
    let share = f64::from((1.0 - factor) as f32);
    let added: Vec<f64> = (-255..=255).map(|difference| share * f64::from(difference)).collect();

    let source = image.pixels().to_vec();
    let mut columns = vec![0; row_bytes]; // sums of three rows
    let rows = source.windows(3 * row_bytes).step_by(row_bytes);
    for (three, to) in rows.zip(image.pixels_mut().chunks_exact_mut(row_bytes).skip(1)) {
        let (above, rest) = three.split_at(row_bytes);
        let (middle, below) = rest.split_at(row_bytes);
        for (((sum, &a), &b), &c) in columns.iter_mut().zip(above).zip(middle).zip(below) {
            *sum = i32::from(a) + i32::from(b) + i32::from(c);
        }
        let sums = columns.iter().zip(&columns[count..]).zip(&columns[2 * count..]);
        for (to, ((left, centre), right)) in to[count..].iter_mut().zip(sums) {
            let level = i32::from(*to);
            let sum = left + centre + right + (CENTRE_WEIGHT - 1) * level;
            let smooth = (2 * sum + WEIGHTS) / (2 * WEIGHTS); // rounded; a 13th has no halves
            *to = (f64::from(*to) + added[(smooth - level + 255) as usize]) as f32 as u8;
        }
    }
    image
}
