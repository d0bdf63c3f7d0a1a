//! Convolutions of whole batches and their gradients, as products of large matrices.
//!
//! The input is unfolded (im2col: Chellapilla, Puri and Simard 2006) a tile of output pixels at a time, several images side by side
//! where they are small, so that each product is large enough to be quick: forward `W × columns`, for the gradient of the weights
//! `dY × columnsᵀ`, for that of the input `Wᵀ × dY`, folded back, or, where the kernel moves by single steps, the convolution of
//! `dY` with the kernel turned around. Images are shared out among rayon's threads; what is summed over images is summed in an
//! order that depends on shapes alone.

mod depthwise;
mod plan;

use rayon::prelude::*;

use self::plan::{Plan, Scratch, room};
use crate::product::product;

/// Floats that the sums of the weights' gradients take, at most, unless one alone takes more.
const PARTIAL_FLOATS: usize = 16 << 20;
/// Parts of a batch whose gradients are summed apart, at most.
const PARTS: usize = 16;

/// A two-dimensional convolution of a batch `[N, C, H, W]` with weights `[K, C / groups, kernel height, kernel width]`, row after row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the input and of the output.
    pub channels: [usize; 2],
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps down and to the right.
    pub stride: [usize; 2],
    /// Zeros before and after, down and across.
    pub padding: [(usize, usize); 2],
    /// Distance between the kernel's cells.
    pub dilation: [usize; 2],
    /// Parts of the channels that do not meet.
    pub groups: usize,
}

