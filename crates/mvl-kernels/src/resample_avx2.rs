//! The weighted sums of `resample` with 256-bit vectors: four rows at once along the rows, sixteen bytes at once down the columns.

use std::arch::x86_64::*;

use super::resample::{Axis, Block, HALF, WEIGHT_BITS, level_of_column, pixel};

/// Bytes in half a vector.
const HALF_VECTOR: usize = 16;
/// Bytes of a block of RGB pixels.
const BLOCK_BYTES: usize = 12;
/// Rows that are resampled together.
const ROWS: usize = 4;

/// See `resample::along_rows`, for three channels.
#[target_feature(enable = "avx2")]
pub(super) fn along_rows(source: &[u8], row_bytes: usize, axis: &Axis, target: &mut [u8]) {
    let width = axis.len() * 3;
    let mut targets = target.chunks_exact_mut(ROWS * width);
    let mut rest = source;
    for target in targets.by_ref() {
        four_rows(rest, row_bytes, axis, target);
        rest = &rest[ROWS * row_bytes..];
    }
    let rows = rest.chunks_exact(row_bytes);
    for (row, target) in rows.zip(targets.into_remainder().chunks_exact_mut(width)) {
        for (taps, out) in axis.taps().iter().zip(target.as_chunks_mut::<3>().0) {
            *out = pixel(row, taps, axis.weights(taps));
        }
    }
}

/// The first four rows of `source` to four rows of the result. Bytes that follow may be read, but count for nothing.
#[target_feature(enable = "avx2")]
fn four_rows(source: &[u8], row_bytes: usize, axis: &Axis, target: &mut [u8]) {
    let width = axis.len() * 3;
    for (at, taps) in axis.taps().iter().enumerate() {
        let start = taps.start * 3;
        let place = at * 3;
        let Some(rows) = sums_of_four_rows(source, start, row_bytes, axis.blocks(taps)) else {
            for row in 0..ROWS {
                let levels = pixel::<3>(&source[row * row_bytes..][..row_bytes], taps, axis.weights(taps));
                target[row * width + place..][..3].copy_from_slice(&levels);
            }
            continue;
        };
        // In each half four bytes of one row, then four of another: rows 0 and 2, rows 1 and 3.
        let levels = to_levels(rows[0], rows[1]);
        let (even, odd) = (_mm256_castsi256_si128(levels), _mm256_extracti128_si256::<1>(levels));
        let levels = [
            _mm_cvtsi128_si32(even),
            _mm_cvtsi128_si32(odd),
            _mm_extract_epi32::<1>(even),
            _mm_extract_epi32::<1>(odd),
        ];
        for (row, levels) in levels.into_iter().enumerate() {
            let from = row * width + place;
            // The fourth byte is of the next pixel, which is still to come; in the last one it would be of the next row, or of none.
            match target.get_mut(from..from + 4) {
                Some(four) if place + 4 <= width => four.copy_from_slice(&levels.to_le_bytes()),
                _ => target[from..from + 3].copy_from_slice(&levels.to_le_bytes()[..3]),
            }
        }
    }
}

/// Sums of red, green and blue of the rows 0 and 1, and of the rows 2 and 3; `None` where a vector would reach past the end.
#[target_feature(enable = "avx2")]
fn sums_of_four_rows(source: &[u8], start: usize, row_bytes: usize, blocks: &[Block]) -> Option<[__m256i; 2]> {
    // Bytes to pairs of 16 bits: two reds, two greens, two blues.
    let first_two =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    let last_two =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    let reach = (ROWS - 1) * row_bytes + start + blocks.len() * BLOCK_BYTES + HALF_VECTOR - BLOCK_BYTES;
    let source = source.get(..reach)?;
    let (mut low, mut high) = ([_mm256_set1_epi32(HALF); 2], [_mm256_setzero_si256(); 2]);
    for (at, &[low_first, low_last, high_first, high_last]) in blocks.iter().enumerate() {
        let has_last = low_last | high_last != 0;
        let [low_first, low_last, high_first, high_last] =
            [low_first, low_last, high_first, high_last].map(|pair| _mm256_set1_epi32(pair));
        for pair in 0..2 {
            let from = 2 * pair * row_bytes + start + at * BLOCK_BYTES;
            debug_assert!(from + row_bytes + HALF_VECTOR <= source.len());
            // SAFETY: two unaligned loads of sixteen bytes. The last byte of the second one is, at most, that of the last block of
            // the last row, where `source` was cut off: `from + row_bytes + HALF_VECTOR <= reach`.
            #[expect(unsafe_code, reason = "the loads take pointers; a check for each would take longer than they do")]
            let (upper, lower) = unsafe {
                let upper = source.as_ptr().add(from);
                (_mm_loadu_si128(upper.cast()), _mm_loadu_si128(upper.add(row_bytes).cast()))
            };
            let both = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(upper), lower);
            let first = _mm256_shuffle_epi8(both, first_two);
            low[pair] = _mm256_add_epi32(low[pair], _mm256_madd_epi16(first, low_first));
            high[pair] = _mm256_add_epi32(high[pair], _mm256_madd_epi16(first, high_first));
            if has_last {
                let last = _mm256_shuffle_epi8(both, last_two);
                low[pair] = _mm256_add_epi32(low[pair], _mm256_madd_epi16(last, low_last));
                high[pair] = _mm256_add_epi32(high[pair], _mm256_madd_epi16(last, high_last));
            }
        }
    }
    Some([joined(low[0], high[0]), joined(low[1], high[1])])
}

