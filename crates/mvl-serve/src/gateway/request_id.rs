//! [`RequestId`]: what a request is called in answers and logs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

/// Where it stands.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest that is taken from a client.
const MAX_BYTES: usize = 128;

/// What a request is called: what its client calls it in `X-Request-Id`, if that is at most 128 letters, digits and `-_.:/+=@`, else a
/// name of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
        let given = headers.get(&HEADER).and_then(|value| value.to_str().ok());
        let given = given.filter(|id| !id.is_empty() && id.len() <= MAX_BYTES && id.bytes().all(plain));
        Self(given.map_or_else(|| made().into(), Into::into))
    }

    pub(super) fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Eight random bytes for the process, then a count.
fn made() -> String {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let process = PROCESS.get_or_init(|| {
        let mut bytes = [0; 8];
        // Without random numbers ids are those of another process perhaps, which is no danger.
        let _ = SystemRandom::new().fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    format!("{process:016x}-{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ids_are_taken_and_others_replaced() {
        let of = |id: &str| {
            RequestId::of(&HeaderMap::from_iter([(HEADER, HeaderValue::from_bytes(id.as_bytes()).expect("a value"))]))
        };
        for id in ["a", "0f8fad5b-d9cb-469f-a165-70867728950e", "A_b.c:d/e+f=@", &"x".repeat(MAX_BYTES)] {
            assert_eq!(of(id).as_str(), id);
        }
        for id in ["", "a b", "a\"b", "<script>", "ä", &"x".repeat(MAX_BYTES + 1)] {
            assert!(of(id).as_str() != id && of(id).as_str().len() < 40, "{id}");
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
