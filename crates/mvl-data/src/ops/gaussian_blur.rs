//! Gaussian blur with mirrored borders.
//!
//! # Source
//! `gaussian_blur_image` of torchvision, <https://github.com/pytorch/vision>, of which the square kernel is the product of two
//! lines. Its borders are mirrored without the outermost pixel; it refuses images smaller than half the kernel, ours mirrors again.

use mvl_core::Image;

use crate::geometry::reflected;

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
    let weights = gaussian_weights(kernel_size / 2, sigma);
    let field: Vec<f32> = image.pixels().iter().map(|&level| f32::from(level)).collect();
    let blurred = blurred(&field, image.size(), image.channels().count(), [&weights, &weights]);
    // torch rounds halves to even, but a sum of products is as good as never a half
    let pixels = blurred.into_iter().map(|level| (level + 0.5) as u8).collect();
    Image::new(image.width(), image.height(), image.channels(), pixels).expect("as many pixels as before")
}

/// A field `[height, width, count]` of that size after a pass along x and one along y, mirrored at its edges as often as needed.
/// The weights are those of each pass, odd in number.
pub(crate) fn blurred(field: &[f32], [height, width]: [u32; 2], count: usize, weights: [&[f32]; 2]) -> Vec<f32> {
    let [along_x, along_y] = weights;
    let row_len = width as usize * count;
    let columns = places(along_x.len() / 2, width);
    let mut extended = vec![0.0; columns.len() * count];
    let mut across = vec![0.0; field.len()];
    for (row, to) in field.chunks_exact(row_len).zip(across.chunks_exact_mut(row_len)) {
        for (pixel, column) in extended.chunks_exact_mut(count).zip(&columns) {
            pixel.copy_from_slice(&row[column * count..][..count]);
        }
        for (place, &weight) in along_x.iter().enumerate() {
            add_weighted(to, &extended[place * count..], weight);
        }
    }
    let rows = places(along_y.len() / 2, height);
    let mut done = vec![0.0; field.len()];
    for (to, sources) in done.chunks_exact_mut(row_len).zip(rows.windows(along_y.len())) {
        for (row, &weight) in sources.iter().zip(along_y) {
            add_weighted(to, &across[row * row_len..], weight);
        }
    }
    done
}

/// A Gaussian as far as `radius` pixels on both sides; it adds up to 1.
pub(crate) fn gaussian_weights(radius: usize, sigma: f64) -> Vec<f32> {
    let height = |place: usize| (-0.5 * ((place as f64 - radius as f64) / sigma).powi(2)).exp();
    let heights: Vec<f64> = (0..=2 * radius).map(height).collect();
    let sum: f64 = heights.iter().sum();
    heights.iter().map(|height| (height / sum) as f32).collect()
}

/// `to += weight * from`, as far as `to` goes.
fn add_weighted(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += weight * from;
    }
}

/// What is seen at `-radius..side + radius` when both ends of `0..side` are mirrors.
fn places(radius: usize, side: u32) -> Vec<usize> {
    let (radius, side) = (radius as i64, i64::from(side));
    (-radius..side + radius).map(|at| reflected(at, side) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::Channels;

    #[test]
    fn borders_are_mirrored_as_often_as_needed() {
        assert_eq!(places(3, 3), [1, 2, 1, 0, 1, 2, 1, 0, 1]);
        assert_eq!(places(2, 1), [0; 5]);
    }

    #[test]
    fn one_colour_stays() {
        let image = Image::new(5, 4, Channels::Rgb, [9, 200, 255].repeat(20)).expect("20 pixels");
        assert_eq!(gaussian_blur(&image, 9, 3.0), image);
    }
}
