//! Removes what nobody refers to any more.

use std::collections::HashSet;
use std::time::Duration;

use mvl_store::Digest;

use super::Workspace;
use crate::{Collected, ModelSearch, Result, TrackError, VersionSearch};

/// What was removed.
#[derive(Debug, Clone, Default)]
pub struct Swept {
    /// Rows.
    pub rows: Collected,
    /// Files by content.
    pub blobs: mvl_store::Collected,
}

impl Workspace {
    /// Removes for good what was deleted longer ago than `older_than`, and the content that nothing refers to and that is older than that.
    ///
    /// Writers put content first and refer to it afterwards: `older_than` must be longer than that takes. A day is safe.
    ///
    /// # Errors
    /// When database or store fail, or a manifest cannot be read: then its files are not known, and nothing is removed.
    pub async fn collect_garbage(&self, older_than: Duration) -> Result<Swept> {
        let rows = self.tracker.collect_garbage(older_than).await?;
        let referenced = self.referenced().await?;
        let blobs = self.blobs.collect_garbage(&referenced, older_than).await?;
        Ok(Swept { rows, blobs })
    }

    /// The content that files and versions refer to.
    async fn referenced(&self) -> Result<HashSet<Digest>> {
        let mut referenced = HashSet::new();
        for digest in self.tracker.artifact_digests().await? {
            referenced.insert(digest.parse().map_err(|_| TrackError::internal(format!("{digest:?} is no digest")))?);
        }
        let mut search = VersionSearch::default();
        loop {
            let page = self.registry.search_versions(&search).await?;
            for version in page.items.iter().filter(|version| version.manifest.is_some()) {
                let manifest = self.manifest(version).await?;
                referenced.extend(manifest.files.values().map(|file| file.digest));
                referenced.extend(version.manifest.as_ref().and_then(|digest| digest.parse::<Digest>().ok()));
            }
            search.page_token = page.next_page_token;
            if search.page_token.is_none() {
                return Ok(referenced);
            }
        }
    }

    /// All registered models.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_models(&self) -> Result<Vec<crate::RegisteredModel>> {
        let (mut models, mut search) = (Vec::new(), ModelSearch::default());
        loop {
            let page = self.registry.search_models(&search).await?;
            models.extend(page.items);
            search.page_token = page.next_page_token;
            if search.page_token.is_none() {
                return Ok(models);
            }
        }
    }
}
