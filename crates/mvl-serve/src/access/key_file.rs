//! [`KeyFile`]: API keys in a file, each by its digest.
//!
//! ```toml
//! version = 1
//!
//! [[key]]
//! name = "camera-7"
//! sha256 = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
//! scopes = ["infer"]
//! models = ["shoes", "cats-*"]        # without it: all
//! expires = 2027-01-01T00:00:00Z      # without it: never
//! requests_per_minute = 600           # without it: any number
//! requests_per_day = 100000
//! revoked = false
//! ```

use std::collections::HashSet;
use std::fmt;
use std::io::{self, ErrorKind::InvalidData};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mvl_core::read_bounded;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use super::api_keys::digest_of;
use super::{ModelPattern, Scope, moment};

/// The version of the format.
const VERSION: u32 = 1;
/// The largest file that is read.
const MAX_BYTES: u64 = 16 << 20;
/// The longest name of a key.
const MAX_NAME: usize = 128;
/// How a new key begins, so that it is known for one where it should not be.
const PREFIX: &str = "mvl_";
/// How many random bytes a new key has.
const KEY_BYTES: usize = 32;

/// Why there are no keys in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("cannot read or write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It does not hold what it should.
    #[error("{}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, all of it.
        what: String,
    },
}

/// The keys of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The format's version.
    pub version: u32,
    /// Every key.
    #[serde(rename = "key", default)]
    pub keys: Vec<KeyEntry>,
}

impl Default for KeyFile {
    fn default() -> Self {
        Self { version: VERSION, keys: Vec::new() }
    }
}

/// A key: its digest, and what it is good for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// What it is called, in logs too.
    pub name: String,
    /// The SHA-256 of the key, in hexadecimal digits.
    pub sha256: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The models that it may use; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelPattern>>,
    /// Until when it is good; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Datetime>,
    /// The most requests a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// The most requests a day, which begins at midnight in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<NonZeroU32>,
    /// Whether it is good no more.
    #[serde(default)]
    pub revoked: bool,
}

/// Without its digest, which is nobody's business either.
impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEntry")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .field("models", &self.models)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

impl KeyEntry {
    /// A key with a name and scopes, and without limits.
    pub fn new(name: impl Into<String>, key: &str, scopes: Vec<Scope>) -> Self {
        let sha256 = digest_of(key).iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            name: name.into(),
            sha256,
            scopes,
            models: None,
            expires: None,
            requests_per_minute: None,
            requests_per_day: None,
            revoked: false,
        }
    }

    /// Draws a key. It is not kept anywhere: only its digest goes into the entry.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn draw(name: impl Into<String>, scopes: Vec<Scope>) -> Result<(String, Self), KeyFileError> {
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyFileError::File {
            path: "the system's random numbers".into(),
            source: io::ErrorKind::Other.into(),
        })?;
        let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let entry = Self::new(name, &key, scopes);
        Ok((key, entry))
    }

    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(self.sha256.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(bytes)
    }

    pub(super) fn expires_at(&self) -> Option<SystemTime> {
        self.expires.as_ref().and_then(moment::read)
    }

    /// Whether it is good now.
    pub fn is_good(&self) -> bool {
        !self.revoked && self.expires_at().is_none_or(|expires| expires > SystemTime::now())
    }
}

