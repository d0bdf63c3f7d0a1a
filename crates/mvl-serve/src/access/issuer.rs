//! [`IssuerKeys`]: the public keys of whoever issues tokens, from a file or from a URL, kept and fetched anew.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::WatchedFile;

/// The largest set of keys.
const MAX_BYTES: usize = 256 << 10;
/// The most keys that are kept.
const MAX_KEYS: usize = 256;
/// How long fetching may take.
const FETCHING: Duration = Duration::from_secs(5);
/// How long keys are kept before they are fetched anew.
const FRESH: Duration = Duration::from_secs(600);
/// For how long keys are believed when they cannot be fetched anew.
const STALE: Duration = Duration::from_secs(24 * 3600);

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// A key, and the algorithms that it may be used with.
pub(super) struct IssuerKey {
    id: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

impl IssuerKey {
    /// `None` for what is no public key for signatures: secrets above all.
    fn read(value: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|given| *given != PublicKeyUse::Signature) {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => RSA.to_vec(),
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => vec![Algorithm::ES256],
                EllipticCurve::P384 => vec![Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
            _ => return None,
        };
        if let Some(said) = value.get("alg") {
            algorithms.retain(|algorithm| said.as_str() == Some(&format!("{algorithm:?}")));
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        (!algorithms.is_empty()).then_some(Self { id: jwk.common.key_id, algorithms, key })
    }
}

/// The keys that were there when somebody looked.
#[derive(Default)]
struct KeySet(Vec<IssuerKey>);

impl KeySet {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("expected a set of keys: {error}"))?;
        let keys = value.get("keys").and_then(Value::as_array).ok_or("expected a list \"keys\"")?;
        let keys: Vec<_> = keys.iter().take(MAX_KEYS).filter_map(IssuerKey::read).collect();
        match keys.is_empty() {
            true => Err("there is no public key for signatures among the keys".to_owned()),
            false => Ok(Self(keys)),
        }
    }

    /// The key of a token. One that names no key can only mean the only one.
    fn find(&self, id: Option<&str>) -> Option<usize> {
        match id {
            Some(_) => self.0.iter().position(|key| key.id.as_deref() == id),
            None => (self.0.len() == 1).then_some(0),
        }
    }
}

/// A key of a set that lives as long as it is used.
pub(super) struct Found(Arc<KeySet>, usize);

impl std::ops::Deref for Found {
    type Target = IssuerKey;

    fn deref(&self) -> &IssuerKey {
        &self.0.0[self.1]
    }
}

enum Place {
    File(WatchedFile),
    Url { url: reqwest::Url, client: reqwest::Client },
}

/// The public keys of whoever issues tokens.
pub(super) struct IssuerKeys {
    place: Place,
    set: RwLock<(Arc<KeySet>, Option<Instant>)>,
    /// When fetching was last tried; held while it is.
    tried: tokio::sync::Mutex<Option<Instant>>,
    /// Whoever asks for a key that is not there makes the server fetch anew no more often than this.
    pause: Duration,
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(file) => f.debug_tuple("IssuerKeys").field(&file.path()).finish(),
            Place::Url { url, .. } => f.debug_tuple("IssuerKeys").field(&url.as_str()).finish(),
        }
    }
}

impl IssuerKeys {
    /// Keys from a file, which is read now, or from a URL, which is asked when the first token comes.
    pub(super) fn open(place: &str, pause: Duration) -> Result<Self, String> {
        if !place.contains("://") {
            let file = WatchedFile::new(Path::new(place));
            let set = read_file(file.path())?;
            return Ok(Self {
                place: Place::File(file),
                set: RwLock::new((Arc::new(set), Some(Instant::now()))),
                tried: tokio::sync::Mutex::default(),
                pause,
            });
        }
        let url = reqwest::Url::parse(place).map_err(|error| format!("expected a URL, got {place:?}: {error}"))?;
        let near = url.host_str().is_some_and(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        });
        if url.scheme() != "https" && !(near && url.scheme() == "http") {
            return Err(format!(
                "expected an https:// URL, since whoever changes these keys may do anything, got {place:?}"
            ));
        }
        mvl_store::choose_provider();
        let client = reqwest::Client::builder()
            .timeout(FETCHING)
            .connect_timeout(FETCHING)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("cannot make a client: {error}"))?;
        Ok(Self {
            place: Place::Url { url, client },
            set: RwLock::default(),
            tried: tokio::sync::Mutex::default(),
            pause,
        })
    }

    fn set(&self) -> (Arc<KeySet>, Option<Instant>) {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, set: KeySet) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(set), Some(Instant::now()));
    }

    /// The key that a token names. `Ok(None)` when the issuer has no such key, an error when nobody could be asked.
    pub(super) async fn find(self: &Arc<Self>, id: Option<&str>) -> Result<Option<Found>, String> {
        if let Place::File(file) = &self.place {
            if file.has_changed() {
                match read_file(file.path()) {
                    Ok(set) => self.put(set),
                    Err(error) => {
                        tracing::error!(error, "the keys of tokens cannot be read; those before go on");
                        file.tell_again();
                    }
                }
            }
            let (set, _) = self.set();
            return Ok(set.find(id).map(|place| Found(set, place)));
        }
        let (set, fetched) = self.set();
        let age = fetched.map(|fetched| fetched.elapsed());
        if let (Some(place), Some(age)) = (set.find(id), age.filter(|age| *age < STALE)) {
            if age > FRESH && self.may_fetch() {
                let this = self.clone();
                tokio::spawn(async move { this.fetch(FRESH).await });
            }
            return Ok(Some(Found(set, place)));
        }
        // On its own: a client that leaves must not break it off for those who come after.
        let this = self.clone();
        let _ = tokio::spawn(async move { this.fetch(Duration::ZERO).await }).await;
        let (set, fetched) = self.set();
        match fetched.is_some_and(|fetched| fetched.elapsed() < STALE) {
            true => Ok(set.find(id).map(|place| Found(set, place))),
            false => Err("the keys of the tokens' issuer cannot be fetched now".to_owned()),
        }
    }

    /// Whether nobody is at it, and it was not tried a moment ago.
    fn may_fetch(&self) -> bool {
        self.tried.try_lock().is_ok_and(|tried| tried.is_none_or(|tried| tried.elapsed() >= self.pause))
    }

    /// Fetches the keys, unless that was tried a moment ago or they are younger than `unless`.
    async fn fetch(&self, unless: Duration) {
        let Place::Url { url, client } = &self.place else { return };
        let mut tried = self.tried.lock().await;
        let recent = tried.is_some_and(|tried| tried.elapsed() < self.pause);
        let young = self.set().1.is_some_and(|fetched| fetched.elapsed() < unless);
        if recent || young {
            return;
        }
        *tried = Some(Instant::now());
        match fetched(client, url).await {
            Ok(set) => self.put(set),
            Err(error) => tracing::error!(error, "the keys of tokens cannot be fetched"),
        }
    }
}

fn read_file(path: &Path) -> Result<KeySet, String> {
    let read = mvl_core::read_bounded(path, MAX_BYTES as u64);
    let bytes = read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    KeySet::read(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

async fn fetched(client: &reqwest::Client, url: &reqwest::Url) -> Result<KeySet, String> {
    let failed = |error: reqwest::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    let mut response = client.get(url.clone()).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(format!("{url} answered {}", response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(format!("expected at most {MAX_BYTES} bytes from {url}"));
        }
        bytes.extend_from_slice(&chunk);
    }
    KeySet::read(&bytes).map_err(|error| format!("{url}: {error}"))
}
