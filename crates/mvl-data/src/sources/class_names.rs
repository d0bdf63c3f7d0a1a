//! Class names in a file beside the data: `classes.txt`, one a line, in index order.

use std::path::Path;

use mvl_core::{DataError, Labels};

use super::Parsed;
use crate::decode::read_bounded;
use crate::place::is_file;

/// The names that the file may have.
const NAMES: [&str; 3] = ["classes.txt", "class_names.txt", "obj.names"];
const MAX_BYTES: u64 = 16 << 20;

/// Reads class names, one a line. Blank lines at the end do not count.
///
/// # Example
/// ```
/// let names = mvl_data::parse_class_names(b"cat\ndog\n");
/// assert_eq!(names.value.name(1), Some("dog"));
/// ```
pub fn parse_class_names(bytes: &[u8]) -> Parsed<Labels> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Parsed::nothing("not UTF-8");
    };
    let mut problems = Vec::new();
    let names: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    let mut seen = std::collections::BTreeSet::new();
    for (line, name) in (1..).zip(&names) {
        if name.is_empty() || !seen.insert(*name) {
            problems
                .push(super::Problem::new(format!("line {line}"), format!("expected a name of its own, got {name:?}")));
        }
    }
    if names.is_empty() {
        problems.push(super::Problem::new("", "expected at least one class, got none"));
    }
    Parsed { value: Labels::new(names), problems }
}

/// The names in a folder's `classes.txt`, or under another of the names that it goes by; `None` where there is none.
pub(super) fn read_class_names(folder: &Path) -> Result<Option<Labels>, DataError> {
    let Some(path) = NAMES.iter().map(|name| folder.join(name)).find(|path| is_file(path)) else {
        return Ok(None);
    };
    parse_class_names(&read_bounded(&path, MAX_BYTES)?).strict(&path).map(Some)
}
