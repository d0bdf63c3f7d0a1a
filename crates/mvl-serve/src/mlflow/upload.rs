//! A file on its way in: small ones through memory, large ones through a file, neither beyond the limit.

use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use mvl_store::{Blobs, Digest};
use tokio::io::AsyncWriteExt;

use super::error::{Answer, ApiError};

/// Up to here a file is held in memory.
const IN_MEMORY: u64 = 1 << 20;
/// How long the next piece may take.
const PIECE: Duration = Duration::from_secs(120);

/// Stores a body among the blobs: its digest and size.
///
/// # Errors
/// When it has more than `limit` bytes, breaks off, or cannot be stored. Nothing refers to it then.
pub(super) async fn store(blobs: &Blobs, spool: &Path, body: Body, limit: u64) -> Answer<(Digest, u64)> {
    let mut pieces = body.into_data_stream();
    let mut start = BytesMut::new();
    let mut bytes = 0;
    while bytes <= IN_MEMORY {
        let Some(piece) = next(&mut pieces).await? else {
            return Ok((blobs.put(start.freeze()).await?, bytes));
        };
        bytes = count(bytes, &piece, limit)?;
        start.extend_from_slice(&piece);
    }

    let failed =
        |error: std::io::Error| ApiError::internal("cannot keep the upload", format!("{error}; {}", spool.display()));
    let spooled = tempfile::NamedTempFile::new_in(spool).map_err(failed)?;
    let mut file = tokio::fs::File::from_std(spooled.reopen().map_err(failed)?);
    file.write_all(&start).await.map_err(failed)?;
    drop(start);
    while let Some(piece) = next(&mut pieces).await? {
        bytes = count(bytes, &piece, limit)?;
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(blobs.put_file(spooled.path(), |_| {}).await?)
}

fn count(bytes: u64, piece: &Bytes, limit: u64) -> Answer<u64> {
    let bytes = bytes + piece.len() as u64;
    if bytes > limit { Err(ApiError::too_large("the artifact", limit)) } else { Ok(bytes) }
}

async fn next(pieces: &mut axum::body::BodyDataStream) -> Answer<Option<Bytes>> {
    let piece = poll_fn(|context| Pin::new(&mut *pieces).poll_next(context));
    match tokio::time::timeout(PIECE, piece).await {
        Ok(piece) => piece.transpose().map_err(|error| ApiError::invalid(format!("the upload broke off: {error}"))),
        Err(_) => Err(ApiError::invalid(format!("the upload stood still for {} seconds", PIECE.as_secs()))),
    }
}
