//! [`RequestId`]: what a request is called in answers and logs.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

/// Where it stands.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest that is taken from a client.
const MAX_BYTES: usize = 128;

/// What a request is called: what its client calls it in `X-Request-Id`, if that is at most 128 letters, digits and `-_.:/+=@`, else a
/// name of our own. Handlers take it as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
        let is_plain = |id: &[u8]| (1..=MAX_BYTES).contains(&id.len()) && id.iter().copied().all(plain);
        let given = headers.get(&HEADER).filter(|id| is_plain(id.as_bytes()));
        Self(given.cloned().unwrap_or_else(made))
    }

    pub(super) fn into_value(self) -> HeaderValue {
        self.0
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Eight random bytes for the process, then a count, in hexadecimal digits.
fn made() -> HeaderValue {
    static PROCESS: OnceLock<String> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let process = PROCESS.get_or_init(|| {
        let mut bytes = [0; 8];
        // Without random numbers ids are those of another process perhaps, which is no danger.
        let _ = SystemRandom::new().fill(&mut bytes);
        format!("{:016x}-", u64::from_le_bytes(bytes))
    });
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let digits = (16 - count.leading_zeros() / 4).max(1);
    let mut id = Vec::with_capacity(process.len() + digits as usize);
    id.extend_from_slice(process.as_bytes());
    id.extend((0..digits).rev().map(|digit| b"0123456789abcdef"[(count >> (4 * digit) & 15) as usize]));
    HeaderValue::from_maybe_shared(bytes::Bytes::from(id)).expect("digits and a dash")
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
