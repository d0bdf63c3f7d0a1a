//! A blob that is put again is claimed, so that no collection takes it for garbage before somebody refers to it.
//!
//! A new blob is young, and young ones are not collected. One that has lain there for long is not sent again; an empty object beside
//! it, `ROOT/blobs/claims/<64 hex>/<any name>`, says that somebody wants it now. A collection announces what it is at by an object in
//! `ROOT/blobs/collecting` before it looks for claims, and takes the announcement back when it is done. So either the collection sees
//! the claim, or whoever claims sees the announcement, waits, and looks whether the blob is still there.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use mvl_core::DataError;
use object_store::ObjectMeta;

use super::Blobs;
use crate::StoreUrl;
use crate::content::Content;
use crate::digest::Digest;
use crate::head::head;
use crate::list::gather;
use crate::retry::fresh_jitter;
use crate::upload::upload;

/// Where claims lie below a root.
pub(super) const CLAIMS: &str = "blobs/claims";
/// Where collections are announced.
pub(super) const COLLECTING: &str = "blobs/collecting";
/// A blob or claim that is older is claimed anew.
pub(super) const CLAIM_AFTER: Duration = Duration::from_secs(60 * 60);
/// An announcement that stays longer is of a process that has died; one that lives takes it back sooner.
const ANNOUNCED_FOR: Duration = Duration::from_secs(60);
/// How often a waiting writer looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Blobs {
    /// Whether a blob of this size is there, and will be there until somebody has had time to refer to it.
    pub(super) async fn keeps(&self, digest: Digest, bytes: u64) -> Result<bool, DataError> {
        let url = self.url(digest);
        let is_there = |meta: Option<ObjectMeta>| meta.filter(|meta| meta.size == bytes);
        let Some(found) = is_there(head(&url).await?) else { return Ok(false) };
        if age(&found) < CLAIM_AFTER {
            return Ok(true);
        }
        let claims = self.claims(digest);
        if gather(claims.clone(), false).await?.objects.iter().any(|claim| age(claim) < CLAIM_AFTER) {
            return Ok(true);
        }
        upload(&claims.below(&unique_name()), &Content::Memory(Default::default()), None, &mut |_| {}).await?;
        self.wait_for_collections().await?;
        Ok(is_there(head(&url).await?).is_some())
    }

    pub(super) fn claims(&self, digest: Digest) -> StoreUrl {
        self.root.below(&format!("{CLAIMS}/{}", digest.to_hex()))
    }

    /// Waits for those that are announced now; a later one sees the claim.
    async fn wait_for_collections(&self) -> Result<(), DataError> {
        let (begun, mut waited_for) = (Instant::now(), None);
        loop {
            let announced = gather(self.root.below(COLLECTING), false).await?.objects;
            let announced: HashSet<_> = announced.into_iter().map(|object| object.location).collect();
            let left = match waited_for.take() {
                None => announced,
                Some(before) => announced.intersection(&before).cloned().collect(),
            };
            if left.is_empty() || begun.elapsed() > ANNOUNCED_FOR {
                return Ok(());
            }
            waited_for = Some(left);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// How old an object is, by this machine's clock.
fn age(meta: &ObjectMeta) -> Duration {
    SystemTime::from(meta.last_modified).elapsed().unwrap_or_default()
}

/// A name that nobody else takes.
pub(super) fn unique_name() -> String {
    let mut rng = fresh_jitter();
    format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())
}
