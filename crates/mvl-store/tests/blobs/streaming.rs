//! Blobs on their way to somebody else.

use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;

use futures_core::Stream;
use mvl_core::DataError;
use mvl_store::{BlobStream, Blobs, Digest};

use crate::places::{MIB, Place, random, wait};

/// All that comes, and the error that it ends with.
pub(crate) async fn drain(mut stream: BlobStream) -> (Vec<u8>, Option<DataError>) {
    let mut all = Vec::new();
    loop {
        match poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
            Some(Ok(piece)) => all.extend_from_slice(&piece),
            Some(Err(error)) => return (all, Some(error)),
            None => return (all, None),
        }
    }
}

fn streamed(blobs: &Blobs, digest: Digest, range: Option<Range<u64>>) -> Result<(u64, Vec<u8>), DataError> {
    let blobs = blobs.clone();
    wait(async move {
        let stream = blobs.stream(digest, range).await?;
        let bytes = stream.bytes();
        match drain(stream).await {
            (all, None) => Ok((bytes, all)),
            (_, Some(error)) => Err(error),
        }
    })
}

#[test]
fn wholes_and_ranges_are_streamed() {
    for place in Place::all() {
        let blobs = place.blobs();
        for size in [0, 1, 5 * MIB + 3] {
            let (bytes, putting) = (random(size, 31), blobs.clone());
            let sent = bytes.clone();
            let digest = wait(async move { putting.put(sent).await }).expect("it is put");
            let total = size as u64;
            assert!(streamed(&blobs, digest, None).expect("streamable") == (total, bytes.to_vec()), "{}", place.url);
            for range in [0..0, 0..1, 1..total, total / 2..total, 3..7, total..total] {
                if range.end > total || range.start > range.end {
                    continue;
                }
                let expected = bytes[range.start as usize..range.end as usize].to_vec();
                let got = streamed(&blobs, digest, Some(range.clone())).expect("streamable");
                assert!(got == (total, expected), "{range:?} of {size} at {}", place.url);
            }
            let beyond = streamed(&blobs, digest, Some(0..total + 1)).expect_err("too far").full_message();
            let says = format!("expected a range within {total} bytes, got 0..{}", total + 1);
            assert!(beyond.starts_with(&says), "{beyond}");
        }
    }
}

#[test]
fn a_stream_may_be_dropped() {
    for place in Place::all() {
        let (blobs, bytes) = (place.blobs(), random(9 * MIB, 32));
        wait(async move {
            let digest = blobs.put(bytes.clone()).await.expect("it is put");
            for _ in 0..100 {
                drop(blobs.stream(digest, None).await.expect("streamable"));
            }
            assert!(blobs.read(digest, u64::MAX).await.expect("readable") == bytes);
        });
    }
}
