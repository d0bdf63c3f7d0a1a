//! Batch normalisation of `[N, C, …]` by the statistics of the batch, and its gradients (Ioffe and Szegedy 2015).
//!
//! Sums go over rows of a channel in an order that depends on shapes alone, in `f32` within a row and in `f64` over rows.

use rayon::prelude::*;

use crate::sums::{sum, sum_pairs};

/// The mean and the variance, over `N`, of each channel.
///
/// # Panics
/// When `images` is not `N × channels` rows of `area` numbers.
#[must_use]
pub fn channel_moments(images: &[f32], channels: usize, area: usize) -> (Vec<f32>, Vec<f32>) {
    let count = elements(images, channels, area);
    let moments = |channel: usize| {
        let mean = (sum_rows(images, channels, area, channel, |row| sum(row, |x| x)) / count) as f32;
        let variance = sum_rows(images, channels, area, channel, |row| sum(row, |x| (x - mean) * (x - mean))) / count;
        (mean, variance as f32)
    };
    (0..channels).into_par_iter().map(moments).unzip()
}

/// `output = images × scale + shift`, with a scale and a shift for each channel.
///
/// # Panics
/// When shapes do not fit.
pub fn scale_channels(images: &[f32], area: usize, scale: &[f32], shift: &[f32], output: &mut [f32]) {
    assert_eq!([images.len(), scale.len()], [output.len(), shift.len()], "as much in as out");
    let size = scale.len() * area;
    output.par_chunks_mut(size).zip(images.par_chunks(size)).for_each(|(output, images)| {
        let rows = output.chunks_exact_mut(area).zip(images.chunks_exact(area));
        for ((output, images), (scale, shift)) in rows.zip(scale.iter().zip(shift)) {
            output.iter_mut().zip(images).for_each(|(to, from)| *to = from * scale + shift);
        }
    });
}

/// The sums over each channel of the output's gradient, and of its products with the normalised images: the gradients of shift and scale.
///
/// # Panics
/// When shapes do not fit.
#[must_use]
pub fn batch_norm_sums(
    images: &[f32],
    area: usize,
    mean: &[f32],
    inverse_deviation: &[f32],
    output_gradient: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    assert_eq!(images.len(), output_gradient.len(), "a gradient for each number");
    let channels = mean.len();
    elements(images, channels, area);
    let sums = |channel: usize| {
        let mean = mean[channel];
        let rows = || (channel * area..images.len()).step_by(channels * area).map(|start| start..start + area);
        let of_gradient: f64 = rows().map(|row| f64::from(sum(&output_gradient[row], |x| x))).sum();
        let of_products: f64 = rows()
            .map(|row| f64::from(sum_pairs(&images[row.clone()], &output_gradient[row], |x, g| (x - mean) * g)))
            .sum();
        (of_gradient as f32, (of_products * f64::from(inverse_deviation[channel])) as f32)
    };
    (0..channels).into_par_iter().map(sums).unzip()
}

/// `gradient = output_gradient × of_gradient + (images − mean) × of_images + rest`, with these four for each channel: what the gradient of
/// the images comes to.
///
/// # Panics
/// When shapes do not fit.
pub fn batch_norm_gradient(
    images: &[f32],
    area: usize,
    output_gradient: &[f32],
    factors: &[[f32; 4]],
    gradient: &mut [f32],
) {
    assert_eq!([images.len(); 2], [output_gradient.len(), gradient.len()], "as much in as out");
    let size = factors.len() * area;
    let images = images.par_chunks(size).zip(output_gradient.par_chunks(size));
    gradient.par_chunks_mut(size).zip(images).for_each(|(gradient, (images, output_gradient))| {
        let rows = images.chunks_exact(area).zip(output_gradient.chunks_exact(area));
        let rows = gradient.chunks_exact_mut(area).zip(rows);
        for ((gradient, (images, output_gradient)), [of_gradient, mean, of_images, rest]) in rows.zip(factors) {
            let pairs = images.iter().zip(output_gradient);
            gradient
                .iter_mut()
                .zip(pairs)
                .for_each(|(to, (x, g))| *to = g * of_gradient + ((x - mean) * of_images + rest));
        }
    });
}

/// Numbers of a channel.
fn elements(images: &[f32], channels: usize, area: usize) -> f64 {
    assert_eq!(images.len() % (channels * area), 0, "whole images of {channels} channels of {area} numbers");
    (images.len() / channels) as f64
}

/// The sum over the rows of a channel.
fn sum_rows(images: &[f32], channels: usize, area: usize, channel: usize, of: impl Fn(&[f32]) -> f32) -> f64 {
    images.chunks_exact(area).skip(channel).step_by(channels).map(|row| f64::from(of(row))).sum()
}
