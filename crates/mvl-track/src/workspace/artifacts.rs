//! Files of runs and logged models: content among the blobs first, then the rows that refer to it.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_store::Digest;

use super::Workspace;
use crate::clock::now_ms;
use crate::{Artifact, ArtifactOwner, ErrorCode, Result, TrackError};

impl Workspace {
    /// Keeps bytes under a path, in place of a file that is there.
    ///
    /// # Errors
    /// When the owner is missing, the path would lead out, or the store does not take them.
    pub async fn put_artifact(&self, owner: &ArtifactOwner, path: &str, bytes: Bytes) -> Result<Digest> {
        let size = bytes.len() as u64;
        let digest = self.blobs.put(bytes).await?;
        self.note(owner, path, digest, size).await?;
        Ok(digest)
    }

    /// Keeps a file under a path, in place of one that is there; `progress` hears how many of its bytes have arrived.
    ///
    /// # Errors
    /// As for [`put_artifact`](Self::put_artifact), and when the file cannot be read.
    pub async fn put_artifact_file(
        &self,
        owner: &ArtifactOwner,
        path: &str,
        file: &Path,
        progress: impl FnMut(u64) + Send,
    ) -> Result<Digest> {
        let (digest, size) = self.blobs.put_file(file, progress).await?;
        self.note(owner, path, digest, size).await?;
        Ok(digest)
    }

    async fn note(&self, owner: &ArtifactOwner, path: &str, digest: Digest, bytes: u64) -> Result<()> {
        let digest = digest.to_string();
        let file = Artifact { path: path.to_owned(), is_dir: false, bytes, digest, modified: now_ms() };
        self.tracker.put_artifact_rows(owner, &[file]).await
    }

    /// Reads a file of at most `max_bytes`, verified.
    ///
    /// # Errors
    /// [`ErrorCode::ResourceDoesNotExist`], [`ErrorCode::InvalidParameterValue`] for a larger one, [`ErrorCode::DataLoss`] when it is damaged.
    pub async fn read_artifact(&self, owner: &ArtifactOwner, path: &str, max_bytes: u64) -> Result<Bytes> {
        let digest = digest_of(&self.tracker.get_artifact(owner, path).await?)?;
        Ok(self.blobs.read(digest, max_bytes).await?)
    }

    /// A local copy of a file, verified.
    ///
    /// # Errors
    /// As for [`read_artifact`](Self::read_artifact).
    pub async fn fetch_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<PathBuf> {
        let digest = digest_of(&self.tracker.get_artifact(owner, path).await?)?;
        Ok(self.blobs.fetch(digest).await?)
    }

    /// All files of an owner below a folder, by path; `""` is all of them.
    ///
    /// # Errors
    /// When the path would lead out.
    pub async fn artifacts_below(&self, owner: &ArtifactOwner, folder: &str) -> Result<Vec<Artifact>> {
        let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            let mut token = None;
            loop {
                let page = self.tracker.list_artifacts(owner, &folder, token.as_deref()).await?;
                for artifact in page.items {
                    if artifact.is_dir { folders.push(artifact.path) } else { files.push(artifact) }
                }
                token = page.next_page_token;
                if token.is_none() {
                    break;
                }
            }
        }
        files.sort_by(|a: &Artifact, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

/// The content of a row.
pub(super) fn digest_of(artifact: &Artifact) -> Result<Digest> {
    artifact.digest.parse().map_err(|_| {
        let what = format!("{:?} has {:?} for its content, which is none", artifact.path, artifact.digest);
        TrackError::new(ErrorCode::DataLoss, what)
    })
}
