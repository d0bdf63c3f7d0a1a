//! Weighted sums along the rows and down the columns of 8-bit images, in fixed point, exact to the last bit on every machine.
//!
//! A weight `w` is split as `w = high * 2^15 + low`, so that pairs of products come from one 16-bit multiply-add each. The sums
//! wrap around in 32 bits, where the whole sum fits: what comes out is that of plain 32-bit arithmetic.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use crate::resample_avx2;

/// Fraction bits of a weight: 8 bits are the pixel's, 2 leave room for sums beyond the range.
pub const WEIGHT_BITS: u32 = 32 - 8 - 2;
/// One half in fixed point, for rounding.
pub(crate) const HALF: i32 = 1 << (WEIGHT_BITS - 1);
/// Weights in a block.
pub(crate) const BLOCK: usize = 4;

/// Four weights as pairs of 16 bits: low parts of two, low parts of two, high parts of two, high parts of two.
pub(crate) type Block = [i32; 4];

/// Which source pixels make each pixel of the result along one axis, and with what weights.
///
/// # Example
/// ```
/// use mvl_kernels::{Axis, WEIGHT_BITS, along_rows};
/// let mut axis = Axis::default();
/// axis.push(1, [1 << (WEIGHT_BITS - 1); 2]); // the mean of the pixels 1 and 2
/// let mut mean = [0; 1];
/// along_rows::<1>(&[9, 20, 40, 9], 4, &axis, &mut mean);
/// assert_eq!(mean, [30]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Axis {
    taps: Vec<Taps>,
    weights: Vec<i32>,
    blocks: Vec<Block>,
}

/// The taps of one pixel of the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taps {
    /// The first source pixel.
    pub(crate) start: usize,
    /// How many there are, and where their weights begin.
    pub(crate) count: usize,
    first_weight: usize,
    first_block: usize,
}

impl Axis {
    /// Forgets all pixels, but keeps its memory.
    pub fn clear(&mut self) {
        self.taps.clear();
        self.weights.clear();
        self.blocks.clear();
    }

    /// Adds the next pixel of the result: source pixels from `start` on, each with its weight in units of `2^-WEIGHT_BITS`.
    pub fn push(&mut self, start: usize, weights: impl IntoIterator<Item = i32>) {
        let (first_weight, first_block) = (self.weights.len(), self.blocks.len());
        self.weights.extend(weights);
        let weights = &self.weights[first_weight..];
        self.taps.push(Taps { start, count: weights.len(), first_weight, first_block });
        self.blocks.extend(weights.chunks(BLOCK).map(to_block));
    }

    /// Swaps the first pixel of the result with the last, and so on: a mirror image at no cost.
    pub fn reverse(&mut self) {
        self.taps.reverse();
    }

    /// Pixels of the result.
    #[must_use]
    pub fn len(&self) -> usize {
        self.taps.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }

    /// The source pixels that are needed.
    #[must_use]
    pub fn reach(&self) -> Range<usize> {
        let first = self.taps.iter().map(|taps| taps.start).min();
        let end = self.taps.iter().map(|taps| taps.start + taps.count).max();
        first.unwrap_or(0)..end.unwrap_or(0)
    }

    pub(crate) fn taps(&self) -> &[Taps] {
        &self.taps
    }

    #[inline(always)]
    pub(crate) fn weights(&self, taps: &Taps) -> &[i32] {
        &self.weights[taps.first_weight..][..taps.count]
    }

    #[inline(always)]
    pub(crate) fn blocks(&self, taps: &Taps) -> &[Block] {
        &self.blocks[taps.first_block..][..taps.count.div_ceil(BLOCK)]
    }
}

/// Up to four weights, zeros after them.
fn to_block(weights: &[i32]) -> Block {
    let weight = |at: usize| weights.get(at).copied().unwrap_or(0);
    let high = |weight: i32| (weight + (1 << 14)) >> 15;
    let low = |weight: i32| weight - (high(weight) << 15);
    let pair = |first: i32, second: i32| (first & 0xFFFF) | (second << 16);
    let [a, b, c, d] = [0, 1, 2, 3].map(weight);
    [pair(low(a), low(b)), pair(low(c), low(d)), pair(high(a), high(b)), pair(high(c), high(d))]
}

/// Resamples every row of an image with `C` interleaved channels: `[H, W, C]` to `[H, axis.len(), C]`.
///
/// # Panics
/// If `axis` reaches past the end of a row of `row_bytes`, or `target` does not have `H * axis.len() * C` bytes.
pub fn along_rows<const C: usize>(source: &[u8], row_bytes: usize, axis: &Axis, target: &mut [u8]) {
    let (rows, width) = (source.len() / row_bytes, axis.len() * C);
    assert!(axis.reach().end * C <= row_bytes, "the axis reaches past the end of a row");
    assert_eq!(target.len(), rows * width, "a row of the result for each row of the source");
    #[cfg(target_arch = "x86_64")]
    if C == 3 && is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU was just asked.
        #[expect(unsafe_code, reason = "calls a function for a CPU with AVX2")]
        unsafe {
            resample_avx2::along_rows(source, row_bytes, axis, target);
        }
        return;
    }
    for (row, target) in source.chunks_exact(row_bytes).zip(target.chunks_exact_mut(width)) {
        for (taps, out) in axis.taps().iter().zip(target.as_chunks_mut::<C>().0) {
            *out = pixel(row, taps, axis.weights(taps));
        }
    }
}

