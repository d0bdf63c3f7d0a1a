//! The run lengths of every number in a picture of numbers, in one pass.

use std::collections::BTreeMap;

use mvl_core::RunLengths;

/// The pixels of each number that occurs, by number. `numbers` is `[height, width]`.
///
/// # Panics
/// If there are not `width * height` numbers.
pub(in crate::sources) fn runs_by_number(width: u32, height: u32, numbers: &[u16]) -> BTreeMap<u16, RunLengths> {
    assert_eq!(numbers.len() as u64, u64::from(width) * u64::from(height), "a number a pixel");
    let mut known = numbers.to_vec();
    known.sort_unstable();
    known.dedup();
    let mut runs = vec![Runs::default(); known.len()];
    let mut place = 0;
    let mut last = (0, 0); // the number of the last pixel, and its place among those known
    for x in 0..width as usize {
        for y in 0..height as usize {
            let number = numbers[y * width as usize + x];
            if place == 0 || number != last.0 {
                last = (number, known.binary_search(&number).expect("all numbers were collected"));
            }
            runs[last.1].add(place);
            place += 1;
        }
    }
    let finished = runs.into_iter().map(|runs| RunLengths { width, height, counts: runs.finish(place) });
    known.into_iter().zip(finished).collect()
}

/// The run lengths of one number, while they grow.
#[derive(Clone, Default)]
struct Runs {
    counts: Vec<u32>,
    /// Where the last run ends.
    end: u32,
}

impl Runs {
    /// Adds a pixel; places come in order.
    fn add(&mut self, place: u32) {
        match self.counts.last_mut() {
            Some(run) if place == self.end => *run += 1,
            _ => self.counts.extend([place - self.end, 1]),
        }
        self.end = place + 1;
    }

    fn finish(mut self, pixels: u32) -> Vec<u32> {
        if self.end < pixels {
            self.counts.push(pixels - self.end);
        }
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_runs() {
        let runs = runs_by_number(2, 2, &[7, 0, 7, 9]);
        let counts: Vec<_> = runs.into_iter().map(|(number, runs)| (number, runs.counts)).collect();
        assert_eq!(counts, [(0, vec![2, 1, 1]), (7, vec![0, 2, 2]), (9, vec![3, 1])]);
    }
}
