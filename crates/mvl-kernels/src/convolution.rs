//! Convolutions of whole batches and their gradients, as products of large matrices.
//!
//! The input is unfolded (im2col: Chellapilla, Puri and Simard 2006) a tile of output pixels at a time, several images side by side
//! where they are small, so that each product is large enough to be quick: forward `W × columns`, for the gradient of the weights
//! `dY × columnsᵀ`, for that of the input `Wᵀ × dY`, folded back, or, where the kernel moves by single steps, the convolution of
//! `dY` with the kernel turned around. Images are shared out among rayon's threads; what is summed over images is summed in an
//! order that depends on shapes alone.

use std::ops::Range;

use rayon::prelude::*;

use crate::product::{Matrix, product};

/// Output pixels of a tile, at least, where there are as many.
const TILE_PIXELS: usize = 192;
/// Floats that the sums of the weights' gradients take, at most, unless one alone takes more.
const PARTIAL_FLOATS: usize = 16 << 20;
/// Parts of a batch whose gradients are summed apart, at most.
const PARTS: usize = 16;
/// Floats that are copied at once, at most.
const BLOCK: usize = 16;

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

    /// Whether weights of this shape belong to it, and its kernel fits on the padded input.
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
            && self.kernel.iter().chain(&self.stride).all(|side| *side > 0)
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
                    let columns = plan.unfold(&scratch.padded, &tile, &mut scratch.columns);
                    let to = room(&mut scratch.pixels, plan.group_out * tile.pixels);
                    product(plan.weights(weights, group), columns, to, false);
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
                        let columns = plan.unfold(&scratch.padded, &tile, &mut scratch.columns);
                        let from = plan.gather(output_gradient, group, &tile, &mut scratch.pixels);
                        product(from, columns.transposed(), &mut sum[group * group_size..][..group_size], true);
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
                    let columns = room(&mut scratch.columns, plan.depth * tile.pixels);
                    product(plan.weights(weights, group).transposed(), from, columns, false);
                    plan.fold(columns, &tile, &mut scratch.padded);
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

/// What a thread works in.
#[derive(Debug, Default)]
struct Scratch {
    padded: Vec<f32>,
    columns: Vec<f32>,
    pixels: Vec<f32>,
}

/// The first `length` of what is kept; their values are whatever they were.
fn room(kept: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if kept.len() < length {
        kept.resize(length, 0.0);
    }
    &mut kept[..length]
}

/// Output pixels that are computed at once: rows of one image, or several whole images.
#[derive(Debug)]
struct Tile {
    images: usize,
    rows: Range<usize>,
    pixels: usize,
}

/// A convolution with the sizes that follow from it and from the number of images.
#[derive(Debug)]
struct Plan<'a> {
    convolution: &'a Convolution,
    /// Height and width of the output, and of the padded input.
    output: [usize; 2],
    padded: [usize; 2],
    /// Images.
    count: usize,
    /// Images that are worked on at once.
    span: usize,
    /// Numbers of an image, and of its output.
    image_in: usize,
    image_out: usize,
    /// Channels of a group, in and out.
    group_in: usize,
    group_out: usize,
    /// Numbers under the kernel: rows of the unfolded input.
    depth: usize,
}

impl<'a> Plan<'a> {
    fn new(convolution: &'a Convolution, numbers: usize) -> Self {
        let Convolution { channels, input, padding, groups, kernel, .. } = *convolution;
        let area = |[height, width]: [usize; 2]| height * width;
        let output = convolution.output();
        let (image_in, image_out) = (channels[0] * area(input), channels[1] * area(output));
        assert_eq!(numbers % image_in, 0, "whole images");
        let group_in = channels[0] / groups;
        Self {
            convolution,
            output,
            padded: [0, 1].map(|axis| input[axis] + padding[axis].0 + padding[axis].1),
            count: numbers / image_in,
            span: (TILE_PIXELS / area(output)).max(1),
            image_in,
            image_out,
            group_in,
            group_out: channels[1] / groups,
            depth: group_in * area(kernel),
        }
    }

    /// The tiles of these images, which are one or small.
    fn tiles(&self, images: usize) -> impl Iterator<Item = Tile> {
        let [height, width] = self.output;
        let step = if images > 1 { height } else { TILE_PIXELS.div_ceil(width).min(height) };
        (0..height).step_by(step).map(move |start| {
            let rows = start..(start + step).min(height);
            Tile { images, pixels: images * rows.len() * width, rows }
        })
    }

