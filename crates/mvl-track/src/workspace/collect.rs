//! Removes what nobody refers to any more.

use std::collections::HashSet;
use std::time::Duration;

use mvl_store::Digest;

use super::Workspace;
use crate::{Collected, ModelSearch, Result, VersionSearch};

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
        let blobs = self.tracker.collect_blobs(&self.files_of_models().await?, older_than).await?;
        Ok(Swept { rows, blobs })
    }

    /// The content that manifests list.
    async fn files_of_models(&self) -> Result<HashSet<Digest>> {
        let (mut listed, mut search) = (HashSet::new(), VersionSearch::default());
        loop {
            let page = self.registry.search_versions(&search).await?;
            for version in page.items.iter().filter(|version| version.manifest.is_some()) {
                let manifest = self.manifest(version).await?;
                listed.extend(manifest.files.values().map(|file| file.digest));
            }
            search.page_token = page.next_page_token;
            if search.page_token.is_none() {
                return Ok(listed);
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