/// One pixel of a row.
#[inline(always)]
pub(crate) fn pixel<const C: usize>(row: &[u8], taps: &Taps, weights: &[i32]) -> [u8; C] {
    let mut sums = [HALF; C];
    for (pixel, weight) in row.as_chunks::<C>().0[taps.start..].iter().zip(weights) {
        for (sum, &level) in sums.iter_mut().zip(pixel) {
            *sum = sum.wrapping_add(i32::from(level).wrapping_mul(*weight));
        }
    }
    sums.map(to_level)
}

/// Resamples every column: rows of `width` bytes, the first of which is row `first` of the image, to `axis.len()` rows.
///
/// # Panics
/// If `axis` needs a row that is not there, or `target` does not have `axis.len() * width` bytes.
pub fn down_columns(source: &[u8], width: usize, first: usize, axis: &Axis, target: &mut [u8]) {
    let reach = axis.reach();
    assert!(first <= reach.start && (reach.end - first) * width <= source.len(), "the axis reaches past the last row");
    assert_eq!(target.len(), axis.len() * width, "a row for each pixel of the axis");
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU was just asked.
        #[expect(unsafe_code, reason = "calls a function for a CPU with AVX2")]
        unsafe {
            resample_avx2::down_columns(source, width, first, axis, target);
        }
        return;
    }
    for (taps, target) in axis.taps().iter().zip(target.chunks_exact_mut(width)) {
        let rows = &source[(taps.start - first) * width..];
        for (column, level) in target.iter_mut().enumerate() {
            *level = level_of_column(rows, width, column, axis.weights(taps));
        }
    }
}

/// One value of a row of the result; `rows` begins with the first row that it is made of.
#[inline(always)]
pub(crate) fn level_of_column(rows: &[u8], width: usize, column: usize, weights: &[i32]) -> u8 {
    let sum = rows
        .iter()
        .skip(column)
        .step_by(width)
        .zip(weights)
        .fold(HALF, |sum, (&level, &weight)| sum.wrapping_add(i32::from(level).wrapping_mul(weight)));
    to_level(sum)
}

#[inline(always)]
fn to_level(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any numbers, always the same.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(next).collect()
    }

    /// An axis with this many taps a pixel, some of their weights negative.
    fn axis(source: usize, result: usize, count: usize) -> Axis {
        let mut axis = Axis::default();
        for at in 0..result {
            let start = at * (source - count) / result.max(2).saturating_sub(1).max(1);
            let start = start.min(source - count);
            let one = 1 << WEIGHT_BITS;
            axis.push(start, (0..count).map(|tap| if tap % 3 == 2 { -one / 9 } else { one / count as i32 + 1_234 }));
        }
        axis
    }

    #[test]
    fn vectors_give_what_single_pixels_give() {
        for (width, height, count) in [(5, 1, 1), (9, 4, 3), (40, 7, 4), (33, 9, 9), (64, 8, 33), (4, 4, 4)] {
            let source = noise(width * height * 3);
            for mirrored in [false, true] {
                let mut axis = axis(width, width + 3, count);
                if mirrored {
                    axis.reverse();
                }
                let mut target = vec![0; height * axis.len() * 3];
                along_rows::<3>(&source, width * 3, &axis, &mut target);
                for (row, target) in source.chunks_exact(width * 3).zip(target.chunks_exact(axis.len() * 3)) {
                    for (taps, &got) in axis.taps().iter().zip(target.as_chunks::<3>().0) {
                        assert_eq!(got, pixel::<3>(row, taps, axis.weights(taps)), "{width} wide, {count} taps");
                    }
                }
            }
        }
        for (width, height, count) in [(1, 4, 2), (16, 9, 3), (50, 40, 33), (47, 6, 5)] {
            let source = noise(width * height);
            let axis = axis(height, 7, count);
            let mut target = vec![0; 7 * width];
            down_columns(&source, width, 0, &axis, &mut target);
            for (taps, row) in axis.taps().iter().zip(target.chunks_exact(width)) {
                for (column, &got) in row.iter().enumerate() {
                    let rows = &source[taps.start * width..];
                    assert_eq!(got, level_of_column(rows, width, column, axis.weights(taps)), "{width} wide");
                }
            }
        }
    }

    #[test]
    fn a_weight_is_its_two_parts() {
        for weight in [0, 1, -1, 16_383, 16_384, -16_384, -16_385, 1 << 22, -(1 << 22), 7_654_321] {
            let [low, _, high, _] = to_block(&[weight]);
            assert_eq!((high << 16 >> 16 << 15) + (low << 16 >> 16), weight);
        }
    }
}
