//! [`Tokens`]: JSON web tokens of one issuer, signed with a private key that only the issuer has.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize};

use super::issuer::IssuerKeys;
use super::{Caller, CallerKind, PerSubject, Scope};
use crate::{ServiceError, Trouble};

/// The longest token that is looked at.
const MAX_BYTES: usize = 16 << 10;
/// How much of a subject is kept.
const MAX_SUBJECT: usize = 256;

/// Whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOptions {
    /// Who issues them, as their `iss` says.
    pub issuer: String,
    /// For whom they are: one of these must be in `aud`.
    pub audience: Vec<String>,
    /// The issuer's public keys (a JSON web key set): a file, or an `https://` URL. Secrets among them are not taken.
    pub jwks: String,
    /// How far clocks may differ, in seconds.
    #[serde(default = "default_leeway")]
    pub leeway_s: u64,
    /// What stands before `infer`, `read` and `manage` in the claim `scope` (or `scp`), such as `mvl:`.
    #[serde(default)]
    pub scope_prefix: String,
    /// The most requests a minute of one subject; any number without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// How soon keys may be fetched again because a token names one that is not known, in seconds.
    #[serde(default = "default_refetch")]
    pub refetch_s: u64,
}

fn default_leeway() -> u64 {
    60
}

fn default_refetch() -> u64 {
    30
}

impl TokenOptions {
    /// Tokens of an issuer for an audience, with the issuer's keys.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, jwks: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: vec![audience.into()],
            jwks: jwks.into(),
            leeway_s: default_leeway(),
            scope_prefix: String::new(),
            requests_per_minute: None,
            refetch_s: default_refetch(),
        }
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is too long, or no token at all.
    #[error("the token cannot be read")]
    Malformed,
    /// It is not signed, or with a secret that others might share.
    #[error("the token's algorithm {0:?} is not taken; expected a signature by a private key (RS, PS, ES, EdDSA)")]
    Algorithm(String),
    /// Its algorithm is not that of its key.
    #[error("the token's algorithm is not one of its key")]
    OtherAlgorithm,
    /// Its key is not one of the issuer's.
    #[error("the token is signed with a key that is not one of its issuer's")]
    UnknownKey,
    /// Somebody else made it, or changed it.
    #[error("the token's signature is wrong")]
    Forged,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// Somebody else issued it.
    #[error("the token is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Something that it must say is missing or of another type.
    #[error("the token's claim {0:?} is missing or not as expected")]
    Claim(String),
    /// Nobody can say now.
    #[error("{0}")]
    NoKeys(String),
}

impl From<TokenError> for ServiceError {
    fn from(error: TokenError) -> Self {
        let message = error.to_string();
        match error {
            TokenError::NoKeys(_) => {
                Self { retry_after: Some(Duration::from_secs(5)), ..Self::new(Trouble::Unavailable, message) }
            }
            _ => Self::new(Trouble::Unauthenticated, message),
        }
    }
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that whoever does not know them must refuse.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    List(Vec<String>),
}

impl Words {
    fn words(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => text.split_ascii_whitespace().collect(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: Option<Words>,
    #[serde(default)]
    scp: Option<Words>,
}

/// Takes tokens of one issuer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tokens {
    options: Arc<TokenOptions>,
    keys: Arc<IssuerKeys>,
    each: Option<Arc<PerSubject>>,
}

impl Tokens {
    /// Reads the issuer's keys from a file, or makes ready to fetch them.
    ///
    /// # Errors
    /// What is wrong with the options, or with the file.
    pub fn open(options: TokenOptions) -> Result<Self, String> {
        if options.issuer.is_empty() {
            return Err("tokens.issuer: expected whose tokens are taken".to_owned());
        }
        if options.audience.is_empty() || options.audience.iter().any(String::is_empty) {
            return Err("tokens.audience: expected for whom tokens are; others' tokens would be taken too".to_owned());
        }
        let keys = IssuerKeys::open(&options.jwks, Duration::from_secs(options.refetch_s));
        let keys = keys.map_err(|error| format!("tokens.jwks: {error}"))?;
        let each = options.requests_per_minute.map(|limit| Arc::new(PerSubject::new(limit)));
        Ok(Self { options: Arc::new(options), keys: Arc::new(keys), each })
    }

    /// Whether it looks like a token: three parts between dots. No key that we make does.
    pub(crate) fn is_one(text: &str) -> bool {
        text.bytes().filter(|&byte| byte == b'.').count() == 2
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn find(&self, token: &str) -> Result<Caller, TokenError> {
        let head = head(token)?;
        let named = format!("\"{}\"", head.alg);
        let asymmetric =
            |algorithm: &Algorithm| !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
        let algorithm = serde_json::from_str::<Algorithm>(&named).ok().filter(asymmetric);
        let Some(algorithm) = algorithm else {
            return Err(TokenError::Algorithm(head.alg.chars().take(20).collect()));
        };
        let key = self.keys.find(head.kid.as_deref()).await.map_err(TokenError::NoKeys)?;
        let key = key.ok_or(TokenError::UnknownKey)?;
        if !key.algorithms.contains(&algorithm) {
            return Err(TokenError::OtherAlgorithm);
        }
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.options.leeway_s;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&self.options.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let token =
            jsonwebtoken::decode::<Claims>(token, &key.key, &validation).map_err(|error| refused(error.kind()))?;
        Ok(self.caller(&token.claims))
    }

    /// Counts a request of a token's subject.
    pub(crate) fn take_one(&self, caller: &Caller) -> Result<(), ServiceError> {
        self.each.as_ref().map_or(Ok(()), |each| each.take(caller.name()))
    }

    fn caller(&self, claims: &Claims) -> Caller {
        let words = claims.scope.iter().chain(&claims.scp).flat_map(Words::words);
        let ours = words.filter_map(|word| word.strip_prefix(&*self.options.scope_prefix)?.parse::<Scope>().ok());
        let plain = claims.sub.chars().take(MAX_SUBJECT).map(|char| if char.is_control() { '\u{fffd}' } else { char });
        Caller::new(CallerKind::Token, plain.collect::<String>(), ours.collect(), None)
    }
}

fn head(token: &str) -> Result<Head, TokenError> {
    let encoded = token.split('.').next().filter(|_| token.len() <= MAX_BYTES).ok_or(TokenError::Malformed)?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::Malformed)?;
    let head: Head = serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)?;
    match head.crit {
        None => Ok(head),
        Some(_) => Err(TokenError::Claim("crit".to_owned())),
    }
}

fn refused(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Forged,
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYet,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidAlgorithm => TokenError::OtherAlgorithm,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            TokenError::Claim(claim.clone())
        }
        ErrorKind::Json(_) => TokenError::Claim("scope".to_owned()),
        _ => TokenError::Malformed,
    }
}
