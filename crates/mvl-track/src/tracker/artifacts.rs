//! Files of runs and logged models: rows here, content among the blobs.

use super::Tracker;
use crate::{Page, Result, TrackError, names};

/// Whose file it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ArtifactOwner {
    /// A run, by id.
    Run(String),
    /// A logged model, by id.
    LoggedModel(String),
    /// Nobody's: a place below the artifact root.
    Place,
}

impl ArtifactOwner {
    /// Whose file a path below the artifact root is, and its path below its owner: `0/RUN/artifacts/a.txt` is the run's `a.txt`,
    /// `0/models/MODEL/artifacts/a.txt` the model's.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a path that would lead out. An empty path is the root.
    pub fn of_path(path: &str) -> Result<(Self, String)> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Ok((Self::Place, String::new()));
        }
        names::artifact_path(path)?;
        let parts: Vec<_> = path.splitn(5, '/').collect();
        let is_number = |text: &str| text.chars().all(|char| char.is_ascii_digit());
        let is_id = |text: &str| text.len() == 32 && text.chars().all(|char| char.is_ascii_hexdigit());
        Ok(match parts.as_slice() {
            [experiment, run, "artifacts", rest @ ..] if is_number(experiment) && is_id(run) => {
                (Self::Run((*run).to_owned()), rest.join("/"))
            }
            [experiment, "models", model, "artifacts", rest @ ..]
                if is_number(experiment) && model.strip_prefix("m-").is_some_and(is_id) =>
            {
                (Self::LoggedModel((*model).to_owned()), rest.join("/"))
            }
            _ => (Self::Place, path.to_owned()),
        })
    }
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path below its owner.
    pub path: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its size; 0 for folders.
    pub bytes: u64,
    /// `sha256:…`; empty for folders.
    pub digest: String,
    /// When it was written.
    pub modified: i64,
}

impl Tracker {
    /// Notes files whose content lies among the blobs already, all in one transaction; one with the same path takes the old one's place.
    ///
    /// # Errors
    /// When the owner is missing, or a path would lead out.
    pub async fn put_artifact_rows(&self, owner: &ArtifactOwner, files: &[Artifact]) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {owner:?} {files:?}")))
    }

    /// The files and folders right below a folder (`""` is the owner's root), by path.
    ///
    /// # Errors
    /// When a path would lead out or the token is none of ours.
    pub async fn list_artifacts(
        &self,
        owner: &ArtifactOwner,
        folder: &str,
        page_token: Option<&str>,
    ) -> Result<Page<Artifact>> {
        Err(TrackError::internal(format!("not yet: {owner:?} {folder:?} {page_token:?}")))
    }

    /// One file.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<Artifact> {
        Err(TrackError::internal(format!("not yet: {owner:?} {path:?}")))
    }

    /// Removes a file, or a folder with all below it. Answers how many files that were.
    ///
    /// # Errors
    /// When a path would lead out.
    pub async fn delete_artifacts(&self, owner: &ArtifactOwner, path: &str) -> Result<u64> {
        Err(TrackError::internal(format!("not yet: {owner:?} {path:?}")))
    }
}
