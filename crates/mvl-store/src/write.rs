//! Objects are put whole or not at all, and removed.

use std::time::Duration;

use bytes::Bytes;
use mvl_core::DataError;
use object_store::{ObjectStoreExt, PutPayload};

use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::store::{Store, store_of};
use crate::{Failure, RetryPolicy, StoreUrl, wait_for};

/// Objects up to this go in one request; of larger ones, each part.
const PART_BYTES: usize = 16 << 20;
/// What a slow line moves in a second; the time that a large object gets is reckoned by it.
const SLOW_BYTES_PER_SECOND: u64 = 1 << 20;

/// Puts an object in place of one that is there, and waits for it. A reader sees the old one or the new one.
///
/// # Errors
/// [`DataError::Io`] with what happened and what to look at.
pub fn put(url: &StoreUrl, bytes: Bytes) -> Result<(), DataError> {
    let deadline = Duration::from_secs(60 + bytes.len() as u64 / SLOW_BYTES_PER_SECOND);
    let policy = RetryPolicy { deadline, ..RetryPolicy::default() };
    let url = url.clone();
    wait_for(async move {
        let store = store_of(&url)?;
        let put = retrying(&policy, fresh_jitter(), || attempt(&store, &url, &bytes)).await;
        put.map_err(|failure| failure.at(&url, "writing it"))
    })?
}

/// Removes an object, and waits for it; one that is not there is removed already.
///
/// # Errors
/// [`DataError::Io`] with what happened and what to look at.
pub fn delete(url: &StoreUrl) -> Result<(), DataError> {
    let url = url.clone();
    wait_for(async move {
        let store = store_of(&url)?;
        let removed = retrying(&RetryPolicy::OPENING, fresh_jitter(), || async {
            match store.objects.delete(&url.key).await.map_err(Failure::from) {
                Err(Failure { cause: Cause::Missing, .. }) => Ok(()),
                answer => answer,
            }
        });
        removed.await.map_err(|failure| failure.at(&url, "removing it"))
    })?
}

async fn attempt(store: &Store, url: &StoreUrl, bytes: &Bytes) -> Result<(), Failure> {
    let _permit = store.requests.acquire().await.map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    if bytes.len() <= PART_BYTES {
        store.objects.put(&url.key, PutPayload::from(bytes.clone())).await?;
        return Ok(());
    }
    let mut upload = store.objects.put_multipart(&url.key).await?;
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        let part = rest.split_to(PART_BYTES.min(rest.len()));
        if let Err(error) = upload.put_part(part.into()).await {
            let _ = upload.abort().await; // the first failure is the one that counts
            return Err(error.into());
        }
    }
    upload.complete().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_object;

    #[test]
    fn a_disk_takes_objects_of_any_size() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("file://{}/deep/object", folder.path().display());
        let url = StoreUrl::parse(&address).expect("an address");
        let large = vec![7; PART_BYTES + 3];
        for bytes in [Bytes::new(), Bytes::from_static(b"small"), Bytes::from(large)] {
            put(&url, bytes.clone()).expect("writable");
            assert_eq!(read_object(url.clone(), 1 << 30).expect("readable"), bytes);
        }
        delete(&url).expect("removable");
        delete(&url).expect("removed already");
        assert!(read_object(url, 1 << 30).is_err());
    }
}
