//! Where the bytes of an item lie, as data: a data set says where, a strategy decides how they get here.

use std::ops::Range;
use std::sync::Arc;

/// A file or object, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// A path, or a URL such as `s3://bucket/train-000001.tar`.
    pub object: Arc<str>,
    /// The bytes of it that count; all of them when `None`.
    pub range: Option<Range<u64>>,
    /// CRC-32C (Castagnoli) of those bytes, where it is known: whoever moves them checks it.
    pub crc32c: Option<u32>,
}

impl Location {
    /// A whole file or object.
    #[must_use]
    pub fn whole(object: impl Into<Arc<str>>) -> Self {
        Self { object: object.into(), range: None, crc32c: None }
    }

    /// Whether the object is named by a URL, not by a path.
    #[must_use]
    pub fn is_url(&self) -> bool {
        self.object.contains("://")
    }
}
