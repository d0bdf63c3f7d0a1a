//! [`ApiKeys`]: the keys that a server takes. They are kept as digests, and their file is looked at again when it changes.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::day_counts::{Counts, DayCounts};
use super::moment::day_of;
use super::{Caller, CallerKind, KeyEntry, KeyFile, KeyFileError, Scope, Usage, WatchedFile};

/// The shortest key that a program may set.
const SHORTEST: usize = 16;

/// Why a key is not taken. Whoever holds the key may know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("the API key is not one of this server's")]
    Unknown,
    /// It is good no more.
    #[error("API key {0:?} was revoked")]
    Revoked(String),
    /// Its time is over.
    #[error("API key {0:?} has expired")]
    Expired(String),
}

/// The keys that a server takes. Without any, it serves this machine alone. Cheap to clone; clones share what was counted.
///
/// ```
/// # use mvl_serve::ApiKeys;
/// let keys = ApiKeys::default().with("correct horse battery").unwrap();
/// assert!(keys.find("correct horse battery").is_ok());
/// assert!(keys.find("incorrect horse battery").is_err());
/// ```
#[derive(Clone, Default)]
pub struct ApiKeys(Option<Arc<Known>>);

struct Known {
    blinding: hmac::Key,
    file: Option<WatchedFile>,
    /// By blinded digest. What looking one up tells by its time is about a value that nobody outside can know.
    table: RwLock<Arc<HashMap<[u8; 32], Entry>>>,
    counts: OnceLock<DayCounts>,
}

#[derive(Clone)]
struct Entry {
    caller: Caller,
    expires: Option<SystemTime>,
    revoked: bool,
}

impl ApiKeys {
    /// The keys of a file, which is looked at again when it changes: a key that is revoked there ends within a second. While the file
    /// cannot be read, what was there before stays.
    ///
    /// # Errors
    /// When it cannot be read, or there is no key in it.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let watched = WatchedFile::new(path);
        let file = KeyFile::read(path)?;
        if file.keys.is_empty() {
            let what = "there is no key; `mvl keys new` adds one".to_owned();
            return Err(KeyFileError::Wrong { path: path.to_owned(), what });
        }
        let blinding = blinding();
        let table = RwLock::new(Arc::new(table_of(&file.keys, &blinding, &HashMap::new())));
        Ok(Self(Some(Arc::new(Known { blinding, file: Some(watched), table, counts: OnceLock::new() }))))
    }

    /// Adds a key that may do everything, for programs that bring their own.
    ///
    /// # Errors
    /// When the key has fewer than 16 characters or others than visible ASCII.
    pub fn with(self, key: &str) -> Result<Self, String> {
        if key.len() < SHORTEST {
            let got = key.len();
            return Err(format!(
                "expected an API key of at least {SHORTEST} characters, got {got}; `mvl keys new` makes one"
            ));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err("expected an API key of visible ASCII, which is what HTTP headers carry".to_owned());
        }
        let name = format!("key {}", self.len() + 1);
        self.with_entry(&KeyEntry::new(name, key, Scope::ALL.to_vec()))
    }

    /// Adds a key as a file would have it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn with_entry(self, entry: &KeyEntry) -> Result<Self, String> {
        KeyFile { keys: vec![entry.clone()], ..KeyFile::default() }.validate()?;
        if self.0.as_ref().is_some_and(|known| known.file.is_some()) {
            return Err("expected keys of a program alone: to those of a file `mvl keys new` adds another".to_owned());
        }
        let (blinding, before) = match &self.0 {
            Some(known) => (known.blinding.clone(), known.table()),
            None => (blinding(), Arc::default()),
        };
        let mut table = table_of(std::slice::from_ref(entry), &blinding, &before);
        table.extend(before.iter().map(|(tag, entry)| (*tag, entry.clone())));
        let (table, counts) = (RwLock::new(Arc::new(table)), OnceLock::new());
        Ok(Self(Some(Arc::new(Known { blinding, file: None, table, counts }))))
    }

    /// Goes on from the requests of this day that a file has counted, by the names of keys. A server writes the file every few seconds
    /// and when it ends; one server a file. A file that is not there is made. Keys that are added later begin with none.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn counted_in(self, path: &Path) -> Result<Self, KeyFileError> {
        let Some(known) = &self.0 else { return Ok(self) };
        let counts = DayCounts::open(path)?;
        let Counts { day, requests, .. } = counts.kept();
        for Entry { caller, .. } in known.table().values() {
            if let Some(&count) = requests.get(caller.name()) {
                caller.usage().go_on_from(day, count);
            }
        }
        let _ = known.counts.set(counts); // the first file stays
        Ok(self)
    }

    /// Writes what was counted today to the file, if there is one.
    pub(crate) fn keep_counts(&self) {
        let Some((known, file)) = self.0.as_ref().and_then(|known| Some((known, known.counts.get()?))) else { return };
        let day = day_of(SystemTime::now());
        let table = known.table();
        let counts = table.values().map(|entry| (entry.caller.name().to_owned(), entry.caller.usage().of_day(day)));
        let counts = counts.filter(|(_, count)| *count > 0).collect();
        if let Err(error) = file.keep(Counts::new(day, counts)) {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(%error, cause, "the requests of this day cannot be kept");
        }
    }

    /// Whether there were none from the beginning. A file whose last key was taken out still asks for one.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |known| known.table().len())
    }

    /// Whose key it is.
    ///
    /// # Errors
    /// When it is none of them, or good no more.
    pub fn find(&self, key: &str) -> Result<Caller, KeyError> {
        let known = self.0.as_ref().ok_or(KeyError::Unknown)?;
        known.look_again();
        let tag = blinded(&known.blinding, &digest_of(key));
        let table = known.table();
        let entry = table.get(&tag).ok_or(KeyError::Unknown)?;
        let name = || entry.caller.name().to_owned();
        if entry.revoked {
            return Err(KeyError::Revoked(name()));
        }
        if entry.expires.is_some_and(|expires| expires <= SystemTime::now()) {
            return Err(KeyError::Expired(name()));
        }
        Ok(entry.caller.clone())
    }
}

