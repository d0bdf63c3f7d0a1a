//! Who may ask: keys, and which names a server without keys answers to.

use axum::http::{HeaderMap, header};

use crate::local::{Foreign, foreign};
use crate::{ApiKeys, ServiceError, Trouble};

/// Open to all, for those who watch over servers.
const OPEN: [&str; 4] = [
    "/v2/health/live",
    "/v2/health/ready",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
];
/// Another place for a key than `Authorization: Bearer`.
const KEY_HEADER: &str = "x-api-key";

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Whether a request may pass.
pub(super) fn allow(keys: &ApiKeys, path: &str, headers: &HeaderMap) -> Result<(), ServiceError> {
    if OPEN.contains(&path) {
        return Ok(());
    }
    if keys.is_empty() {
        return foreign(headers).map_or(Ok(()), |name| Err(not_served(name)));
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    let key = bearer.or_else(|| headers.get(KEY_HEADER)?.to_str().ok());
    match key {
        Some(key) if keys.take(key) => Ok(()),
        Some(_) => Err(ServiceError::new(Trouble::Unauthenticated, "the API key is not one of this server's")),
        None => Err(ServiceError::new(
            Trouble::Unauthenticated,
            "this server asks for an API key: send it as \"Authorization: Bearer KEY\" or \"X-API-Key: KEY\"",
        )),
    }
}

fn not_served(name: Foreign<'_>) -> ServiceError {
    let message = match name {
        Foreign::Host(host) => {
            format!("expected to be asked as localhost, got {host:?}: without an API key no other name is served")
        }
        Foreign::Origin(origin) => format!("pages of {origin:?} may not ask this server"),
    };
    ServiceError::new(Trouble::Forbidden, message)
}
