//! Gaussian blur with mirrored borders.
//!
//! # Source
//! `gaussian_blur_image` of torchvision, <https://github.com/pytorch/vision>, of which the square kernel is the product of two
//! lines. Its borders are mirrored without the outermost pixel; it refuses images smaller than half the kernel, ours mirrors again.

use mvl_core::Image;

/// Blurs with a Gaussian of standard deviation `sigma` pixels, cut off after `kernel_size` pixels.
///
/// # Panics
/// Unless `kernel_size` is odd and `sigma` above 0.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(3, 1, Channels::Gray, vec![0, 100, 0])?;
/// // of three pixels, exp(-1/2) : 1 : exp(-1/2) is 0.274 : 0.452 : 0.274, and both neighbours of the first are the second
/// assert_eq!(mvl_data::gaussian_blur(&image, 3, 1.0).pixels(), [55, 45, 55]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn gaussian_blur(image: &Image, kernel_size: usize, sigma: f64) -> Image {
    assert!(kernel_size % 2 == 1, "gaussian blur: expected an odd kernel size, got {kernel_size}");
    assert!(sigma > 0.0, "gaussian blur: expected a sigma above 0, got {sigma}");
    let weights = weights(kernel_size, sigma);
    let radius = kernel_size / 2;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let count = image.channels().count();
    let row_len = width * count;

    let columns = mirrored(radius, width);
    let mut across = vec![0.0; height * row_len];
    let mut padded = vec![0.0; (width + 2 * radius) * count];
    for (row, to) in image.pixels().chunks_exact(row_len).zip(across.chunks_exact_mut(row_len)) {
        for (pixel, column) in padded.chunks_exact_mut(count).zip(&columns) {
            let from = &row[column * count..][..count];
            pixel.iter_mut().zip(from).for_each(|(to, &level)| *to = f32::from(level));
        }
        for (place, &weight) in weights.iter().enumerate() {
            add_weighted(to, &padded[place * count..], weight);
        }
    }

    let mut pixels = Vec::with_capacity(image.pixels().len());
    let mut sums = vec![0.0; row_len];
    for rows in mirrored(radius, height).windows(kernel_size) {
        sums.fill(0.0);
        for (row, &weight) in rows.iter().zip(&weights) {
            add_weighted(&mut sums, &across[row * row_len..], weight);
        }
        // torch rounds halves to even, but a sum of products is as good as never a half
        pixels.extend(sums.iter().map(|sum| (sum + 0.5) as u8));
    }
    Image::new(image.width(), image.height(), image.channels(), pixels).expect("every row is there")
}

/// The kernel, which adds up to 1.
fn weights(kernel_size: usize, sigma: f64) -> Vec<f32> {
    let centre = (kernel_size / 2) as f64;
    let heights: Vec<f64> =
        (0..kernel_size).map(|place| (-0.5 * ((place as f64 - centre) / sigma).powi(2)).exp()).collect();
    let sum: f64 = heights.iter().sum();
    heights.iter().map(|height| (height / sum) as f32).collect()
}

/// `to += weight * from`, as far as `to` goes.
fn add_weighted(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += weight * from;
    }
}

/// What is seen at `-radius..len + radius` when both ends of `0..len` are mirrors.
fn mirrored(radius: usize, len: usize) -> Vec<usize> {
    let period = 2 * (len - 1).max(1);
    let shift = period * radius.div_ceil(period) - radius;
    let place = |at: usize| (at + shift) % period;
    (0..len + 2 * radius).map(place).map(|place| place.min(period - place).min(len - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::Channels;

    #[test]
    fn borders_are_mirrored_as_often_as_needed() {
        assert_eq!(mirrored(3, 3), [1, 2, 1, 0, 1, 2, 1, 0, 1]);
        assert_eq!(mirrored(2, 1), [0; 5]);
    }

    #[test]
    fn one_colour_stays() {
        let image = Image::new(5, 4, Channels::Rgb, [9, 200, 255].repeat(20)).expect("20 pixels");
        assert_eq!(gaussian_blur(&image, 9, 3.0), image);
    }
}
