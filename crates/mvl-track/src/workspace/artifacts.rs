//! Files of runs and logged models, as a whole and on this machine.

use std::path::PathBuf;

use super::Workspace;
use crate::{Artifact, ArtifactOwner, Result, TrackError};

impl Workspace {
    /// A local copy of a file, verified; not to be written to.
    ///
    /// # Errors
    /// When it is missing or damaged, or the store does not send it.
    pub async fn fetch_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<PathBuf> {
        let file = self.tracker.get_artifact(owner, path).await?;
        let digest = file.digest.ok_or_else(|| TrackError::invalid(format!("{path:?} is no file")))?;
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
