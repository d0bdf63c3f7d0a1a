//! Who vouches for a version of a model.

use std::fmt;

use mvl_store::Digest;
use serde::{Deserialize, Serialize};

use super::keys::{from_hex, hex};
use super::{SigningKey, TrustedKeys};
use crate::{ErrorCode, TrackError};

/// What is signed: that this version of this model has this manifest. A signature of one version says nothing of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The registered model.
    pub name: &'a str,
    /// The version.
    pub version: u64,
    /// Digest of the manifest's bytes.
    pub manifest: Digest,
}

impl Statement<'_> {
    /// Lengths come before texts, so that no two statements have the same bytes.
    fn bytes(&self) -> Vec<u8> {
        format!("mvl model version 1\n{}\n{}\n{}\n{}\n", self.name.len(), self.name, self.version, self.manifest)
            .into_bytes()
    }

    /// Signs it.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Signature {
        Signature { key: key.verifying_key().id(), signature: hex(&key.sign(&self.bytes())) }
    }
}

/// A signature and the name of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// [`VerifyingKey::id`](super::VerifyingKey::id) of the key.
    pub key: String,
    /// 64 bytes, in hexadecimal digits.
    pub signature: String,
}

/// What a model needs to be loaded.
#[derive(Debug, Clone, Default)]
pub enum SignaturePolicy {
    /// Checksums must be right; signatures are not looked at.
    #[default]
    ChecksumsOnly,
    /// A signature of one of these keys.
    Signed(TrustedKeys),
}

impl SignaturePolicy {
    /// Holds a version against the policy.
    ///
    /// # Errors
    /// [`ErrorCode::PermissionDenied`] when the policy wants a signature and there is none, its key is not trusted, or it does not match.
    pub fn check(&self, statement: &Statement<'_>, signature: Option<&Signature>) -> Result<(), TrackError> {
        let Self::Signed(trusted) = self else { return Ok(()) };
        let denied = |why: &dyn fmt::Display| {
            let Statement { name, version, .. } = statement;
            let what = format!("model {name:?}, version {version}, is not loaded: {why}");
            Err(TrackError::new(ErrorCode::PermissionDenied, what))
        };
        let Some(signature) = signature else {
            return denied(&"it is not signed; sign it with `mvl registry sign`, or trust checksums alone");
        };
        let Some(key) = trusted.get(&signature.key) else {
            return denied(&format_args!(
                "it is signed with the key {}, which is not among the trusted ones",
                signature.key
            ));
        };
        match from_hex(&signature.signature) {
            Some(bytes) if key.verifies(&statement.bytes(), &bytes) => Ok(()),
            _ => denied(&"its signature does not match: the version was changed after it was signed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_by_a_trusted_key_passes() {
        let [ours, theirs] = [(), ()].map(|()| SigningKey::generate().expect("randomness"));
        let trusted = SignaturePolicy::Signed([ours.verifying_key()].into_iter().collect());
        let statement = Statement { name: "cats", version: 3, manifest: Digest::of(b"manifest") };
        let signature = statement.sign(&ours);
        trusted.check(&statement, Some(&signature)).expect("signed by us");
        SignaturePolicy::ChecksumsOnly.check(&statement, None).expect("nothing is asked");

        let refused = |statement: &Statement<'_>, signature: Option<&Signature>| {
            let error = trusted.check(statement, signature).expect_err("not what we signed");
            assert_eq!(error.code, ErrorCode::PermissionDenied);
            error.to_string()
        };
        assert!(refused(&statement, None).contains("not signed"));
        assert!(refused(&statement, Some(&statement.sign(&theirs))).contains("not among the trusted"));
        let forged = Signature { key: ours.verifying_key().id(), ..statement.sign(&theirs) };
        assert!(refused(&statement, Some(&forged)).contains("does not match"));
        for other in [
            Statement { version: 4, ..statement },
            Statement { name: "dogs", ..statement },
            Statement { manifest: Digest::of(b"other"), ..statement },
        ] {
            assert!(refused(&other, Some(&signature)).contains("does not match"));
        }
        let odd = Signature { signature: "zz".to_owned(), ..signature };
        assert!(refused(&statement, Some(&odd)).contains("does not match"));
    }
}