impl KeyFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, has other fields or another version than it should, or keys of the same name or digest.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = read_text(path)?;
        Self::parse(&text).map_err(|what| KeyFileError::Wrong { path: path.to_owned(), what })
    }

    /// Reads text.
    ///
    /// # Errors
    /// What is wrong with it, all of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| {
            format!("{}; `mvl keys new` makes a file of keys", error.to_string().trim_end()) // quotes the line
        })?;
        file.validate()?;
        Ok(file)
    }

    /// Looks for mistakes.
    ///
    /// # Errors
    /// All that are there.
    pub fn validate(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        if self.version != VERSION {
            wrong.push(format!("version: expected {VERSION}, got {}", self.version));
        }
        let (mut names, mut digests) = (HashSet::new(), HashSet::new());
        for key in &self.keys {
            let name = &key.name;
            let mut say = |what: String| wrong.push(format!("key {name:?}: {what}"));
            if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
                say(format!("expected a name of 1 to {MAX_NAME} characters"));
            }
            if key.digest().is_none() {
                say("expected sha256 to be 64 hexadecimal digits".to_owned());
            }
            if key.scopes.is_empty() {
                say("expected a scope of infer, read and manage".to_owned());
            }
            if key.models.as_ref().is_some_and(Vec::is_empty) {
                say("expected a model in models; without the field it may use all".to_owned());
            }
            if let Some(expires) = key.expires.as_ref().filter(|_| key.expires_at().is_none()) {
                say(format!("expected expires to be a moment such as 2027-01-01T00:00:00Z, got {expires}"));
            }
            if !names.insert(name) {
                say("there is another of that name".to_owned());
            }
            if !digests.insert(key.sha256.to_ascii_lowercase()) {
                say("there is another with that digest".to_owned());
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    /// Writes the file anew. Remarks that somebody wrote into it are not kept.
    ///
    /// # Errors
    /// When it would not be read again, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyFileError> {
        let wrong = |what| KeyFileError::Wrong { path: path.to_owned(), what };
        self.validate().map_err(wrong)?;
        let text = toml::to_string(self).map_err(|error| wrong(error.to_string()))?;
        let text = format!(
            "# API keys by their digests; the keys themselves are nowhere. `mvl keys` writes this file.\n{text}"
        );
        mvl_core::write_atomically(path, |out| out.write_all(text.as_bytes()))
            .map_err(|source| KeyFileError::File { path: path.to_owned(), source })
    }
}

/// The text of a file about keys.
pub(super) fn read_text(path: &Path) -> Result<String, KeyFileError> {
    let read = read_bounded(path, MAX_BYTES);
    let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(|error| io::Error::new(InvalidData, error)));
    text.map_err(|source| KeyFileError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"; // of "password"

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.toml");
        let (key, mut entry) = KeyEntry::draw("ci", vec![Scope::Infer, Scope::Read]).expect("a key");
        assert!(key.starts_with(PREFIX) && key.len() == PREFIX.len() + 43, "{}", key.len());
        entry.models = Some(vec![ModelPattern("cats-*".to_owned())]);
        entry.expires = Some("2027-01-01T00:00:00Z".parse().expect("a moment"));
        entry.requests_per_minute = NonZeroU32::new(60);
        let file =
            KeyFile { keys: vec![entry, KeyEntry::new("p", "password", vec![Scope::Manage])], ..KeyFile::default() };
        file.write(&path).expect("written");
        assert_eq!(KeyFile::read(&path).expect("read"), file);
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(
            text.contains(SHA) && !text.contains(&key) && text.contains("expires = 2027-01-01T00:00:00Z"),
            "{text}"
        );
        assert!(!format!("{file:?}").contains(SHA));
    }

    #[test]
    fn mistakes_are_told() {
        let fine = format!("version = 1\n[[key]]\nname = \"a\"\nsha256 = \"{SHA}\"\nscopes = [\"infer\"]\n");
        KeyFile::parse(&fine).expect("a key");
        for (text, expected) in [
            ("correct horse battery staple\n".to_owned(), "mvl keys new"),
            (fine.replace("version = 1", "version = 2"), "version: expected 1, got 2"),
            (fine.replace("version = 1\n", ""), "version"),
            (format!("{fine}scope = []\n"), "unknown field"),
            (fine.replace(SHA, "abc"), "64 hexadecimal digits"),
            (fine.replace("[\"infer\"]", "[\"admin\"]"), "admin"),
            (fine.replace("[\"infer\"]", "[]"), "expected a scope"),
            (format!("{fine}models = []\n"), "expected a model"),
            (format!("{fine}expires = 2027-01-01\n"), "2027-01-01T00:00:00Z"),
            (format!("{fine}requests_per_day = 0\n"), "requests_per_day"),
            (fine.replace("\"a\"", "\"\""), "name of 1"),
            (format!("{fine}{}", fine.replace("version = 1", "")), "another of that name; key \"a\": there is another"),
        ] {
            let wrong = KeyFile::parse(&text).expect_err(expected);
            assert!(wrong.contains(expected), "expected {expected:?} in {wrong:?}");
        }
    }
}
