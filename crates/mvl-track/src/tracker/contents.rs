//! What is in files of runs and logged models: put among the blobs first, then noted; read verified.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use mvl_store::{BlobStream, Blobs, Digest};

use super::{Artifact, ArtifactOwner, Tracker};
use crate::again::again;
use crate::clock::now_ms;
use crate::sql::Sql;
use crate::{ErrorCode, Result, TrackError, names};

impl Tracker {
    /// Keeps artifacts' content in a place for blobs.
    #[must_use]
    pub fn with_blobs(self, blobs: Blobs) -> Self {
        Self { blobs: Some(blobs), ..self }
    }

    /// The place for blobs.
    ///
    /// # Errors
    /// [`InvalidState`](ErrorCode::InvalidState) when none was [given](Self::with_blobs).
    pub fn blobs(&self) -> Result<&Blobs> {
        let none = || TrackError::new(ErrorCode::InvalidState, "this tracker has no place for artifacts");
        self.blobs.as_ref().ok_or_else(|| none().with_hint("name one when it is started"))
    }

    /// Stores bytes as a file; one with the same path takes the old one's place.
    ///
    /// # Errors
    /// As [`put_artifact_rows`](Self::put_artifact_rows), and when the store does not take them. Then the old file is still there.
    pub async fn put_artifact(&self, owner: &ArtifactOwner, path: &str, bytes: Bytes) -> Result<Artifact> {
        names::artifact_path(path)?;
        let size = bytes.len() as u64;
        let digest = self.blobs()?.put(bytes).await?;
        self.note(owner, path, digest, size).await
    }

    /// Stores a local file's content as a file. `progress` hears how many bytes have reached the store.
    ///
    /// # Errors
    /// As [`put_artifact`](Self::put_artifact), and when the local file cannot be read.
    pub async fn put_artifact_file(
        &self,
        owner: &ArtifactOwner,
        path: &str,
        local: &Path,
        progress: impl FnMut(u64) + Send,
    ) -> Result<Artifact> {
        names::artifact_path(path)?;
        let (digest, bytes) = self.blobs()?.put_file(local, progress).await?;
        self.note(owner, path, digest, bytes).await
    }

    async fn note(&self, owner: &ArtifactOwner, path: &str, digest: Digest, bytes: u64) -> Result<Artifact> {
        let file = Artifact { path: path.to_owned(), is_dir: false, bytes, digest: Some(digest), modified: now_ms() };
        self.put_artifact_rows(owner, std::slice::from_ref(&file)).await?;
        Ok(file)
    }

    /// A whole file, verified.
    ///
    /// # Errors
    /// [`ResourceExhausted`](ErrorCode::ResourceExhausted) when it has more than `max_bytes`,
    /// [`DataLoss`](ErrorCode::DataLoss) when it is damaged, and when it is missing.
    pub async fn read_artifact(&self, owner: &ArtifactOwner, path: &str, max_bytes: u64) -> Result<Bytes> {
        let (file, digest) = self.file_at(owner, path).await?;
        if file.bytes > max_bytes {
            let message = format!("{path:?} has {} bytes, expected at most {max_bytes}", file.bytes);
            return Err(TrackError::new(ErrorCode::ResourceExhausted, message));
        }
        self.blobs()?.read(digest, max_bytes).await.map_err(|error| lost(path, error))
    }

    /// A file, or a range of its bytes, piece by piece; the stream ends with an error when the whole was damaged.
    ///
    /// # Errors
    /// When it is missing, or the store does not send it.
    pub async fn stream_artifact(
        &self,
        owner: &ArtifactOwner,
        path: &str,
        range: Option<Range<u64>>,
    ) -> Result<(Artifact, BlobStream)> {
        let (file, digest) = self.file_at(owner, path).await?;
        let stream = self.blobs()?.stream(digest, range).await.map_err(|error| lost(path, error))?;
        Ok((file, stream))
    }

    async fn file_at(&self, owner: &ArtifactOwner, path: &str) -> Result<(Artifact, Digest)> {
        let file = self.get_artifact(owner, path).await?;
        let digest = file.digest.ok_or_else(|| TrackError::invalid(format!("{path:?} is no file")))?;
        Ok((file, digest))
    }

    /// The blobs that files and versions' manifests refer to. What manifests refer to themselves is for those who read them.
    ///
    /// # Errors
    /// When the database fails or holds a digest that is none.
    pub async fn referenced_blobs(&self) -> Result<HashSet<Digest>> {
        again!(self.database, {
            let mut select = Sql::new(
                "SELECT digest FROM artifacts UNION SELECT manifest FROM model_versions WHERE manifest IS NOT NULL",
            );
            let rows = select.fetch_all(&mut *self.database.read().await?).await?;
            rows.iter()
                .map(|row| {
                    let text = row.text(0)?;
                    let none = |_| TrackError::new(ErrorCode::DataLoss, format!("{text:?} is no digest"));
                    text.parse().map_err(none)
                })
                .collect()
        })
    }

    /// Removes blobs that nothing refers to and that were put longer ago than `older_than`, by [`Blobs::collect_garbage`].
    /// `also` holds what others refer to, such as the files that manifests list.
    ///
    /// # Errors
    /// When the database or the store fails. Nothing that is referred to is removed.
    pub async fn collect_blobs(&self, also: &HashSet<Digest>, older_than: Duration) -> Result<mvl_store::Collected> {
        let mut referenced = self.referenced_blobs().await?;
        referenced.extend(also);
        Ok(self.blobs()?.collect_garbage(&referenced, older_than).await?)
    }
}

fn lost(path: &str, error: mvl_core::DataError) -> TrackError {
    let code = match &error {
        mvl_core::DataError::Format { .. } => ErrorCode::DataLoss,
        _ => ErrorCode::InternalError,
    };
    TrackError::new(code, format!("the content of {path:?} cannot be read: {}", error.full_message()))
        .with_source(error)
}
