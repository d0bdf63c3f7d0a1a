//! How a convolution of a batch is cut into tiles, and what a tile is made of.

use std::ops::Range;

use super::Convolution;
use crate::product::Matrix;

/// Output pixels of a tile, at least, where there are as many.
const TILE_PIXELS: usize = 192;
/// Floats that are copied at once, at most.
const BLOCK: usize = 16;

/// What a thread works in.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) padded: Vec<f32>,
    pub(super) columns: Vec<f32>,
    pub(super) pixels: Vec<f32>,
}

/// The first `length` of what is kept; their values are whatever they were.
pub(super) fn room(kept: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if kept.len() < length {
        kept.resize(length, 0.0);
    }
    &mut kept[..length]
}

/// Output pixels that are computed at once: rows of one image, or several whole images.
#[derive(Debug)]
pub(super) struct Tile {
    images: usize,
    rows: Range<usize>,
    pub(super) pixels: usize,
}

/// A convolution with the sizes that follow from it and from the number of images.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) convolution: &'a Convolution,
    /// Height and width of the output, and of the padded input.
    pub(super) output: [usize; 2],
    pub(super) padded: [usize; 2],
    /// Images.
    pub(super) count: usize,
    /// Images that are worked on at once.
    pub(super) span: usize,
    /// Numbers of an image, and of its output.
    pub(super) image_in: usize,
    pub(super) image_out: usize,
    /// Channels of a group, in and out.
    pub(super) group_in: usize,
    pub(super) group_out: usize,
    /// Numbers under the kernel: rows of the unfolded input.
    pub(super) depth: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(convolution: &'a Convolution, numbers: usize) -> Self {
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
    pub(super) fn tiles(&self, images: usize) -> impl Iterator<Item = Tile> {
        let [height, width] = self.output;
        let step = if images > 1 { height } else { TILE_PIXELS.div_ceil(width).min(height) };
        (0..height).step_by(step).map(move |start| {
            let rows = start..(start + step).min(height);
            Tile { images, pixels: images * rows.len() * width, rows }
        })
    }

    /// Whether each channel is convolved by itself, with one kernel: what there is no large product for.
    pub(super) fn is_depthwise(&self) -> bool {
        [self.group_in, self.group_out] == [1, 1]
    }

    /// The weights of a group.
    pub(super) fn weights_of<'w>(&self, weights: &'w [f32], group: usize) -> &'w [f32] {
        let size = self.group_out * self.depth;
        &weights[group * size..][..size]
    }

    /// The weights of a group, a row for each channel of the output.
    pub(super) fn weights<'w>(&self, weights: &'w [f32], group: usize) -> Matrix<'w> {
        Matrix::new(self.weights_of(weights, group), [self.group_out, self.depth])
    }

    /// Numbers of a group's outputs, a row for each channel.
    pub(super) fn channels<'p>(&self, pixels: &'p [f32]) -> Matrix<'p> {
        Matrix::new(pixels, [self.group_out, pixels.len() / self.group_out])
    }

    /// A tile of a group's outputs, channel after channel.
    pub(super) fn gather<'s>(&self, output: &[f32], group: usize, tile: &Tile, pixels: &'s mut Vec<f32>) -> &'s [f32] {
        let pixels = room(pixels, self.group_out * tile.pixels);
        self.each_row(group, tile, |inside, outside| pixels[inside].copy_from_slice(&output[outside]));
        pixels
    }

    /// Calls with the places of each channel and image of a tile: in the tile, and in the outputs of its images.
    pub(super) fn each_row(&self, group: usize, tile: &Tile, mut each: impl FnMut(Range<usize>, Range<usize>)) {
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
    pub(super) fn padded_room<'s>(&self, images: usize, padded: &'s mut Vec<f32>) -> &'s mut [f32] {
        let padded = room(padded, images * self.group_in * self.padded[0] * self.padded[1] + BLOCK);
        padded.fill(0.0);
        padded
    }

    /// A group's channels of these images, padded.
    pub(super) fn pad(&self, images: &[f32], group: usize, padded: &mut Vec<f32>) {
        let count = images.len() / self.image_in;
        let padded = self.padded_room(count, padded);
        self.each_line_of_images(count, group, |inside, outside| {
            padded[inside].copy_from_slice(&images[outside]);
        });
    }

    /// Calls with the places of each line of a group's channels: in the padded images, and in the images themselves.
    pub(super) fn each_line_of_images(
        &self,
        images: usize,
        group: usize,
        mut each: impl FnMut(Range<usize>, Range<usize>),
    ) {
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
    pub(super) fn unfold<'s>(&self, padded: &[f32], tile: &Tile, columns: &'s mut Vec<f32>) -> Matrix<'s> {
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
    pub(super) fn copy_lines<const N: usize>(&self, padded: &[f32], tile: &Tile, columns: &mut [f32]) {
        self.each_line(tile, |line, start| {
            for at in (0..self.output[1]).step_by(N) {
                let from: &[f32; N] = padded[start + at..].first_chunk().expect("a block beyond the last image");
                *columns[line + at..].first_chunk_mut().expect("a block beyond the last line") = *from;
            }
        });
    }

    /// Adds every number of what was unfolded to the pixel that it came from.
    pub(super) fn fold(&self, columns: &[f32], tile: &Tile, padded: &mut [f32]) {
        let (width, stride) = (self.output[1], self.convolution.stride[1]);
        self.each_line(tile, |line, start| {
            let to = padded[start..].iter_mut().step_by(stride);
            to.zip(&columns[line..line + width]).for_each(|(to, from)| *to += from);
        });
    }

    /// Calls with where each line of the unfolded tile stands, one after another, and where its first number does in the padded images.
    pub(super) fn each_line(&self, tile: &Tile, mut each: impl FnMut(usize, usize)) {
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
