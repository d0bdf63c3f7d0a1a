//! The one way in which objects are written: whole or not at all, in parts when they are large.
//!
//! A disk gets a temporary file, brought down to the disk and renamed; the others make an object visible with the last request. Of a
//! large object each part is retried by itself, and the store keeps the parts under an id, so that an upload with a [`Journal`] goes
//! on after its process has died. Parts that nobody comes back for are removed by a rule of the bucket (S3: "abort incomplete
//! multipart uploads"), or after a week (Azure).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mvl_core::DataError;
use object_store::multipart::{MultipartStore, PartId};
use object_store::{ObjectMeta, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use crate::content::{Content, PART_BYTES};
use crate::failure::Cause;
use crate::head::head;
use crate::journal::Journal;
use crate::retry::{fresh_jitter, retrying};
use crate::store::{Store, store_of};
use crate::{Failure, RetryPolicy, StoreUrl};

/// Parts of one object that are under way at once.
const PARTS_AT_ONCE: usize = 4;
/// What a slow line moves in a second; the time that a request gets is reckoned by it.
const SLOW_BYTES_PER_SECOND: u64 = 256 << 10;

/// How often a store may answer with 500 before an upload that is gone on with is given up, and begun anew.
const MAX_BROKEN: u32 = 7;

/// Hears how many of the bytes have reached the store.
pub(crate) type Progress<'a> = &'a mut (dyn FnMut(u64) + Send);

/// Writes an object in place of one that is there. With a folder for journals, a large one goes on where it was broken off.
pub(crate) async fn upload(
    url: &StoreUrl,
    content: &Content,
    journals: Option<&Path>,
    progress: Progress<'_>,
) -> Result<(), DataError> {
    let store = store_of(url)?;
    let written = match &store.parts {
        _ if content.bytes() <= PART_BYTES => at_once(&store, url, content).await,
        Some(parts) => {
            let before = head(url).await?;
            let upload = InParts { store: &store, parts, url, content, before };
            upload.write(Journal::open(journals, url, content), progress).await
        }
        None if url.local_path().is_some() => one_by_one(&store, url, content, progress).await,
        None => {
            let what =
                format!("expected at most {PART_BYTES} bytes, which is what web servers get, got {}", content.bytes());
            Err(Failure::new(Cause::Permanent, what))
        }
    };
    written.map_err(|failure| failure.at(url, "writing it"))?;
    progress(content.bytes());
    Ok(())
}

/// In one request.
async fn at_once(store: &Store, url: &StoreUrl, content: &Content) -> Result<(), Failure> {
    let bytes = if content.bytes() == 0 { Default::default() } else { content.part(0).await? };
    retrying(&patience(content.bytes()), fresh_jitter(), || async {
        let _permit = permit(store).await?;
        store.writer.put(&url.key, PutPayload::from(bytes.clone())).await?;
        Ok(())
    })
    .await
}

/// Into a file on this disk, which is there once it is complete.
async fn one_by_one(store: &Store, url: &StoreUrl, content: &Content, progress: Progress<'_>) -> Result<(), Failure> {
    let mut upload = store.writer.put_multipart(&url.key).await?;
    for part in 0..content.parts() {
        let sent = match content.part(part).await {
            Ok(bytes) => upload.put_part(bytes.into()).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = sent {
            let _ = upload.abort().await; // the first failure is the one that counts
            return Err(failure);
        }
        progress(content.range(part).end);
    }
    upload.complete().await?;
    Ok(())
}

/// An object that a store takes in parts, in any order.
struct InParts<'a> {
    store: &'a Arc<Store>,
    parts: &'a Arc<dyn MultipartStore>,
    url: &'a StoreUrl,
    content: &'a Content,
    /// What was there.
    before: Option<ObjectMeta>,
}

impl InParts<'_> {
    async fn write(&self, mut journal: Journal, progress: Progress<'_>) -> Result<(), Failure> {
        let resumed = journal.upload().is_some();
        let written = match self.attempt(&mut journal, progress).await {
            // The store may have thrown away what it had.
            Err(Failure { cause: Cause::Missing | Cause::Permanent, .. }) if resumed => {
                journal.forget();
                self.attempt(&mut journal, progress).await
            }
            written => written,
        };
        // Stores come back, and credentials are renewed.
        let passes = |failure: &Failure| matches!(failure.cause, Cause::Transient | Cause::Denied);
        let stays = written.as_ref().is_err_and(passes) && journal.is_kept();
        if let (Err(_), Some(id), false) = (&written, journal.upload(), stays) {
            let _ = self.parts.abort_multipart(&self.url.key, &id.to_owned()).await; // the first failure is the one that counts
        }
        if !stays {
            journal.remove();
        }
        written
    }

    async fn attempt(&self, journal: &mut Journal, progress: Progress<'_>) -> Result<(), Failure> {
        let (id, resumed) = match journal.upload() {
            Some(id) => (id.to_owned(), true),
            None => {
                let create = || async { Ok(self.parts.create_multipart(&self.url.key).await?) };
                let id = retrying(&RetryPolicy::default(), fresh_jitter(), create).await?;
                journal.begin(&id);
                (id, false)
            }
        };
        let mut done: BTreeMap<u64, String> = journal.parts().clone();
        done.retain(|&part, _| part < self.content.parts());
        let mut bytes: u64 = done.keys().map(|&part| self.part_bytes(part)).sum();
        let mut waiting: Vec<u64> = (0..self.content.parts()).rev().filter(|part| !done.contains_key(part)).collect();
        progress(bytes);
        let (mut under_way, mut failed) = (JoinSet::new(), None); // dropped, the set ends them
        loop {
            while under_way.len() < PARTS_AT_ONCE
                && let Some(part) = waiting.pop()
            {
                let (store, parts, content) = (self.store.clone(), self.parts.clone(), self.content.clone());
                let (url, id) = (self.url.clone(), id.clone());
                under_way.spawn(async move {
                    let sent = send(&store, &*parts, &url, &id, part, &content, resumed).await;
                    (part, sent)
                });
            }
            let Some(finished) = under_way.join_next().await else { break };
            let (part, sent) = finished.map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
            match sent {
                Ok(PartId { content_id }) => {
                    journal.add(part, &content_id);
                    done.insert(part, content_id);
                    bytes += self.part_bytes(part);
                    progress(bytes);
                }
                // What is under way may still arrive, for the next process.
                Err(failure) if journal.is_kept() => {
                    waiting.clear();
                    failed.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        self.complete(&id, done.into_values().map(|content_id| PartId { content_id }).collect(), resumed).await
    }

    /// Makes the object visible. When the answer is lost, the next says that there is no such upload; then the object itself tells.
    async fn complete(&self, id: &str, parts: Vec<PartId>, resumed: bool) -> Result<(), Failure> {
        let id = id.to_owned();
        let attempt = || async {
            self.parts.complete_multipart(&self.url.key, &id, parts.clone()).await?;
            Ok(())
        };
        let Err(mut failure) = retrying(&RetryPolicy::default(), fresh_jitter(), attempt).await else { return Ok(()) };
        match head(self.url).await {
            Ok(Some(now)) if now.size == self.content.bytes() && self.is_new(&now) => Ok(()),
            _ => {
                if resumed && failure.status == Some(500) {
                    failure.cause = Cause::Permanent; // as send() does
                }
                Err(failure)
            }
        }
    }

    fn is_new(&self, now: &ObjectMeta) -> bool {
        let version = |meta: &ObjectMeta| (meta.e_tag.clone(), meta.last_modified);
        self.before.as_ref().is_none_or(|before| version(before) != version(now))
    }

    fn part_bytes(&self, part: u64) -> u64 {
        let range = self.content.range(part);
        range.end - range.start
    }
}

/// Sends a part. A store that no longer knows an upload should answer with 404; some say 500, for ever.
async fn send(
    store: &Store,
    parts: &dyn MultipartStore,
    url: &StoreUrl,
    id: &str,
    part: u64,
    content: &Content,
    resumed: bool,
) -> Result<PartId, Failure> {
    let (id, bytes, broken) = (id.to_owned(), content.part(part).await?, AtomicU32::new(0));
    retrying(&patience(bytes.len() as u64), fresh_jitter(), || async {
        let _permit = permit(store).await?;
        let payload = PutPayload::from(bytes.clone());
        let mut sent = parts.put_part(&url.key, &id, part as usize, payload).await.map_err(Failure::from);
        if let Err(failure) = &mut sent
            && failure.status == Some(500)
            && broken.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_BROKEN
            && resumed
        {
            failure.cause = Cause::Permanent;
        }
        sent
    })
    .await
}

async fn permit(store: &Store) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
    store.requests.acquire().await.map_err(|error| Failure::new(Cause::Permanent, error.to_string()))
}

/// Time enough for so many bytes on a slow line that other parts share.
fn patience(bytes: u64) -> RetryPolicy {
    let deadline = Duration::from_secs(60 + PARTS_AT_ONCE as u64 * bytes / SLOW_BYTES_PER_SECOND);
    RetryPolicy { deadline, ..RetryPolicy::default() }
}
