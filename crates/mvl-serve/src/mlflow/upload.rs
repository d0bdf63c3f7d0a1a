//! A file on its way in: small ones through memory, large ones through a file, neither beyond the limit.

use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use mvl_store::{Blobs, Digest};
use tokio::io::AsyncWriteExt;

use super::error::{Answer, ApiError, code};
use super::request::{declared_bytes, pass_over};

/// Up to here a file is held in memory.
const IN_MEMORY: u64 = 1 << 20;
/// How long the next piece may take.
const PIECE: Duration = Duration::from_secs(120);

/// Stores a body among the blobs: its digest and size.
///
/// # Errors
/// When it has more than `limit` bytes, breaks off, or cannot be stored. Nothing refers to it then.
pub(super) async fn store(
    blobs: &Blobs,
    spool: &Path,
    (headers, body): (&HeaderMap, Body),
    limit: u64,
) -> Answer<(Digest, u64)> {
    if declared_bytes(headers).is_some_and(|bytes| bytes > limit) {
        pass_over(body).await;
        return Err(too_large(limit));
    }
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
    if bytes > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// In the words of MLflow, whose UI may send 10 MB.
fn too_large(limit: u64) -> ApiError {
    let what = format!("Artifact size is too large. Max size is {limit} bytes; the server's limits can be raised.");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, code::INVALID_PARAMETER_VALUE, what)
}

async fn next(pieces: &mut axum::body::BodyDataStream) -> Answer<Option<Bytes>> {
    let piece = poll_fn(|context| Pin::new(&mut *pieces).poll_next(context));
    match tokio::time::timeout(PIECE, piece).await {
        Ok(piece) => piece.transpose().map_err(|error| ApiError::invalid(format!("the upload broke off: {error}"))),
        Err(_) => Err(ApiError::invalid(format!("the upload stood still for {} seconds", PIECE.as_secs()))),
    }
}
