//! A line of any length in bounded memory.

/// At most so many points; when there are more, every other one is left out and points come half as often.
const MAX_POINTS: usize = 4096;

/// Points over steps, evenly thinned.
#[derive(Debug, Clone)]
pub(super) struct Thinned {
    points: Vec<(f64, f64)>,
    /// One of so many points is kept.
    stride: usize,
    seen: usize,
}

impl Default for Thinned {
    fn default() -> Self {
        Self { points: Vec::new(), stride: 1, seen: 0 }
    }
}

impl Thinned {
    pub(super) fn add(&mut self, step: f64, value: f64) {
        if self.seen.is_multiple_of(self.stride) {
            self.points.push((step, value));
        }
        self.seen += 1;
        if self.points.len() > MAX_POINTS {
            let mut kept = false;
            self.points.retain(|_| {
                kept = !kept;
                kept
            });
            self.stride *= 2;
        }
    }

    pub(super) fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_shape() {
        let mut line = Thinned::default();
        (0..100_000).for_each(|step| line.add(f64::from(step), f64::from(step)));
        let points = line.points();
        assert!((MAX_POINTS / 2..=MAX_POINTS).contains(&points.len()), "{}", points.len());
        let gap = points[1].0 - points[0].0;
        assert!(points.windows(2).all(|pair| pair[1].0 - pair[0].0 == gap), "evenly");
        assert!(points[0].0 == 0.0 && points[points.len() - 1].0 > 99_900.0);
    }
}
