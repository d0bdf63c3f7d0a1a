//! One body that arrives in chunks, several parts of it that are wanted.
//!
//! Each part gets memory of its own, so that what lies between the parts is never kept, and one part does not hold on to all.

use std::ops::Range;

use bytes::Bytes;

/// Collects parts of a span of bytes. Parts may touch, overlap and repeat, but begin in ascending order.
#[derive(Debug)]
pub(crate) struct Scatter {
    parts: Vec<(Range<u64>, Vec<u8>)>,
    /// The next byte of the object.
    at: u64,
    /// Parts before this one are full.
    full: usize,
}

impl Scatter {
    /// Parts by their ranges, which the caller has bounded, of a body that begins with the first of them.
    pub(crate) fn new(ranges: &[Range<u64>]) -> Self {
        let at = ranges.first().map_or(0, |range| range.start);
        let len = |range: &Range<u64>| range.end.saturating_sub(range.start) as usize;
        let parts = ranges.iter().map(|range| (range.clone(), Vec::with_capacity(len(range)))).collect();
        Self { parts, at, full: 0 }
    }

    /// Takes the next chunk of the body.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let end = self.at + chunk.len() as u64;
        for (range, bytes) in &mut self.parts[self.full..] {
            if range.start >= end {
                break;
            }
            let (from, to) = (range.start.max(self.at), range.end.min(end));
            if from < to {
                bytes.extend_from_slice(&chunk[(from - self.at) as usize..(to - self.at) as usize]);
            }
        }
        self.at = end;
        self.full += self.parts[self.full..].iter().take_while(|(range, _)| range.end <= end).count();
    }

    /// The parts; `None` when the body ended early.
    pub(crate) fn finish(self) -> Option<Vec<Bytes>> {
        let whole =
            |(range, bytes): &(Range<u64>, Vec<u8>)| bytes.len() as u64 == range.end.saturating_sub(range.start);
        self.parts.iter().all(whole).then(|| self.parts.into_iter().map(|(_, bytes)| bytes.into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"0123456789abcdef";

    fn parts(ranges: &[Range<u64>], chunk: usize) -> Option<Vec<Bytes>> {
        let start = ranges[0].start as usize;
        let mut scatter = Scatter::new(ranges);
        BODY[start..].chunks(chunk).for_each(|chunk| scatter.feed(chunk));
        scatter.finish()
    }

    #[test]
    fn parts_are_cut_out_whatever_the_chunks() {
        let ranges = [1..4, 4..4, 4..6, 5..9, 5..9, 6..7, 12..16];
        for chunk in 1..=16 {
            let expected = ["123", "", "45", "5678", "5678", "6", "cdef"].map(Bytes::from);
            assert_eq!(parts(&ranges, chunk).expect("all there"), expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn a_body_that_ends_early_is_noticed() {
        assert!(parts(&[2..5, 10..17], 3).is_none());
    }
}