impl Known {
    fn table(&self) -> Arc<HashMap<[u8; 32], Entry>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look_again(&self) {
        let Some(file) = self.file.as_ref().filter(|file| file.has_changed()) else { return };
        match KeyFile::read(file.path()) {
            Ok(read) => {
                let table = Arc::new(table_of(&read.keys, &self.blinding, &self.table()));
                *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
                tracing::info!(keys = read.keys.len(), "the file of API keys was read again");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::error!(%error, cause, "the file of API keys cannot be read; the keys before go on");
                if matches!(error, KeyFileError::File { .. }) {
                    file.tell_again();
                }
            }
        }
    }
}

fn table_of(keys: &[KeyEntry], blinding: &hmac::Key, before: &HashMap<[u8; 32], Entry>) -> HashMap<[u8; 32], Entry> {
    let entries = keys.iter().filter_map(|key| {
        let tag = blinded(blinding, &key.digest()?);
        let used = before.get(&tag).map(|entry| &**entry.caller.usage());
        let usage = Usage::new(key.requests_per_minute, key.requests_per_day, used);
        let scopes = key.scopes.iter().copied().collect();
        let caller = Caller::new(CallerKind::Key, &key.name, scopes, key.models.clone()).with_usage(Arc::new(usage));
        Some((tag, Entry { caller, expires: key.expires_at(), revoked: key.revoked }))
    });
    entries.collect()
}

/// Drawn anew for every table: what is compared tells nothing about a key.
fn blinding() -> hmac::Key {
    let mut secret = [0; 32];
    // Keys are hashed before they are blinded, so a system without random numbers is no reason to fail.
    let _ = SystemRandom::new().fill(&mut secret);
    hmac::Key::new(hmac::HMAC_SHA256, &secret)
}