/// See `resample::down_columns`.
#[target_feature(enable = "avx2")]
pub(super) fn down_columns(source: &[u8], width: usize, first: usize, axis: &Axis, target: &mut [u8]) {
    for (taps, target) in axis.taps().iter().zip(target.chunks_exact_mut(width)) {
        let rows = &source[(taps.start - first) * width..];
        let blocks = axis.blocks(taps);
        let (chunks, rest) = target.as_chunks_mut::<HALF_VECTOR>();
        for (at, chunk) in chunks.iter_mut().enumerate() {
            *chunk = sixteen_columns(&rows[at * HALF_VECTOR..], width, taps.count, blocks);
        }
        let done = width - rest.len();
        for (column, level) in rest.iter_mut().enumerate() {
            *level = level_of_column(rows, width, done + column, axis.weights(taps));
        }
    }
}

/// Sixteen values of a row of the result.
#[target_feature(enable = "avx2")]
fn sixteen_columns(rows: &[u8], width: usize, count: usize, blocks: &[Block]) -> [u8; HALF_VECTOR] {
    let row = |at: usize| {
        // A weight of zero stands where there is no further row.
        let from = at.min(count - 1) * width;
        load(rows[from..].first_chunk().expect("every row has sixteen more bytes"))
    };
    let (mut low, mut high) = ([_mm256_set1_epi32(HALF); 2], [_mm256_setzero_si256(); 2]);
    for (at, &[low_first, low_last, high_first, high_last]) in blocks.iter().enumerate() {
        for (pair, low_weights, high_weights) in [(0, low_first, high_first), (2, low_last, high_last)] {
            if low_weights | high_weights == 0 {
                continue; // no further rows
            }
            let (upper, lower) = (row(4 * at + pair), row(4 * at + pair + 1));
            let low_weights = _mm256_set1_epi32(low_weights);
            let high_weights = _mm256_set1_epi32(high_weights);
            let halves = [_mm_unpacklo_epi8(upper, lower), _mm_unpackhi_epi8(upper, lower)];
            for half in 0..2 {
                let pairs = _mm256_cvtepu8_epi16(halves[half]);
                low[half] = _mm256_add_epi32(low[half], _mm256_madd_epi16(pairs, low_weights));
                high[half] = _mm256_add_epi32(high[half], _mm256_madd_epi16(pairs, high_weights));
            }
        }
    }
    let levels = to_levels(joined(low[0], high[0]), joined(low[1], high[1]));
    // Packing works on each half alone: 0–3, 8–11 | 4–7, 12–15.
    let levels = _mm256_permutevar8x32_epi32(levels, _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5));
    store(_mm256_castsi256_si128(levels))
}

/// Low and high parts to whole sums.
#[target_feature(enable = "avx2")]
fn joined(low: __m256i, high: __m256i) -> __m256i {
    _mm256_add_epi32(low, _mm256_slli_epi32::<15>(high))
}

/// Sums to levels from 0 to 255: in each half four of the first, four of the second, and the same again.
#[target_feature(enable = "avx2")]
fn to_levels(first: __m256i, second: __m256i) -> __m256i {
    const SHIFT: i32 = WEIGHT_BITS as i32;
    let words = _mm256_packs_epi32(_mm256_srai_epi32::<SHIFT>(first), _mm256_srai_epi32::<SHIFT>(second));
    _mm256_packus_epi16(words, words)
}

#[inline(always)]
fn load(bytes: &[u8; HALF_VECTOR]) -> __m128i {
    // SAFETY: an unaligned load of the sixteen bytes that the reference stands for; every x86-64 has SSE2.
    #[expect(unsafe_code, reason = "the load takes a pointer")]
    unsafe {
        _mm_loadu_si128(bytes.as_ptr().cast())
    }
}

#[inline(always)]
fn store(vector: __m128i) -> [u8; HALF_VECTOR] {
    let mut bytes = [0; HALF_VECTOR];
    // SAFETY: an unaligned store to sixteen bytes of our own; every x86-64 has SSE2.
    #[expect(unsafe_code, reason = "the store takes a pointer")]
    unsafe {
        _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector);
    }
    bytes
}
