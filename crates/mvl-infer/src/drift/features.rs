//! The figures of one picture and of one answer.

/// Values summed at a time before they go into wider sums.
const BLOCK: usize = 4096;
/// Sums that a processor keeps side by side.
const LANES: usize = 8;

/// `brightness`, `contrast`, and the mean of each channel where there are several, of a picture `[C, H, W]` as the protocol carries it.
pub(super) fn of_picture(channels: usize, bytes: &[u8]) -> Vec<f32> {
    let plane = (bytes.len() / channels.max(1) / 4 * 4).max(4);
    let mut means = Vec::with_capacity(channels + 2);
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0_usize);
    for channel in bytes.chunks_exact(plane) {
        let (plane_sum, plane_squares) = sums(channel);
        let values = channel.len() / 4;
        means.push((plane_sum / values as f64) as f32);
        sum += plane_sum;
        squares += plane_squares;
        count += values;
    }
    let mean = sum / count.max(1) as f64;
    let variance = (squares / count.max(1) as f64 - mean * mean).max(0.0);
    let mut features = vec![mean as f32, variance.sqrt() as f32];
    if means.len() > 1 {
        features.extend(means);
    }
    features
}

/// What [`of_picture`] gives, by name.
pub(super) fn names(channels: usize) -> Vec<String> {
    let own = (0..if channels > 1 { channels } else { 0 }).map(|channel| format!("channel_{channel}"));
    ["brightness", "contrast"].map(str::to_owned).into_iter().chain(own).collect()
}

/// The sum of numbers, and that of their squares.
fn sums(bytes: &[u8]) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for block in bytes.chunks(BLOCK * 4) {
        let (mut lanes, mut square_lanes) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        let (numbers, _) = block.as_chunks::<4>();
        let (wide, rest) = numbers.as_chunks::<LANES>();
        for numbers in wide {
            for lane in 0..LANES {
                let value = f32::from_le_bytes(numbers[lane]);
                lanes[lane] += value;
                square_lanes[lane] += value * value;
            }
        }
        for &number in rest {
            let value = f32::from_le_bytes(number);
            lanes[0] += value;
            square_lanes[0] += value * value;
        }
        sum += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
        squares += square_lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
    }
    (sum, squares)
}

/// The likeliest class and its probability; `None` of nothing.
pub(super) fn of_answer(probabilities: &[f32]) -> Option<(usize, f32)> {
    let best = probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    Some((best.0, *best.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_mean_a_spread_and_channels() {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(of_picture(1, &bytes(&[1.0, 3.0, 1.0, 3.0])), [2.0, 1.0]);
        assert_eq!(of_picture(2, &bytes(&[1.0, 1.0, 3.0, 3.0])), [2.0, 1.0, 1.0, 3.0]);
        let many = of_picture(3, &bytes(&[0.5; 3 * 101 * 103]));
        assert_eq!(many, [0.5, 0.0, 0.5, 0.5, 0.5]);
        assert_eq!(names(3).len(), many.len());
        assert_eq!(of_answer(&[0.1, 0.7, 0.2]), Some((1, 0.7)));
    }
}
