//! Where the next page begins. A token is opaque to clients; for some searches it belongs to one query.

use crate::{Page, Result, TrackError};

/// How many answers a page may have.
pub(crate) fn page_size(max_results: u32, limit: u32) -> Result<i64> {
    if max_results == 0 {
        return Err(TrackError::invalid(
            "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer",
        ));
    }
    if max_results > limit {
        return Err(TrackError::invalid(format!(
            "Invalid value {max_results} for parameter 'max_results' supplied. It must be at most {limit}"
        )));
    }
    Ok(max_results.into())
}

/// Where a page begins; `mark` is 0 or what the query's other parts come to.
pub(crate) fn offset_of(token: Option<&str>, mark: u64) -> Result<i64> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(0) };
    let invalid = || TrackError::invalid(format!("Invalid page token {token:?}"));
    let (offset, marked) = token.strip_prefix("mvl-").and_then(|rest| rest.split_once('-')).ok_or_else(invalid)?;
    let marked = u64::from_str_radix(marked, 16).map_err(|_| invalid())?;
    if marked != mark {
        return Err(invalid().with_hint("it belongs to another query"));
    }
    offset.parse().ok().filter(|offset| *offset > 0).ok_or_else(invalid)
}

/// A page from one answer more than it takes, if there is one.
pub(crate) fn page_of<T>(mut items: Vec<T>, size: i64, offset: i64, mark: u64) -> Page<T> {
    let size_here = usize::try_from(size).unwrap_or(usize::MAX);
    let more = items.len() > size_here;
    items.truncate(size_here);
    Page { items, next_page_token: more.then(|| format!("mvl-{}-{mark:x}", offset.saturating_add(size))) }
}

/// What a query comes to (FNV-1a), so that its tokens are not taken for another one's.
pub(crate) fn query_mark(query: &str) -> u64 {
    query.bytes().fold(0xcbf2_9ce4_8422_2325, |mark, byte| (mark ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
