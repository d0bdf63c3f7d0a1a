//! A request for a part of a file.

use std::ops::Range;

/// Which bytes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of them.
    All,
    /// Some.
    Part(Range<u64>),
    /// None that are there.
    Outside,
}

/// Reads a `Range` header. What it does not understand, and several ranges at once, ask for all.
pub(super) fn asked(header: Option<&str>, bytes: u64) -> Asked {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Asked::All };
    let Some((start, end)) = range.split_once('-') else { return Asked::All };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (start.trim().is_empty(), number(start), end.trim().is_empty(), number(end)) {
        (true, _, false, Some(last)) => bytes.saturating_sub(last)..bytes,
        (false, Some(start), true, _) => start..bytes,
        (false, Some(start), false, Some(end)) if start <= end => start..bytes.min(end.saturating_add(1)),
        _ => return Asked::All,
    };
    if range.is_empty() { Asked::Outside } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, expected) in [
            ("bytes=2-4", Asked::Part(2..5)),
            ("bytes=2-", Asked::Part(2..8)),
            ("bytes=-3", Asked::Part(5..8)),
            ("bytes=-30", Asked::Part(0..8)),
            ("bytes=2-100", Asked::Part(2..8)),
            ("bytes=8-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=4-2", Asked::All),
            ("bytes=0-1,4-5", Asked::All),
            ("lines=1-2", Asked::All),
            ("bytes=a-b", Asked::All),
        ] {
            assert_eq!(asked(Some(header), 8), expected, "{header}");
        }
        assert_eq!(asked(None, 8), Asked::All);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Outside);
    }
}
