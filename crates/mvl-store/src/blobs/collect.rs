//! Blobs that nothing refers to are removed, once they are old.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mvl_core::DataError;
use object_store::ObjectStoreExt;
use tokio::task::JoinSet;

use super::claim::{CLAIMS, COLLECTING, unique_name};
use super::{BlobInfo, Blobs, FOLDER};
use crate::StoreUrl;
use crate::content::Content;
use crate::digest::Digest;
use crate::head::head;
use crate::list::gather;
use crate::runtime::{blocking, on_runtime};
use crate::store::store_of;
use crate::upload::upload;
use crate::write::remove;

/// Blobs that are removed under one announcement.
const BATCH: usize = 256;
/// Blobs that are removed at once.
const AT_ONCE: usize = 16;
/// Nothing more is begun so long after an announcement, whose readers wait for a minute.
const BATCH_LASTS: Duration = Duration::from_secs(25);
/// How long a blob's removal may take; only one attempt is made, since a late one might meet a blob that was put anew.
const REMOVAL_LASTS: Duration = Duration::from_secs(15);
/// An announcement so old is of a collection that was broken off.
const BROKEN_OFF: Duration = Duration::from_secs(60 * 60);
/// A file in the making that nobody has written to for so long is of a process that has died.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What a collection came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that were removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Blobs that stay: referred to, young, claimed, or not to be removed at this time.
    pub kept: u64,
}

impl Blobs {
    /// Removes the blobs that are not in `referenced` and were last put more than `older_than` ago, by the store's clock.
    ///
    /// A writer puts blobs first and refers to them afterwards, so a young blob is kept: `older_than` is how long a writer may take
    /// from one to the other, an hour more, and what the clocks of writers are behind the store's. Use a day where anybody else writes.
    /// Blobs that are put while this runs are kept, those too that were there before.
    ///
    /// # Errors
    /// [`DataError::Io`] when the store cannot be listed or written. A blob that cannot be removed is kept.
    pub async fn collect_garbage(
        &self,
        referenced: &HashSet<Digest>,
        older_than: Duration,
    ) -> Result<Collected, DataError> {
        let blobs = self.clone();
        let all = self.list().await?;
        let garbage: Vec<BlobInfo> = all.iter().filter(|blob| !referenced.contains(&blob.digest)).copied().collect();
        let kept = (all.len() - garbage.len()) as u64;
        on_runtime(async move {
            let collected = blobs.collect(garbage, older_than).await?;
            if let Some(folder) = blobs.root.below(FOLDER).local_path() {
                blocking(move || remove_abandoned(&folder)).await?;
            }
            Ok(Collected { kept: collected.kept + kept, ..collected })
        })
        .await
    }

    async fn collect(&self, garbage: Vec<BlobInfo>, older_than: Duration) -> Result<Collected, DataError> {
        let mut collected = Collected::default();
        let begun = Announcement::make(self).await?; // for the store's time
        begun.take_back().await?;
        let oldest = move |now: SystemTime| now.checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
        let is_old = |modified: SystemTime| modified <= oldest(begun.made);
        let mut claimed: HashMap<Digest, SystemTime> = HashMap::new();
        let (mut outlived, claims) = (Vec::new(), self.root.below(CLAIMS));
        for claim in gather(claims.clone(), false).await?.objects {
            let mut names = claim.location.prefix_match(&claims.key).into_iter().flatten();
            let (digest, name) = (names.next().and_then(|name| Digest::from_hex(name.as_ref())), names.next());
            let (Some(digest), Some(name)) = (digest, name) else { continue };
            let modified = SystemTime::from(claim.last_modified);
            let latest = claimed.entry(digest).or_insert(modified);
            *latest = modified.max(*latest);
            if is_old(modified) {
                outlived.push(self.claims(digest).below(name.as_ref()));
            }
        }
        let is_garbage =
            |blob: &&BlobInfo| is_old(blob.modified) && claimed.get(&blob.digest).is_none_or(|&at| is_old(at));
        let garbage_now: Vec<BlobInfo> = garbage.iter().filter(is_garbage).copied().collect();
        collected.kept = (garbage.len() - garbage_now.len()) as u64;

        for batch in garbage_now.chunks(BATCH) {
            let announcement = Arc::new(Announcement::make(self).await?);
            let (mut waiting, mut under_way) = (batch.iter(), JoinSet::new());
            loop {
                while under_way.len() < AT_ONCE
                    && let Some(&blob) = waiting.next()
                {
                    let (blobs, announcement) = (self.clone(), announcement.clone());
                    under_way.spawn(async move {
                        let oldest = oldest(announcement.made);
                        (blob, blobs.remove_if_garbage(blob.digest, &announcement, oldest).await)
                    });
                }
                match under_way.join_next().await {
                    Some(Ok((blob, Ok(true)))) => {
                        collected.removed += 1;
                        collected.removed_bytes += blob.bytes;
                    }
                    Some(_) => collected.kept += 1,
                    None => break,
                }
            }
            announcement.take_back().await?;
        }
        for claim in outlived {
            remove(&claim).await?;
        }
        Ok(collected)
    }

