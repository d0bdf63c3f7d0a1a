//! Who may ask: keys, and which names a server without keys answers to.

use axum::http::{HeaderMap, header};

use crate::mlflow::ApiKeys;
use crate::{ServiceError, Trouble};

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
        return only_this_machine(headers);
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

/// A page in a browser may send requests to this machine too, under a name of its own that leads here, or across origins.
/// A server without a key answers neither.
fn only_this_machine(headers: &HeaderMap) -> Result<(), ServiceError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(host) = text(header::HOST)
        && !is_local(host)
    {
        let message =
            format!("expected to be asked as localhost, got {host:?}: without an API key no other name is served");
        return Err(ServiceError::new(Trouble::Forbidden, message));
    }
    if let Some(origin) = text(header::ORIGIN)
        && !origin.split_once("://").is_some_and(|(_, host)| is_local(host))
    {
        return Err(ServiceError::new(Trouble::Forbidden, format!("pages of {origin:?} may not ask this server")));
    }
    Ok(())
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for local in ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "[::1]:8000", "127.3.2.1:1"] {
            assert!(is_local(local), "{local}");
        }
        for other in
            ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "192.168.0.1", "", "0.0.0.0"]
        {
            assert!(!is_local(other), "{other}");
        }
    }
}
