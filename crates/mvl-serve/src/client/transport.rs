//! One request and its answer: the key, the deadline, trying again, and a bound on what is read.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use bytes::{Bytes, BytesMut};
use url::Url;

use super::ClientError;

/// The longest error text that is kept.
const ERROR_CHARS: usize = 2_000;
/// The shortest pause before a server is asked again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// How requests are sent.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) key: Option<HeaderValue>,
    /// Whether to ask again when the server says when.
    pub(super) again: bool,
    /// The largest answer.
    pub(super) answer_bytes: usize,
}

/// A request that may be sent several times.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

/// An answer of a server that did as it was asked.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Transport {
    /// Asks, and asks again while the server says that it may be better soon and the time is not up.
    pub(super) async fn send(&self, asked: &Asked, within: Duration) -> Result<Answered, ClientError> {
        let deadline = Instant::now() + within;
        loop {
            let asking = self.once(asked);
            let error = match tokio::time::timeout_at(deadline.into(), asking).await {
                Err(_) => return Err(ClientError::Late { within }),
                Ok(Ok(answered)) => return Ok(answered),
                Ok(Err(error)) => error,
            };
            let ClientError::Refused { status: 429 | 503, retry_after: Some(after), .. } = &error else {
                return Err(error);
            };
            let pause = (*after).max(SHORTEST_PAUSE);
            if !self.again || pause >= deadline.saturating_duration_since(Instant::now()) {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, asked: &Asked) -> Result<Answered, ClientError> {
        let address = || asked.url.to_string();
        let broken = |error: reqwest::Error| ClientError::Connection {
            address: address(),
            source: error.without_url().into(), // it is told already
        };
        let mut request = self.http.request(asked.method.clone(), asked.url.clone()).body(asked.body.clone());
        for (name, value) in &asked.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, key);
        }
        let mut response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > self.answer_bytes {
                let what = format!("expected at most {} bytes", self.answer_bytes);
                return Err(ClientError::Answer { address: address(), what });
            }
            body.extend_from_slice(&chunk);
        }
        let body = body.freeze();
        if status.is_success() {
            return Ok(Answered { headers, body });
        }
        let seconds = headers.get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        Err(ClientError::Refused { status: status.as_u16(), message: message_of(&body), retry_after })
    }
}

/// The text of `{"error": text}`, or whatever a server that is no such one has written.
fn message_of(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let error = json.as_ref().and_then(|json| ["error", "detail"].into_iter().find_map(|key| json.get(key)?.as_str()));
    let text = error.map_or_else(|| String::from_utf8_lossy(body).into_owned(), ToOwned::to_owned);
    text.chars().take(ERROR_CHARS).collect()
}
