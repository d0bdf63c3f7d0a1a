//! Objects and parts of them, bounded, checked, and asked for again when something went wrong on the way.

use std::future::poll_fn;
use std::ops::Range;

use bytes::Bytes;
use mvl_core::{DataError, Location};
use object_store::{GetOptions, GetRange};

use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::scatter::Scatter;
use crate::store::{Store, store_of};
use crate::{Failure, RetryPolicy, StoreUrl, wait_for};

/// What one request brings: a whole object, or several parts of it that begin in ascending order.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) url: StoreUrl,
    /// `None` is the whole object, and then the only part.
    parts: Vec<(Option<Range<u64>>, Option<u32>)>,
    max_part_bytes: u64,
}

impl Request {
    /// Places in one object, each of them at most so large.
    ///
    /// # Errors
    /// [`DataError::Format`] when the address is bad, or a part too large.
    pub fn new(places: &[Location], max_part_bytes: u64) -> Result<Self, DataError> {
        let object = places.first().map_or("", |place| &place.object);
        let url = StoreUrl::parse(object)?;
        for range in places.iter().filter_map(|place| place.range.as_ref()) {
            let len = range.end.checked_sub(range.start).filter(|&len| len <= max_part_bytes);
            len.ok_or_else(|| {
                url.format_error(format!("expected a range of at most {max_part_bytes} bytes, got {range:?}"))
            })?;
        }
        let parts = places.iter().map(|place| (place.range.clone(), place.crc32c)).collect();
        Ok(Self { url, parts, max_part_bytes })
    }

    fn span(&self) -> Option<Range<u64>> {
        let ranges = || self.parts.iter().filter_map(|(range, _)| range.as_ref());
        Some(ranges().next()?.start..ranges().map(|range| range.end).max()?)
    }

    /// The error for people.
    pub fn error(&self, failure: &Failure) -> DataError {
        let bytes = self.span().map(|span| format!("bytes {}..{}", span.start, span.end));
        failure.at(&self.url, &bytes.unwrap_or_else(|| "all of it".to_owned()))
    }
}

/// Gets all parts of a request, in its order.
///
/// # Errors
/// [`Failure`] once the policy gives up; [`Request::error`] makes it one for people.
pub async fn fetch(request: &Request, policy: &RetryPolicy) -> Result<Vec<Bytes>, Failure> {
    let store = store_of(&request.url).map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    retrying(policy, fresh_jitter(), || attempt(&store, request)).await
}

/// Gets a whole object of at most so many bytes, and waits for it.
///
/// # Errors
/// [`DataError::Io`] with what happened and what to look at.
pub fn read_object(url: StoreUrl, max_bytes: u64) -> Result<Bytes, DataError> {
    wait_for(first_part(Request { url, parts: vec![(None, None)], max_part_bytes: max_bytes }))?
}

/// Gets whole objects of at most so many bytes each, many at a time, and waits for all of them. They come in the given order, each
/// with an error of its own.
///
/// # Errors
/// [`DataError::Invalid`] when the system gives no threads.
pub fn read_objects(urls: Vec<StoreUrl>, max_bytes: u64) -> Result<Vec<Result<Bytes, DataError>>, DataError> {
    wait_for(async move {
        let request = |url| Request { url, parts: vec![(None, None)], max_part_bytes: max_bytes };
        let tasks: Vec<_> = urls.into_iter().map(|url| tokio::spawn(first_part(request(url)))).collect();
        let mut objects = Vec::with_capacity(tasks.len());
        for task in tasks {
            let panicked = |_| Err(DataError::invalid("a request to an object store panicked"));
            objects.push(task.await.unwrap_or_else(panicked));
        }
        objects
    })
}

/// Gets the bytes at a place, at most so many, compares their checksum, and waits for them.
///
/// # Errors
/// [`DataError::Io`] with what happened and what to look at; [`DataError::Format`] when there are too many bytes.
pub fn read_place(place: &Location, max_bytes: u64) -> Result<Bytes, DataError> {
    wait_for(first_part(Request::new(std::slice::from_ref(place), max_bytes)?))?
}

async fn first_part(request: Request) -> Result<Bytes, DataError> {
    let parts = fetch(&request, &RetryPolicy::default()).await.map_err(|failure| request.error(&failure))?;
    Ok(parts.into_iter().next().unwrap_or_default())
}