    /// Looks once more, since the blob may have been put again, and removes it.
    async fn remove_if_garbage(
        &self,
        digest: Digest,
        announcement: &Announcement,
        oldest: SystemTime,
    ) -> Result<bool, DataError> {
        let url = self.url(digest);
        let store = store_of(&url)?;
        let claims = gather(self.claims(digest), false).await?.objects;
        if claims.iter().any(|claim| SystemTime::from(claim.last_modified) > oldest) {
            return Ok(false);
        }
        let found = head(&url).await?.filter(|meta| SystemTime::from(meta.last_modified) <= oldest);
        if found.is_none() || announcement.since.elapsed() > BATCH_LASTS {
            return Ok(false);
        }
        let removed = tokio::time::timeout(REMOVAL_LASTS, store.objects.delete(&url.key)).await;
        Ok(removed.is_ok_and(|removed| removed.is_ok()))
    }
}

/// An object that says that a collection is under way.
struct Announcement {
    url: StoreUrl,
    since: Instant,
    /// The store's time then.
    made: SystemTime,
}

impl Announcement {
    async fn make(blobs: &Blobs) -> Result<Self, DataError> {
        let (folder, since) = (blobs.root.below(COLLECTING), Instant::now());
        let name = unique_name();
        let url = folder.below(&name);
        upload(&url, &Content::Memory(Default::default()), None, &mut |_| {}).await?;
        let gone = || url.format_error("expected the object that was just written, got none");
        let objects = gather(folder.clone(), false).await?.objects;
        // From the listing, as the blobs' times: S3 tells that of a single object in whole seconds only.
        let own = objects.iter().find(|object| object.location.filename() == Some(name.as_str()));
        let made = SystemTime::from(own.ok_or_else(gone)?.last_modified);
        for object in objects {
            let age = made.duration_since(object.last_modified.into()).unwrap_or_default();
            if let Some(name) = object.location.filename()
                && age > BROKEN_OFF
            {
                remove(&folder.below(name)).await?;
            }
        }
        Ok(Self { url, since, made })
    }

    async fn take_back(&self) -> Result<(), DataError> {
        remove(&self.url).await
    }
}

/// Removes what killed writers have left beside the blobs on a disk.
fn remove_abandoned(folder: &Path) -> Result<(), DataError> {
    let failed = |path: &Path, source| DataError::Io { path: path.to_owned(), source };
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue }; // none yet, or gone
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                waiting.push(entry.path());
                continue;
            }
            let age = metadata.modified().ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
            // The names that `object_store` gives to files in the making.
            let of_blob =
                entry.file_name().to_str().and_then(|name| Digest::from_hex(name.split_once('#')?.0)).is_some();
            if of_blob && age > ABANDONED {
                fs::remove_file(entry.path()).map_err(|source| failed(&entry.path(), source))?;
            }
        }
    }
    Ok(())
}