fn blinded(blinding: &hmac::Key, digest: &[u8; 32]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(blinding, digest).as_ref());
    bytes
}

pub(super) fn digest_of(key: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    bytes
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_and_not_shown() {
        let keys = ApiKeys::default().with("a key of some length").and_then(|k| k.with("another key, also long"));
        let keys = keys.expect("keys");
        assert_eq!(keys.find("a key of some length").expect("known").name(), "key 1");
        assert_eq!(keys.find("another key, also long").expect("known").name(), "key 2");
        for other in ["", "a key of some lengt", "a key of some length "] {
            assert_eq!(keys.find(other).expect_err("unknown"), KeyError::Unknown);
        }
        ApiKeys::default().find("").expect_err("there are none");
        assert_eq!(format!("{keys:?}"), "ApiKeys(2)");
        for bad in ["", "short", "a key with\nanother line"] {
            ApiKeys::default().with(bad).expect_err(bad);
        }
    }

    #[test]
    fn a_days_requests_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("counts.toml");
        let keys = || {
            let mut entry = KeyEntry::new("one", "the first key", vec![Scope::Infer]);
            entry.requests_per_day = std::num::NonZeroU32::new(2);
            let keys = ApiKeys::default().with_entry(&entry).expect("a key");
            keys.counted_in(&path)
        };
        let take = |keys: &ApiKeys| keys.find("the first key").expect("known").take_one();
        let first = keys().expect("no file yet");
        take(&first).expect("the first of two");
        first.keep_counts();
        let second = keys().expect("a file");
        take(&second).expect("the second of two");
        second.keep_counts();
        take(&keys().expect("a file")).expect_err("two were counted");
        let written = std::fs::read_to_string(&path).expect("written");
        let before = written.replace(&day_of(SystemTime::now()).to_string(), "1");
        assert_ne!(before, written);
        std::fs::write(&path, before).expect("written");
        take(&keys().expect("a file")).expect("another day");
        std::fs::write(&path, "nothing of that kind").expect("written");
        let error = keys().expect_err("no counts").to_string();
        assert!(error.contains("remove the file to begin anew"), "{error}");
    }

    #[test]
    fn a_file_is_looked_at_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.toml");
        let mut file =
            KeyFile { keys: vec![KeyEntry::new("one", "the first key", vec![Scope::Infer])], ..KeyFile::default() };
        file.keys[0].requests_per_day = std::num::NonZeroU32::new(1);
        file.write(&path).expect("written");
        let keys = ApiKeys::open(&path).expect("a key");
        let one = keys.find("the first key").expect("known");
        assert!(one.scopes().contains(Scope::Infer) && !one.scopes().contains(Scope::Manage));
        one.take_one().expect("one a day");
        file.keys.push(KeyEntry::new("two", "the second key", vec![Scope::Read]));
        file.keys[1].expires = Some("2001-01-01T00:00:00Z".parse().expect("a moment"));
        file.write(&path).expect("written");
        std::thread::sleep(std::time::Duration::from_millis(260));
        assert_eq!(keys.find("the second key").expect_err("over"), KeyError::Expired("two".to_owned()));
        keys.find("the first key").expect("known").take_one().expect_err("what was asked goes on to count");
        file.keys[0].revoked = true;
        file.write(&path).expect("written");
        std::thread::sleep(std::time::Duration::from_millis(260));
        assert_eq!(keys.find("the first key").expect_err("revoked"), KeyError::Revoked("one".to_owned()));
        std::fs::write(&path, "broken").expect("written");
        std::thread::sleep(std::time::Duration::from_millis(260));
        assert_eq!(keys.find("the first key").expect_err("as before"), KeyError::Revoked("one".to_owned()));
        KeyFile::default().write(&path).expect("written");
        std::thread::sleep(std::time::Duration::from_millis(260));
        assert_eq!(keys.find("the first key").expect_err("gone"), KeyError::Unknown);
        assert!(!keys.is_empty(), "no keys are not an open door");
        ApiKeys::open(&path).expect_err("no key");
    }
}
