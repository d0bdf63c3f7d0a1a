//! What handlers take from a request, with the service's own errors where it is not as it should be.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{ServiceError, Trouble};

/// The names in a path.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(names)| Self(names)).map_err(|error| ServiceError::invalid(error.body_text()))
    }
}

/// The headers, taken rather than copied.
pub(crate) struct Headers(pub(crate) HeaderMap);

impl<S: Send + Sync> FromRequestParts<S> for Headers {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(std::mem::take(&mut parts.headers)))
    }
}

/// A body as a whole.
pub(crate) struct Whole(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = ServiceError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ServiceError> {
        Bytes::from_request(request, state).await.map(Self).map_err(|error| {
            let trouble = match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Trouble::TooLarge,
                _ => Trouble::Invalid,
            };
            ServiceError::new(trouble, format!("the body cannot be read: {}", error.body_text()))
        })
    }
}
