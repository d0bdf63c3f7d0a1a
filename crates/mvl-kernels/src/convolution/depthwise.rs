//! Channels that are convolved each by itself: sums along lines, as there is no large product in them.

use super::plan::{Plan, Tile};
use crate::sums::sum_pairs;

impl Plan<'_> {
    /// The outputs of one channel convolved by itself.
    pub(super) fn slide(&self, padded: &[f32], tile: &Tile, kernel: &[f32], output: &mut [f32]) {
        output.fill(0.0);
        let (width, stride) = (self.output[1], self.convolution.stride[1]);
        self.each_line(tile, |line, start| {
            let (weight, to) = (kernel[line / tile.pixels], &mut output[line % tile.pixels..][..width]);
            if stride == 1 {
                to.iter_mut().zip(&padded[start..start + width]).for_each(|(to, from)| *to += weight * from);
            } else {
                to.iter_mut().zip(padded[start..].iter().step_by(stride)).for_each(|(to, from)| *to += weight * from);
            }
        });
    }

    /// Adds to the gradient of the kernel of one channel convolved by itself.
    pub(super) fn correlate(&self, padded: &[f32], tile: &Tile, output_gradient: &[f32], kernel: &mut [f32]) {
        let (width, stride) = (self.output[1], self.convolution.stride[1]);
        self.each_line(tile, |line, start| {
            let of_output = &output_gradient[line % tile.pixels..][..width];
            kernel[line / tile.pixels] += if stride == 1 {
                sum_pairs(of_output, &padded[start..start + width], |gradient, from| gradient * from)
            } else {
                of_output
                    .iter()
                    .zip(padded[start..].iter().step_by(stride))
                    .map(|(gradient, from)| gradient * from)
                    .sum()
            };
        });
    }

    /// Adds the gradient of the input of one channel convolved by itself.
    pub(super) fn spread(&self, output_gradient: &[f32], kernel: &[f32], tile: &Tile, padded: &mut [f32]) {
        let (width, stride) = (self.output[1], self.convolution.stride[1]);
        self.each_line(tile, |line, start| {
            let weight = kernel[line / tile.pixels];
            let to = padded[start..].iter_mut().step_by(stride);
            to.zip(&output_gradient[line % tile.pixels..][..width]).for_each(|(to, from)| *to += weight * from);
        });
    }
}
