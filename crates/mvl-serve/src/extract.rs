//! What handlers take from a request, with the service's own errors where it is not as it should be.

use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use crate::whole_body::whole_body;
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

/// How many bytes a body may have; part of the state of handlers that read one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// A body as a whole.
pub(crate) struct Whole(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole
where
    BodyLimit: FromRef<S>,
{
    type Rejection = ServiceError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ServiceError> {
        let BodyLimit(limit) = BodyLimit::from_ref(state);
        match whole_body(request.into_body(), limit).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(ServiceError::new(Trouble::TooLarge, format!("expected a body of at most {limit} bytes")))
            }
            Err(error) => Err(ServiceError::invalid(format!("the body cannot be read: {error}"))),
        }
    }
}