async fn attempt(store: &Store, request: &Request) -> Result<Vec<Bytes>, Failure> {
    let span = request.span();
    if span.as_ref().is_some_and(Range::is_empty) {
        return Ok(vec![Bytes::new(); request.parts.len()]); // stores refuse to send nothing
    }
    let _permit = store.requests.acquire().await.map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    let options = GetOptions { range: span.clone().map(GetRange::Bounded), ..GetOptions::default() };
    let answer = store.objects.get_opts(&request.url.key, options).await?;
    if let Some(span) = span.filter(|span| span.end > answer.meta.size) {
        let what = format!("expected at least {} bytes in it, got {}", span.end, answer.meta.size);
        return Err(Failure::new(Cause::Permanent, what));
    }
    if request.parts.iter().any(|(range, _)| range.is_none()) && answer.meta.size > request.max_part_bytes {
        let what = format!("expected at most {} bytes, got {}", request.max_part_bytes, answer.meta.size);
        return Err(Failure::new(Cause::Permanent, what));
    }
    let whole = 0..answer.meta.size;
    let ranges: Vec<_> = request.parts.iter().map(|(range, _)| range.clone().unwrap_or(whole.clone())).collect();
    let mut scatter = Scatter::new(&ranges);
    let mut body = answer.into_stream();
    while let Some(chunk) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        scatter.feed(&chunk?);
    }
    let parts = scatter.finish().ok_or_else(|| Failure::new(Cause::Transient, "the answer ended early"))?;
    for ((range, bytes), (_, expected)) in ranges.iter().zip(&parts).zip(&request.parts) {
        check(range, bytes, *expected)?;
    }
    Ok(parts)
}

fn check(range: &Range<u64>, bytes: &[u8], expected: Option<u32>) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    let got = crc32c::crc32c(bytes);
    if got == expected {
        return Ok(());
    }
    let what = format!("expected the checksum {expected:08x} of bytes {}..{}, got {got:08x}", range.start, range.end);
    Err(Failure::new(Cause::Damaged, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files on a disk are asked for in the same way as objects.
    fn read(places: &[Location]) -> Result<Vec<Bytes>, DataError> {
        let request = Request::new(places, 1_000)?;
        let asked = request.clone();
        wait_for(async move { fetch(&asked, &RetryPolicy::default()).await })?
            .map_err(|failure| request.error(&failure))
    }

    fn part(object: &str, range: Range<u64>, crc32c: Option<u32>) -> Location {
        Location { range: Some(range), crc32c, ..Location::whole(object) }
    }

    #[test]
    fn parts_are_read_bounded_and_checked() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a 50% #1.bin");
        std::fs::write(&path, b"0123456789").expect("writable");
        let path = path.to_str().expect("plain text");
        let crc = crc32c::crc32c(b"2345");
        let parts = read(&[part(path, 0..2, None), part(path, 2..6, Some(crc)), part(path, 9..10, None)]);
        assert_eq!(parts.expect("readable"), [&b"01"[..], b"2345", b"9"]);
        assert_eq!(read(&[Location::whole(path)]).expect("readable"), [&b"0123456789"[..]]);
        assert_eq!(read(&[part(path, 4..4, None)]).expect("readable"), [&b""[..]]);

        let problem = |places: &[Location]| read(places).expect_err("bad").full_message();
        assert_eq!(
            problem(&[part(path, 5..11, None)]),
            format!("cannot read {path}: bytes 5..11: expected at least 11 bytes in it, got 10")
        );
        let damaged = problem(&[part(path, 3..7, Some(crc))]);
        assert!(damaged.contains(&format!("expected the checksum {crc:08x} of bytes 3..7, got ")), "{damaged}");
        assert!(
            problem(&[part(path, 0..1_001, None)]).starts_with("expected a range of at most 1000 bytes, got 0..1001")
        );
        assert!(problem(&[Location::whole(format!("{path}x"))]).contains(": all of it: no such object"));
        std::fs::write(path, [0; 1_001]).expect("writable");
        assert!(problem(&[Location::whole(path)]).ends_with(": all of it: expected at most 1000 bytes, got 1001"));
    }
}
