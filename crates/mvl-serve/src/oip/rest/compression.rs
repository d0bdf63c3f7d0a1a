//! Bodies in gzip or deflate, both ways. What comes in is unpacked up to a limit.

use std::io::{Read, Write};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::{ServiceError, Trouble};

/// The body as it was before it was packed, if that was no more than the limit.
pub(super) fn decompressed(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, ServiceError> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(body) };
    let limit = limit as u64;
    let mut unpacked = Vec::new();
    let read = match encoding.as_bytes() {
        b"identity" => return Ok(body),
        b"gzip" => GzDecoder::new(&body[..]).take(limit + 1).read_to_end(&mut unpacked),
        b"deflate" => ZlibDecoder::new(&body[..]).take(limit + 1).read_to_end(&mut unpacked),
        _ => return Err(ServiceError::invalid("expected Content-Encoding gzip, deflate or identity")),
    };
    read.map_err(|error| ServiceError::invalid(format!("the body cannot be unpacked: {error}")))?;
    if unpacked.len() as u64 > limit {
        return Err(ServiceError::new(Trouble::TooLarge, format!("the body becomes larger than {limit} bytes")));
    }
    Ok(unpacked.into())
}

/// A response, packed if the client takes that.
pub(super) fn compressed(headers: &HeaderMap, body: Bytes) -> Result<Response, ServiceError> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut names = accepted.split(',').map(|name| name.split(';').next().unwrap_or_default().trim());
    let encoding = names.find(|name| ["gzip", "deflate"].contains(name));
    let packed = match encoding {
        Some("gzip") => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body).and_then(|()| encoder.finish())
        }
        Some(_) => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body).and_then(|()| encoder.finish())
        }
        None => return Ok(Response::new(Body::from(body))),
    };
    let packed = packed.map_err(|error| ServiceError::internal(error.to_string()))?;
    let mut response = packed.into_response();
    let name = if encoding == Some("gzip") { "gzip" } else { "deflate" };
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    Ok(response)
}
