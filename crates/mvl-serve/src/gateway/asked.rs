//! [`Asked`]: what the gateway knows of a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use super::{Held, Peer, RequestId};
use crate::{Caller, ServiceError};

/// What the gateway knows of a request: one entry among its extensions, for each costs an allocation. Handlers take what they need of it
/// as an argument.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(super) peer: Peer,
    pub(super) id: RequestId,
    pub(super) caller: Option<Caller>,
    pub(super) held: Option<Held>,
}

impl Asked {
    /// Whom the gateway let in; [`Caller::anyone`] where there is no gateway.
    pub(crate) fn caller(extensions: &Extensions) -> Caller {
        extensions.get::<Self>().and_then(|asked| asked.caller.clone()).unwrap_or_default()
    }

    /// What the request holds, where there is a gateway that says how much may be held.
    pub(crate) fn held(extensions: &Extensions) -> Option<Held> {
        extensions.get::<Self>()?.held.clone()
    }
}

/// Whom the gateway let in; [`Caller::anyone`] where there is no gateway.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Asked::caller(&parts.extensions))
    }
}

/// An error of the program where there is no gateway.
impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        Ok(asked(parts)?.peer.clone())
    }
}

/// An error of the program where there is no gateway.
impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        Ok(asked(parts)?.id.clone())
    }
}

fn asked(parts: &Parts) -> Result<&Asked, ServiceError> {
    parts.extensions.get().ok_or_else(|| ServiceError::internal("this router stands in no HttpServer"))
}
