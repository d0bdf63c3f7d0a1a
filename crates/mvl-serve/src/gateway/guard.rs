//! [`identify`]: who asks, by key, by token, by certificate, or nobody in particular on this machine.

use axum::http::{HeaderMap, HeaderValue, header};

use super::{GatewayOptions, Peer, Tls};
use crate::access::{Authorization, Caller, CallerKind, Scopes, Tokens};
use crate::local::{Foreign, foreign};
use crate::{ServiceError, Trouble};

/// Another place for a key than `Authorization: Bearer`.
const KEY_HEADER: &str = "x-api-key";

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Who asks.
pub(super) async fn identify(
    options: &GatewayOptions,
    peer: Option<&Peer>,
    headers: &HeaderMap,
) -> Result<Caller, ServiceError> {
    let unknown = |message: String| ServiceError::new(Trouble::Unauthenticated, message);
    if options.keys.is_empty() && options.tokens.is_none() {
        let certificate = peer.and_then(|peer| peer.certificate.as_ref());
        if let Some(certificate) = certificate.filter(|_| options.tls.as_ref().is_some_and(Tls::asks_who)) {
            return match foreign_origin(options, headers) {
                Some(origin) => Err(not_served(Foreign::Origin(origin))),
                None => Ok(Caller::new(CallerKind::Certificate, certificate.name(), Scopes::all(), None)),
            };
        }
        return match foreign(headers) {
            Some(Foreign::Origin(origin)) if is_allowed(options, origin) => Ok(Caller::anyone()),
            Some(name) => Err(not_served(name)),
            None => Ok(Caller::anyone()),
        };
    }
    let shown = match Authorization::of(headers) {
        Some(Authorization::Bearer(key)) => Some(key),
        _ => headers.get(KEY_HEADER).and_then(|key| key.to_str().ok()),
    };
    let shown = shown.ok_or_else(|| unknown(what_is_asked_for(options)))?;
    if let Some(tokens) = options.tokens.as_ref().filter(|_| Tokens::is_one(shown)) {
        let caller = Box::pin(tokens.find(shown)).await?; // which may fetch keys
        tokens.take_one(&caller)?;
        return Ok(caller);
    }
    if options.keys.is_empty() {
        return Err(unknown("the token cannot be read".to_owned()));
    }
    let caller = options.keys.find(shown).map_err(|error| unknown(error.to_string()))?;
    caller.take_one()?;
    Ok(caller)
}

/// What tells clients how to say who they are.
pub(super) const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"mvl\"");

fn what_is_asked_for(options: &GatewayOptions) -> String {
    match options.keys.is_empty() {
        true => "this server asks for a token: send it as \"Authorization: Bearer TOKEN\"".to_owned(),
        false => {
            "this server asks for an API key: send it as \"Authorization: Bearer KEY\" or \"X-API-Key: KEY\"".to_owned()
        }
    }
}

fn is_allowed(options: &GatewayOptions, origin: &str) -> bool {
    options.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
}

/// A page that asks by somebody's certificate, without being the server's own or an allowed one.
fn foreign_origin<'a>(options: &GatewayOptions, headers: &'a HeaderMap) -> Option<&'a str> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let origin = text(header::ORIGIN)?;
    let own = origin.split_once("://").map(|(_, host)| host) == text(header::HOST);
    (!own && !is_allowed(options, origin)).then_some(origin)
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
