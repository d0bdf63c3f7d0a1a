//! [`ApiKeys`]: who may ask. Keys are kept as digests and compared in constant time.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// The shortest key that is taken.
const SHORTEST: usize = 16;
/// How a key's digest is written in a config.
const DIGEST: &str = "sha256:";

/// The keys that a server takes. Without any, it serves this machine alone.
///
/// ```
/// # use mvl_serve::ApiKeys;
/// let keys = ApiKeys::default().with("correct horse battery").unwrap();
/// assert!(keys.take("correct horse battery"));
/// assert!(!keys.take("incorrect horse battery"));
/// ```
#[derive(Clone)]
pub struct ApiKeys {
    /// Drawn anew by every process: what is compared tells nothing about a key.
    blinding: hmac::Key,
    tags: Vec<hmac::Tag>,
}

impl Default for ApiKeys {
    fn default() -> Self {
        let mut secret = [0; 32];
        // Keys are hashed before they are blinded, so a system without random numbers is no reason to fail.
        let _ = SystemRandom::new().fill(&mut secret);
        Self { blinding: hmac::Key::new(hmac::HMAC_SHA256, &secret), tags: Vec::new() }
    }
}

impl ApiKeys {
    /// Adds a key: the key itself, or `sha256:` and the 64 hexadecimal digits of its SHA-256, so that a config need not hold it.
    ///
    /// # Errors
    /// When the key has fewer than 16 characters or others than visible ASCII, or the digest is none.
    pub fn with(mut self, key: &str) -> Result<Self, String> {
        let digest = match key.strip_prefix(DIGEST) {
            Some(digits) => from_hexadecimal(digits)
                .ok_or_else(|| "expected 64 hexadecimal digits after sha256:, got something else".to_owned())?,
            None if key.len() < SHORTEST => {
                return Err(format!(
                    "expected an API key of at least {SHORTEST} characters, got {}; openssl rand -hex 24 makes one",
                    key.len()
                ));
            }
            None if !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') => {
                return Err("expected an API key of visible ASCII, which is what HTTP headers carry".to_owned());
            }
            None => hashed(key),
        };
        self.tags.push(hmac::sign(&self.blinding, &digest));
        Ok(self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Whether a key is among them. Every key is compared, each in constant time.
    pub fn take(&self, key: &str) -> bool {
        let digest = hashed(key);
        self.tags.iter().fold(false, |found, tag| found | hmac::verify(&self.blinding, &digest, tag.as_ref()).is_ok())
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.tags.len())
    }
}

fn hashed(key: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    bytes
}

fn from_hexadecimal(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_digests_are_taken() {
        let hash: String = hashed("a key of some length").iter().map(|byte| format!("{byte:02x}")).collect();
        let keys = ApiKeys::default()
            .with("another key, also long")
            .expect("key")
            .with(&format!("sha256:{hash}"))
            .expect("digest");
        assert!(keys.take("a key of some length") && keys.take("another key, also long"));
        assert!(!keys.take("") && !keys.take(&hash) && !keys.take("a key of some lengt"));
        assert!(!ApiKeys::default().take(""));
    }

    #[test]
    fn weak_keys_are_refused() {
        for bad in
            ["", "short", "sha256:", "sha256:zz", &format!("sha256:{}", "g".repeat(64)), "a key with\nanother line"]
        {
            ApiKeys::default().with(bad).expect_err(bad);
        }
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", ApiKeys::default().with("a key of some length").expect("key")), "ApiKeys(1)");
    }
}
