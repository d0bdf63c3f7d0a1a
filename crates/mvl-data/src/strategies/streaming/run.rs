//! Which coming records one request brings.

use std::ops::Range;

use mvl_core::Location;

/// What may lie between two ranges that are read as one: less than another request costs.
const MAX_GAP_BYTES: u64 = 64 << 10;

/// Neighbouring ranges of one object that the plan reads in sequence; or a single place.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) places: Vec<Location>,
    max_bytes: u64,
}

impl Run {
    /// Begins with a place, to which others may be joined until so many bytes are to be read.
    pub(super) fn new(first: Location, max_bytes: u64) -> Self {
        Self { places: vec![first], max_bytes }
    }

    /// Joins the next place, when it lies in the same object, not before the last and not far after all others.
    pub(super) fn join(&mut self, next: &Location) -> bool {
        let fits = self.reach(next).is_some_and(|reach| reach.end - reach.start <= self.max_bytes);
        if fits {
            self.places.push(next.clone());
        }
        fits
    }

    /// What would be read if the place were joined.
    fn reach(&self, next: &Location) -> Option<Range<u64>> {
        let (first, last) = (self.places.first()?, self.places.last()?);
        let (first, last, range) = (first.range.as_ref()?, last.range.as_ref()?, next.range.as_ref()?);
        let end = self.places.iter().filter_map(|place| place.range.as_ref()).map(|range| range.end).max()?;
        let near = range.start >= last.start && range.start <= end.saturating_add(MAX_GAP_BYTES);
        let valid = last.start <= last.end && range.start <= range.end;
        let same = self.places.iter().all(|place| place.object == next.object);
        (near && valid && same).then(|| first.start..end.max(range.end))
    }
}

/// How many bytes lie at a place; `None` for a whole object, whose size nobody knows before it was asked for.
pub(super) fn len_of(place: &Location) -> Option<usize> {
    let range = place.range.as_ref()?;
    Some(usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(object: &str, range: Range<u64>) -> Location {
        Location { range: Some(range), ..Location::whole(object) }
    }

    fn joined(first: Location, others: &[Location]) -> usize {
        let mut run = Run::new(first, 1 << 20);
        others.iter().take_while(|place| run.join(place)).count()
    }

    #[test]
    fn neighbours_in_reading_order_are_joined() {
        let gap = MAX_GAP_BYTES;
        let first = || at("a", 1_000..2_000);
        assert_eq!(joined(first(), &[at("a", 2_000..3_000), at("a", 3_100..4_000)]), 2);
        assert_eq!(joined(first(), &[first(), at("a", 1_500..3_000)]), 2, "repeats and overlaps");
        assert_eq!(joined(first(), &[at("a", 2_000 + gap..3_000 + gap)]), 1, "a small gap");
        assert_eq!(joined(first(), &[at("a", 2_001 + gap..3_000 + gap)]), 0, "a large gap");
        assert_eq!(joined(first(), &[at("a", 0..1_000)]), 0, "backwards");
        assert_eq!(joined(first(), &[at("b", 2_000..3_000)]), 0, "another object");
        assert_eq!(joined(first(), &[Location::whole("a")]), 0, "a whole object");
        assert_eq!(joined(Location::whole("a"), &[first()]), 0, "after a whole object");
        assert_eq!(joined(first(), &[at("a", 2_000..2_001 + (1 << 20))]), 0, "too much at once");
    }
}
