//! Objects are put whole or not at all, and removed.

use bytes::Bytes;
use mvl_core::DataError;
use object_store::ObjectStoreExt;

use crate::content::Content;
use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::store::store_of;
use crate::upload::upload;
use crate::{Failure, RetryPolicy, StoreUrl, wait_for};

/// Puts an object in place of one that is there, and waits for it. A reader sees the old one or the new one.
///
/// # Errors
/// [`DataError::Io`] with what happened and what to look at.
pub fn put(url: &StoreUrl, bytes: Bytes) -> Result<(), DataError> {
    let url = url.clone();
    wait_for(async move { upload(&url, &Content::Memory(bytes), None, &mut |_| {}).await })?
}

/// Removes an object, and waits for it; one that is not there is removed already.
///
/// # Errors
/// [`DataError::Io`] with what happened and what to look at.
pub fn delete(url: &StoreUrl) -> Result<(), DataError> {
    let url = url.clone();
    wait_for(async move { remove(&url).await })?
}

/// As [`delete`], without blocking.
pub(crate) async fn remove(url: &StoreUrl) -> Result<(), DataError> {
    let store = store_of(url)?;
    let removed = retrying(&RetryPolicy::OPENING, fresh_jitter(), || async {
        match store.objects.delete(&url.key).await.map_err(Failure::from) {
            Err(Failure { cause: Cause::Missing, .. }) => Ok(()),
            answer => answer,
        }
    });
    removed.await.map_err(|failure| failure.at(url, "removing it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::PART_BYTES;
    use crate::read_object;

    #[test]
    fn a_disk_takes_objects_of_any_size() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("file://{}/deep/object", folder.path().display());
        let url = StoreUrl::parse(&address).expect("an address");
        let large = vec![7; PART_BYTES as usize + 3];
        for bytes in [Bytes::new(), Bytes::from_static(b"small"), Bytes::from(large)] {
            put(&url, bytes.clone()).expect("writable");
            assert_eq!(read_object(url.clone(), 1 << 30).expect("readable"), bytes);
        }
        delete(&url).expect("removable");
        delete(&url).expect("removed already");
        assert!(read_object(url, 1 << 30).is_err());
    }
}
