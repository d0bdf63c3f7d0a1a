//! Files of registered versions, by their manifests: what a version's source `mlflow-artifacts:/models/DIGEST` stands for.

use mvl_store::Digest;

use super::{Artifact, Tracker};
use crate::again::again;
use crate::manifest::{MAX_MANIFEST_BYTES, ModelManifest};
use crate::sql::Sql;
use crate::{ErrorCode, Result, TrackError};

impl Tracker {
    /// What a manifest lists, by path; nothing when no version has this manifest. So a blob that somebody stored is no manifest, and
    /// nobody reads others' files by naming their digests.
    ///
    /// # Errors
    /// When the database or the store fails, or the manifest is damaged.
    pub(super) async fn version_files(&self, manifest: Digest) -> Result<Vec<Artifact>> {
        again!(self.database, {
            let mut select = Sql::new("SELECT max(creation_time) FROM model_versions WHERE manifest = ");
            select.bind(manifest.to_string());
            let row = select.fetch_optional(&mut *self.database.read().await?).await?;
            let Some(made) = row.map(|row| row.int_or_none(0)).transpose()?.flatten() else { return Ok(Vec::new()) };
            let bytes = self.blobs()?.read(manifest, MAX_MANIFEST_BYTES).await?;
            let files = ModelManifest::from_bytes(&bytes)
                .map_err(|error| TrackError::new(ErrorCode::DataLoss, format!("the manifest {manifest}: {error}")))?
                .files;
            let file = |(path, file): (String, crate::manifest::ModelFile)| Artifact {
                modified: made,
                ..Artifact::file(path, file.digest, file.bytes)
            };
            Ok(files.into_iter().map(file).collect())
        })
    }
}

/// The digest in `models/DIGEST/…`.
pub(super) fn digest_in(name: &str) -> Option<Digest> {
    format!("sha256:{name}").parse().ok()
}
