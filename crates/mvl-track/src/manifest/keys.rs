//! Ed25519 keys (RFC 8032) in files that people can look at.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use mvl_store::Digest;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::{ErrorCode, TrackError};

const PRIVATE: &str = "mvl-ed25519-private";
const PUBLIC: &str = "mvl-ed25519-public";
const PUBLIC_BYTES: usize = 32;
/// A file of keys is small.
const MAX_FILE: u64 = 1 << 20;

/// A private key, which signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    secret: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    /// The secret is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.verifying_key()).finish()
    }
}

impl SigningKey {
    /// A new key of the system's randomness.
    ///
    /// # Errors
    /// [`ErrorCode::InternalError`] when the system has none to give.
    pub fn generate() -> Result<Self, TrackError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let document =
            document.map_err(|_| TrackError::new(ErrorCode::InternalError, "the system gives no randomness"))?;
        Self::from_pkcs8(document.as_ref().to_vec())
    }

    fn from_pkcs8(secret: Vec<u8>) -> Result<Self, TrackError> {
        let pair =
            Ed25519KeyPair::from_pkcs8(&secret).map_err(|error| invalid(format!("not a private key: {error}")))?;
        Ok(Self { pair, secret })
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameterValue`] when it cannot be read or is no private key.
    pub fn read(path: &Path) -> Result<Self, TrackError> {
        let text = read(path)?;
        let hex = text.lines().find_map(|line| line.strip_prefix(PRIVATE)?.strip_prefix(' '));
        let secret = hex.and_then(|hex| from_hex(hex.trim()));
        let secret = secret.ok_or_else(|| invalid(format!("{} holds no line \"{PRIVATE} …\"", path.display())))?;
        Self::from_pkcs8(secret)
    }

    /// Writes it to a new file that only its owner may read.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameterValue`] when the file is there already or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrackError> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = format!("{PRIVATE} {}\n", hex(&self.secret));
        let written = options.open(path).and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| invalid(format!("cannot write the key to {}: {error}", path.display())))
    }

    /// What others verify its signatures by.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; PUBLIC_BYTES];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey(bytes)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// A public key, which verifies. As text, `mvl-ed25519-public HEX`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey([u8; PUBLIC_BYTES]);

impl VerifyingKey {
    /// A short name for it, the same everywhere.
    #[must_use]
    pub fn id(&self) -> String {
        Digest::of(&self.0).to_string().trim_start_matches("sha256:").chars().take(16).collect()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC} {}", hex(&self.0))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for VerifyingKey {
    type Err = TrackError;

    fn from_str(text: &str) -> Result<Self, TrackError> {
        let bytes = text.trim().strip_prefix(PUBLIC).and_then(|hex| from_hex(hex.trim()));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| invalid(format!("expected \"{PUBLIC} \" and 64 hexadecimal digits")))
    }
}

/// The keys whose signatures count.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys(BTreeMap<String, VerifyingKey>);

impl TrustedKeys {
    /// Reads a file with one public key a line; what begins with `#` is a remark.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameterValue`] with the line that is no key.
    pub fn read(path: &Path) -> Result<Self, TrackError> {
        let text = read(path)?;
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let keys = lines.map(|(number, line)| {
            line.parse().map_err(|error| invalid(format!("{}, line {number}: {error}", path.display())))
        });
        keys.collect()
    }

    /// The key of a name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&VerifyingKey> {
        self.0.get(id)
    }
}

impl FromIterator<VerifyingKey> for TrustedKeys {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.id(), key)).collect())
    }
}

fn read(path: &Path) -> Result<String, TrackError> {
    let failed = |error: std::io::Error| invalid(format!("cannot read the key file {}: {error}", path.display()));
    let file = fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_FILE), &mut text).map_err(failed)?;
    Ok(text)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn invalid(what: String) -> TrackError {
    TrackError::invalid(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_files() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = SigningKey::generate().expect("randomness");
        let path = folder.path().join("key");
        key.write(&path).expect("writable");
        assert!(key.write(&path).is_err(), "a key is never written over");
        let again = SigningKey::read(&path).expect("readable");
        assert_eq!(again.verifying_key(), key.verifying_key());
        assert!(!format!("{key:?}").contains(&hex(&key.secret)));

        let trusted = folder.path().join("trusted");
        fs::write(&trusted, format!("# ours\n{}\n\n", key.verifying_key())).expect("writable");
        assert!(TrustedKeys::read(&trusted).expect("readable").get(&key.verifying_key().id()).is_some());
        fs::write(&trusted, "# ours\nssh-ed25519 AAAA\n").expect("writable");
        assert!(TrustedKeys::read(&trusted).expect_err("no key").to_string().contains("line 2"));
        assert!(SigningKey::read(&trusted).is_err() && SigningKey::read(&folder.path().join("none")).is_err());
    }
}
