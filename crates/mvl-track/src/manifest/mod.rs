//! What a version of a model is made of: its files by content, what goes in and comes out, its card, where it came from.
//!
//! A manifest is JSON with its keys in order, kept by content like any other file, so that one digest stands for all of a model. What
//! vouches for it is a [`Signature`] over name, version and that digest.

mod card;
mod difference;
mod gate;
mod keys;
mod signature;

use std::collections::BTreeMap;

use mvl_store::Digest;
use serde::{Deserialize, Serialize};

use crate::{ErrorCode, TrackError};

pub use card::{DatasetReference, ModelCard};
pub use difference::{Difference, differences};
pub use gate::{Bound, Gate, GateReport, Verdict};
pub use keys::{SigningKey, TrustedKeys, VerifyingKey};
pub use signature::{Signature, SignaturePolicy, Statement};

/// The layout's version.
pub const MANIFEST_VERSION: u32 = 1;
/// What a manifest may take at most, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 16 << 20;
/// Files of one model at most.
const MAX_FILES: usize = 10_000;
/// A path in a model, in bytes, at most.
const MAX_PATH: usize = 1_024;

/// Everything about a version of a model but its name.
///
/// # Example
/// ```
/// use mvl_track::manifest::{ModelManifest, ModelFile};
///
/// let mut manifest = ModelManifest::default();
/// manifest.files.insert("../../etc/passwd".into(), ModelFile { digest: mvl_store::Digest::of(b""), bytes: 0 });
/// let error = manifest.to_bytes().unwrap_err();
/// assert!(error.to_string().contains("outside of the model"), "{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    /// [`MANIFEST_VERSION`] of the writer.
    pub version: u32,
    /// The files by their paths in the model, `/` between names.
    pub files: BTreeMap<String, ModelFile>,
    /// What goes in and comes out, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<ModelSignature>,
    /// How an image becomes the model's input, as `mvl_core::Preprocess` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<serde_json::Value>,
    /// Class names in index order; empty when they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What people should know of it.
    #[serde(default)]
    pub card: ModelCard,
    /// Where it came from.
    #[serde(default)]
    pub lineage: Lineage,
}

/// A file of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its content.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Tensors that go in and come out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSignature {
    /// What goes in.
    pub inputs: Vec<TensorSpec>,
    /// What comes out.
    pub outputs: Vec<TensorSpec>,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// The type of its elements: `float32`, `int64`, …
    pub dtype: String,
    /// Its sides; `null` for one that may be any, such as the batch.
    pub shape: Vec<Option<usize>>,
}

/// Where a model came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lineage {
    /// The run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The version of the code: a commit, a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_version: Option<String>,
    /// Digest of the list of the data that it learned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Digest>,
    /// Digest of all settings of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Digest>,
    /// What it was fine-tuned from: a version `models:/NAME/3`, or the name of published weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Default for ModelManifest {
    fn default() -> Self {
        Self {
            version: MANIFEST_VERSION,
            files: BTreeMap::new(),
            signature: None,
            preprocess: None,
            labels: Vec::new(),
            card: ModelCard::default(),
            lineage: Lineage::default(),
        }
    }
}

impl ModelManifest {
    /// As it is stored.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameterValue`] when a file's path leads out of the model, or there are too many.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrackError> {
        self.check()?;
        serde_json::to_vec_pretty(self).map_err(|error| TrackError::new(ErrorCode::InternalError, error.to_string()))
    }

    /// Reads one that was stored. Bytes from anywhere are bounded and checked.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameterValue`] when it is too large, no manifest, of a later layout, or a file's path leads out of the model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrackError> {
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(invalid(format!(
                "a model's manifest has at most {MAX_MANIFEST_BYTES} bytes, not {}",
                bytes.len()
            )));
        }
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| invalid(format!("this is no model's manifest: {error}")))?;
        if manifest.version != MANIFEST_VERSION {
            let found = manifest.version;
            return Err(invalid(format!("expected a manifest of layout {MANIFEST_VERSION}, got {found}: update mvl")));
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// The size of all files, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.files.values().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    fn check(&self) -> Result<(), TrackError> {
        if self.files.len() > MAX_FILES {
            return Err(invalid(format!("a model has at most {MAX_FILES} files, not {}", self.files.len())));
        }
        self.files.keys().try_for_each(|path| check_path(path))
    }
}

/// A path that stays in its folder on every system.
///
/// # Errors
/// [`ErrorCode::InvalidParameterValue`].
pub fn check_path(path: &str) -> Result<(), TrackError> {
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let wrong_name = |name: &str| matches!(name, "" | "." | "..") || name.ends_with([' ', '.']);
    if path.len() > MAX_PATH || path.contains(odd) || path.split('/').any(wrong_name) {
        let shown: String = path.chars().take(80).flat_map(char::escape_default).collect();
        return Err(invalid(format!("the path {shown:?} leads outside of the model, or cannot be written everywhere")));
    }
    Ok(())
}

fn invalid(what: String) -> TrackError {
    TrackError::invalid(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str) -> ModelManifest {
        let file = ModelFile { digest: Digest::of(b"weights"), bytes: 7 };
        ModelManifest { files: BTreeMap::from([(path.to_owned(), file)]), ..ModelManifest::default() }
    }

    #[test]
    fn what_is_written_is_read_back_and_the_same_model_has_the_same_bytes() {
        let manifest = ModelManifest { labels: vec!["cat".to_owned(), "dog".to_owned()], ..one("deep/weights.bpk") };
        let bytes = manifest.to_bytes().expect("a sound manifest");
        assert_eq!(ModelManifest::from_bytes(&bytes).expect("sound"), manifest);
        assert_eq!(manifest.clone().to_bytes().expect("sound"), bytes);
        assert_eq!(manifest.total_bytes(), 7);
    }

    #[test]
    fn paths_out_of_the_model_are_refused() {
        let long = "a/".repeat(600);
        for path in [
            "../weights",
            "a/../../b",
            "/etc/passwd",
            "a//b",
            "a/./b",
            "C:/x",
            "a\\..\\b",
            "",
            "a/",
            "..",
            "a\0b",
            "nul.",
            &long,
        ] {
            let error = one(path).to_bytes().expect_err(path);
            assert_eq!(error.code, ErrorCode::InvalidParameterValue, "{path}");
        }
        let hostile =
            String::from_utf8(one("good").to_bytes().expect("sound")).expect("text").replace("good", "../good");
        assert!(ModelManifest::from_bytes(hostile.as_bytes()).is_err());
    }

    #[test]
    fn other_layouts_and_other_things_are_refused() {
        let text = String::from_utf8(one("w").to_bytes().expect("sound")).expect("text");
        let later = text.replace("\"version\": 1", "\"version\": 2");
        assert!(
            ModelManifest::from_bytes(later.as_bytes()).expect_err("later").to_string().contains("layout 1, got 2")
        );
        for bytes in [&b"{}"[..], b"", b"\x80\x04pickle", &text.as_bytes()[..text.len() / 2]] {
            assert!(ModelManifest::from_bytes(bytes).is_err());
        }
    }
}
