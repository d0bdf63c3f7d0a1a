//! Who may ask: keys, and which names a server without keys answers to.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::error::{ApiError, Inside, code};

/// Open to all, for those who watch over servers.
const OPEN: &str = "/health";

/// Lets a request through or refuses it, and tells the log what went wrong inside.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let allowed = if request.uri().path() == OPEN { Ok(()) } else { allow(&app, request.headers()) };
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

fn allow(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    if app.keys.is_empty() {
        return only_this_machine(headers);
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = given.and_then(|given| given.split_once(' ')).and_then(|(scheme, rest)| {
        if scheme.eq_ignore_ascii_case("bearer") {
            Some(rest.trim().to_owned())
        } else if scheme.eq_ignore_ascii_case("basic") {
            password(rest.trim())
        } else {
            None
        }
    });
    match key {
        Some(key) if app.keys.take(&key) => Ok(()),
        Some(_) => Err(unauthenticated("the API key is not one of this server's")),
        None => Err(unauthenticated(
            "this server asks for an API key: set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME to anything and \
             MLFLOW_TRACKING_PASSWORD to the key",
        )),
    }
}

fn unauthenticated(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message)
}

/// A page in a browser may send requests to this machine too, under a name of its own that leads here, or across origins.
/// A server without a key answers neither.
fn only_this_machine(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let refused = |message: String| ApiError::new(StatusCode::FORBIDDEN, code::PERMISSION_DENIED, message);
    if let Some(host) = text(header::HOST)
        && !is_local(host)
    {
        return Err(refused(format!(
            "Invalid Host header {host:?}: without an API key this server answers to localhost alone"
        )));
    }
    if let Some(origin) = text(header::ORIGIN)
        && !origin.split_once("://").is_some_and(|(_, host)| is_local(host))
    {
        return Err(refused(format!("Cross-origin request from {origin:?} blocked")));
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

/// The password of HTTP Basic; the user may be anybody.
fn password(encoded: &str) -> Option<String> {
    let decoded = from_base64(encoded)?;
    Some(String::from_utf8(decoded).ok()?.split_once(':')?.1.to_owned())
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for char in text.bytes() {
        let value = match char {
            b'A'..=b'Z' => char - b'A',
            b'a'..=b'z' => char - b'a' + 26,
            b'0'..=b'9' => char - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found() {
        assert_eq!(password("YW55b25lOmEga2V5OiB3aXRoIGNvbG9u").as_deref(), Some("a key: with colon"));
        assert_eq!(password("OmtleQ==").as_deref(), Some("key"));
        for bad in ["", "????", "a2V5"] {
            assert_eq!(password(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_of_this_machine() {
        for local in ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.0.0.1:80", "[::1]:5000", "127.3.2.1:1"] {
            assert!(is_local(local), "{local}");
        }
        for other in
            ["evil.example", "127.0.0.1.evil.example:5000", "localhost.evil.example", "192.168.0.1", "", "0.0.0.0"]
        {
            assert!(!is_local(other), "{other}");
        }
    }
}
