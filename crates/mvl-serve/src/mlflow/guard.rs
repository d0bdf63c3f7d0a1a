//! Who may ask: keys, and which names a server without keys answers to.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

use super::app::App;
use super::error::{ApiError, Inside, code};
use crate::access::{Authorization, KeyError, Scope};
use crate::local::{Foreign, foreign};

/// Open to all, for those who watch over servers.
const OPEN: &str = "/health";

/// Lets a request through or refuses it, and tells the log what went wrong inside.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let allowed = if request.uri().path() == OPEN { Ok(()) } else { allow(&app, &request) };
    let asked = format!("{} {}", request.method(), request.uri().path());
    let mut response = match allowed {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if let Some(Inside(inside)) = response.extensions_mut().remove() {
        app.log.say(&format!("{asked}: {inside}"));
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    response
}

/// What a request needs: to look at something `read`, to change something `manage`. MLflow asks many questions by POST. Only there: paths
/// of other methods may end as somebody likes.
fn needed(method: &Method, path: &str) -> Scope {
    const QUESTIONS: [&str; 4] = ["/search", "/get-history-bulk", "/graphql", "/get-latest-versions"];
    let is_question = *method == Method::POST && QUESTIONS.iter().any(|end| path.ends_with(end));
    match is_question || *method == Method::GET || *method == Method::HEAD {
        true => Scope::Read,
        false => Scope::Manage,
    }
}

fn allow(app: &App, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    if app.keys.is_empty() {
        return foreign(headers).map_or(Ok(()), |name| Err(not_served(name)));
    }
    let key = Authorization::of(headers).and_then(|shown| match shown {
        Authorization::Bearer(key) => Some(key.to_owned()),
        Authorization::Basic(encoded) => password(encoded),
    });
    let key = key.ok_or_else(|| {
        unauthenticated(
            "this server asks for an API key: set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME to anything and \
             MLFLOW_TRACKING_PASSWORD to the key",
        )
    })?;
    let caller = app.keys.find(&key).map_err(|error: KeyError| unauthenticated(&error.to_string()))?;
    caller.take_one().map_err(|error| {
        let mut refused = ApiError::new(StatusCode::TOO_MANY_REQUESTS, code::REQUEST_LIMIT_EXCEEDED, error.message);
        refused.retry_after = error.retry_after;
        refused
    })?;
    caller
        .check_scope(needed(request.method(), request.uri().path()))
        .map_err(|error| ApiError::new(StatusCode::FORBIDDEN, code::PERMISSION_DENIED, error.message))
}

fn unauthenticated(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message)
}

fn not_served(name: Foreign<'_>) -> ApiError {
    let message = match name {
        Foreign::Host(host) => {
            format!("Invalid Host header {host:?}: without an API key this server answers to localhost alone")
        }
        Foreign::Origin(origin) => format!("Cross-origin request from {origin:?} blocked"),
    };
    ApiError::new(StatusCode::FORBIDDEN, code::PERMISSION_DENIED, message)
}

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The password of HTTP Basic; the user may be anybody.
fn password(encoded: &str) -> Option<String> {
    let decoded = BASE64.decode(encoded).ok()?;
    Some(String::from_utf8(decoded).ok()?.split_once(':')?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_needs_more() {
        for (method, path, scope) in [
            (Method::GET, "/api/2.0/mlflow/runs/get", Scope::Read),
            (Method::POST, "/api/2.0/mlflow/runs/search", Scope::Read),
            (Method::POST, "/graphql", Scope::Read),
            (Method::POST, "/api/2.0/mlflow/runs/create", Scope::Manage),
            (Method::PUT, "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/search", Scope::Manage),
            (Method::DELETE, "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/search", Scope::Manage),
            (Method::DELETE, "/api/2.0/mlflow/logged-models/m-1/tags/graphql", Scope::Manage),
            (Method::PATCH, "/api/2.0/mlflow/logged-models/search", Scope::Manage),
        ] {
            assert_eq!(needed(&method, path), scope, "{method} {path}");
        }
    }

    #[test]
    fn passwords_are_found() {
        assert_eq!(password("YW55b25lOmEga2V5OiB3aXRoIGNvbG9u").as_deref(), Some("a key: with colon"));
        assert_eq!(password("OmtleQ==").as_deref(), Some("key"));
        for bad in ["", "????", "a2V5"] {
            assert_eq!(password(bad), None, "{bad}");
        }
    }
}
