//! Sums that the compiler takes several numbers at a time for, always in the same order.

/// Sums that are kept side by side.
const LANES: usize = 16;

/// The sum of a function of a row's numbers.
pub(crate) fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (blocks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(sum, x)| *sum += of(*x));
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|x| of(*x)).sum::<f32>()
}

/// The sum of a function of two rows' numbers.
pub(crate) fn sum_pairs(left: &[f32], right: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    let ((blocks, rest), (others, other_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (block, other) in blocks.iter().zip(others) {
        lanes.iter_mut().zip(block.iter().zip(other)).for_each(|(sum, (x, g))| *sum += of(*x, *g));
    }
    lanes.iter().sum::<f32>() + rest.iter().zip(other_rest).map(|(x, g)| of(*x, *g)).sum::<f32>()
}