impl Convolution {
    /// Height and width of the output.
    #[must_use]
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let (before, after) = self.padding[axis];
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            (self.input[axis] + before + after - reach) / self.stride[axis] + 1
        })
    }

    /// Whether weights of this shape belong to it, no side is 0, and its kernel fits on the padded input.
    #[must_use]
    pub fn fits(&self, weights: [usize; 4]) -> bool {
        let [channels_in, channels_out] = self.channels;
        let reaches = |axis: usize| {
            let (before, after) = self.padding[axis];
            self.dilation[axis] * (self.kernel[axis] - 1) < self.input[axis] + before + after
        };
        let grouped = self.groups > 0 && channels_in % self.groups == 0 && channels_out % self.groups == 0;
        grouped
            && weights == [channels_out, channels_in / self.groups, self.kernel[0], self.kernel[1]]
            && [self.channels, self.input, self.kernel, self.stride].as_flattened().iter().all(|side| *side > 0)
            && reaches(0)
            && reaches(1)
    }

    /// `output[n] = weights * images[n]`.
    ///
    /// # Panics
    /// When a slice is not of its shape's size.
    pub fn forward(&self, images: &[f32], weights: &[f32], output: &mut [f32]) {
        let plan = Plan::new(self, images.len());
        assert_eq!(output.len(), plan.count * plan.image_out, "output of all images");
        let spans = output.par_chunks_mut(plan.span * plan.image_out).zip(images.par_chunks(plan.span * plan.image_in));
        spans.for_each_init(Scratch::default, |scratch, (output, images)| {
            for group in 0..self.groups {
                plan.pad(images, group, &mut scratch.padded);
                for tile in plan.tiles(images.len() / plan.image_in) {
                    let to = room(&mut scratch.pixels, plan.group_out * tile.pixels);
                    if plan.is_depthwise() {
                        plan.slide(&scratch.padded, &tile, plan.weights_of(weights, group), to);
                    } else {
                        let columns = plan.unfold(&scratch.padded, &tile, &mut scratch.columns);
                        product(plan.weights(weights, group), columns, to, false);
                    }
                    plan.each_row(group, &tile, |inside, outside| output[outside].copy_from_slice(&to[inside]));
                }
            }
        });
    }

    /// The gradient of the weights, from the images and the gradient of the output.
    ///
    /// # Panics
    /// When a slice is not of its shape's size.
    pub fn weight_gradient(&self, images: &[f32], output_gradient: &[f32], gradient: &mut [f32]) {
        let plan = Plan::new(self, images.len());
        assert_eq!(output_gradient.len(), plan.count * plan.image_out, "gradient of all images' outputs");
        let (size, group_size) = (gradient.len(), plan.group_out * plan.depth);
        let spans = plan.count.div_ceil(plan.span).max(1);
        let parts = (PARTIAL_FLOATS / size).clamp(1, PARTS).min(spans);
        let part = spans.div_ceil(parts) * plan.span; // images
        let parts = images.par_chunks(part * plan.image_in).zip(output_gradient.par_chunks(part * plan.image_out));
        let sums = parts.map_init(Scratch::default, |scratch, (images, output_gradient)| {
            let mut sum = vec![0.0; size];
            let images = images.chunks(plan.span * plan.image_in);
            for (images, output_gradient) in images.zip(output_gradient.chunks(plan.span * plan.image_out)) {
                for group in 0..self.groups {
                    plan.pad(images, group, &mut scratch.padded);
                    for tile in plan.tiles(images.len() / plan.image_in) {
                        let sum = &mut sum[group * group_size..][..group_size];
                        let from = plan.gather(output_gradient, group, &tile, &mut scratch.pixels);
                        if plan.is_depthwise() {
                            plan.correlate(&scratch.padded, &tile, from, sum);
                        } else {
                            let columns = plan.unfold(&scratch.padded, &tile, &mut scratch.columns);
                            product(plan.channels(from), columns.transposed(), sum, true);
                        }
                    }
                }
            }
            sum
        });
        let sums: Vec<Vec<f32>> = sums.collect();
        gradient.fill(0.0);
        for sum in sums {
            gradient.iter_mut().zip(sum).for_each(|(to, from)| *to += from);
        }
    }

    /// The gradient of the images, from the weights and the gradient of the output.
    ///
    /// # Panics
    /// When a slice is not of its shape's size.
    pub fn input_gradient(&self, weights: &[f32], output_gradient: &[f32], gradient: &mut [f32]) {
        if let Some(turned) = self.turned() {
            return turned.forward(output_gradient, &self.turned_weights(weights), gradient);
        }
        let plan = Plan::new(self, gradient.len());
        assert_eq!(output_gradient.len(), plan.count * plan.image_out, "gradient of all images' outputs");
        let output_gradient = output_gradient.par_chunks(plan.span * plan.image_out);
        let spans = gradient.par_chunks_mut(plan.span * plan.image_in).zip(output_gradient);
        spans.for_each_init(Scratch::default, |scratch, (gradient, output_gradient)| {
            let images = gradient.len() / plan.image_in;
            for group in 0..self.groups {
                plan.padded_room(images, &mut scratch.padded);
                for tile in plan.tiles(images) {
                    let from = plan.gather(output_gradient, group, &tile, &mut scratch.pixels);
                    if plan.is_depthwise() {
                        plan.spread(from, plan.weights_of(weights, group), &tile, &mut scratch.padded);
                    } else {
                        let columns = room(&mut scratch.columns, plan.depth * tile.pixels);
                        product(plan.weights(weights, group).transposed(), plan.channels(from), columns, false);
                        plan.fold(columns, &tile, &mut scratch.padded);
                    }
                }
                plan.each_line_of_images(images, group, |inside, outside| {
                    gradient[outside].copy_from_slice(&scratch.padded[inside]);
                });
            }
        });
    }

    /// The convolution that makes the gradient of the input of that of the output, if there is one.
    fn turned(&self) -> Option<Self> {
        let reach = [0, 1].map(|axis| self.dilation[axis] * (self.kernel[axis] - 1));
        let inside = |axis: usize| self.padding[axis].0.max(self.padding[axis].1) <= reach[axis];
        (self.stride == [1; 2] && inside(0) && inside(1)).then(|| Self {
            channels: [self.channels[1], self.channels[0]],
            input: self.output(),
            padding: [0, 1].map(|axis| (reach[axis] - self.padding[axis].0, reach[axis] - self.padding[axis].1)),
            ..*self
        })
    }

    /// Weights `[C, K / groups, kernel height, kernel width]` of the convolution turned around.
    fn turned_weights(&self, weights: &[f32]) -> Vec<f32> {
        let area = self.kernel[0] * self.kernel[1];
        let [group_in, group_out] = self.channels.map(|channels| channels / self.groups);
        let mut turned = Vec::with_capacity(weights.len());
        for group in weights.chunks_exact(group_in * group_out * area) {
            for channel in 0..group_in {
                for kernel in group.chunks_exact(area).skip(channel).step_by(group_in) {
                    turned.extend(kernel.iter().rev());
                }
            }
        }
        turned
    }
}
