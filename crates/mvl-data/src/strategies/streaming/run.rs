//! Which coming records one request brings.

use std::ops::Range;

use mvl_core::Location;

/// What may lie between two ranges that are read as one: less than another request costs.
const MAX_GAP_BYTES: u64 = 64 << 10;

/// Neighbouring ranges of one object that the plan reads in sequence; or a single place.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) places: Vec<Location>,
    /// From the first byte to the last; `None` for a whole object.
    span: Option<Range<u64>>,
    max_bytes: u64,
}

impl Run {
    /// Begins with a place, to which others may be joined until so many bytes are to be read.
    pub(super) fn new(first: Location, max_bytes: u64) -> Self {
        Self { span: first.range.clone(), places: vec![first], max_bytes }
    }

    /// Joins the next place, when it lies in the same object, not before the last and not far after all others.
    pub(super) fn join(&mut self, next: &Location) -> bool {
        let reach = self.reach(next).filter(|reach| reach.end - reach.start <= self.max_bytes);
        let joined = reach.is_some();
        if joined {
            self.span = reach;
            self.places.push(next.clone());
        }
        joined
    }

    /// What would be read if the place were joined.
    fn reach(&self, next: &Location) -> Option<Range<u64>> {
        let (span, last, range) = (self.span.as_ref()?, self.places.last()?, next.range.as_ref()?);
        let after = range.start >= last.range.as_ref()?.start && range.start <= range.end;
        let near = range.start <= span.end.saturating_add(MAX_GAP_BYTES);
        (last.object == next.object && after && near).then(|| span.start..span.end.max(range.end))
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