    /// The weights of a group, a row for each channel of the output.
    fn weights<'w>(&self, weights: &'w [f32], group: usize) -> Matrix<'w> {
        let size = self.group_out * self.depth;
        Matrix::new(&weights[group * size..][..size], [self.group_out, self.depth])
    }

    /// A tile of a group's outputs, a row for each channel.
    fn gather<'s>(&self, output: &[f32], group: usize, tile: &Tile, pixels: &'s mut Vec<f32>) -> Matrix<'s> {
        let pixels = room(pixels, self.group_out * tile.pixels);
        self.each_row(group, tile, |inside, outside| pixels[inside].copy_from_slice(&output[outside]));
        Matrix::new(pixels, [self.group_out, tile.pixels])
    }

    /// Calls with the places of each channel and image of a tile: in the tile, and in the outputs of its images.
    fn each_row(&self, group: usize, tile: &Tile, mut each: impl FnMut(Range<usize>, Range<usize>)) {
        let [height, width] = self.output;
        let length = tile.rows.len() * width;
        for channel in 0..self.group_out {
            for image in 0..tile.images {
                let inside = (channel * tile.images + image) * length;
                let plane = image * self.convolution.channels[1] + group * self.group_out + channel;
                let outside = (plane * height + tile.rows.start) * width;
                each(inside..inside + length, outside..outside + length);
            }
        }
    }

    /// Zeros for a group's channels of these images with their padding, and a block more.
    fn padded_room<'s>(&self, images: usize, padded: &'s mut Vec<f32>) -> &'s mut [f32] {
        let padded = room(padded, images * self.group_in * self.padded[0] * self.padded[1] + BLOCK);
        padded.fill(0.0);
        padded
    }

    /// A group's channels of these images, padded.
    fn pad(&self, images: &[f32], group: usize, padded: &mut Vec<f32>) {
        let count = images.len() / self.image_in;
        let padded = self.padded_room(count, padded);
        self.each_line_of_images(count, group, |inside, outside| {
            padded[inside].copy_from_slice(&images[outside]);
        });
    }

    /// Calls with the places of each line of a group's channels: in the padded images, and in the images themselves.
    fn each_line_of_images(&self, images: usize, group: usize, mut each: impl FnMut(Range<usize>, Range<usize>)) {
        let Convolution { input: [height, width], padding, channels, .. } = *self.convolution;
        for image in 0..images {
            for channel in 0..self.group_in {
                let inside = (image * self.group_in + channel) * self.padded[0] + padding[0].0;
                let outside = (image * channels[0] + group * self.group_in + channel) * height;
                for row in 0..height {
                    let inside = (inside + row) * self.padded[1] + padding[1].0;
                    let outside = (outside + row) * width;
                    each(inside..inside + width, outside..outside + width);
                }
            }
        }
    }

    /// What lies under each cell of the kernel for each pixel of the tile: a row for each channel and cell.
    fn unfold<'s>(&self, padded: &[f32], tile: &Tile, columns: &'s mut Vec<f32>) -> Matrix<'s> {
        let size = self.depth * tile.pixels;
        let columns = room(columns, size + BLOCK);
        let (width, stride) = (self.output[1], self.convolution.stride[1]);
        if stride == 1 {
            match width {
                0..=4 => self.copy_lines::<4>(padded, tile, columns),
                5..=8 => self.copy_lines::<8>(padded, tile, columns),
                _ => self.copy_lines::<BLOCK>(padded, tile, columns),
            }
        } else {
            self.each_line(tile, |line, start| {
                let from = padded[start..].iter().step_by(stride);
                columns[line..line + width].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            });
        }
        Matrix::new(&columns[..size], [self.depth, tile.pixels])
    }

    /// The lines of an unfolded tile in blocks, which reach beyond a line: the next one, copied after it, covers that.
    fn copy_lines<const N: usize>(&self, padded: &[f32], tile: &Tile, columns: &mut [f32]) {
        self.each_line(tile, |line, start| {
            for at in (0..self.output[1]).step_by(N) {
                let from: &[f32; N] = padded[start + at..].first_chunk().expect("a block beyond the last image");
                *columns[line + at..].first_chunk_mut().expect("a block beyond the last line") = *from;
            }
        });
    }

    /// Adds every number of what was unfolded to the pixel that it came from.
    fn fold(&self, columns: &[f32], tile: &Tile, padded: &mut [f32]) {
        let (width, stride) = (self.output[1], self.convolution.stride[1]);
        self.each_line(tile, |line, start| {
            let to = padded[start..].iter_mut().step_by(stride);
            to.zip(&columns[line..line + width]).for_each(|(to, from)| *to += from);
        });
    }

    /// Calls with where each line of the unfolded tile stands, one after another, and where its first number does in the padded images.
    fn each_line(&self, tile: &Tile, mut each: impl FnMut(usize, usize)) {
        let Convolution { kernel, stride, dilation, .. } = *self.convolution;
        let [height, width] = self.padded;
        let mut line = 0;
        for channel in 0..self.group_in {
            for down in 0..kernel[0] {
                for across in 0..kernel[1] {
                    for image in 0..tile.images {
                        let plane = (image * self.group_in + channel) * height + down * dilation[0];
                        for row in tile.rows.clone() {
                            each(line, (plane + row * stride[0]) * width + across * dilation[1]);
                            line += self.output[1];
                        }
                    }
                }
            }
        }
    }
}
