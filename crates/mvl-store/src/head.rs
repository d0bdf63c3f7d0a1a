//! Whether an object is there, and how large and old it is.

use mvl_core::DataError;
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta};

use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::store::store_of;
use crate::{Failure, RetryPolicy, StoreUrl, wait_for};

/// Whether there is an object of this very name, as opposed to a prefix of others.
///
/// # Errors
/// [`DataError::Io`] when the store cannot tell.
pub fn exists(url: &StoreUrl) -> Result<bool, DataError> {
    if url.key == Key::ROOT {
        return Ok(false);
    }
    let url = url.clone();
    wait_for(async move { Ok(head(&url).await?.is_some()) })?
}

/// What the store says of an object; `None` when there is none.
pub(crate) async fn head(url: &StoreUrl) -> Result<Option<ObjectMeta>, DataError> {
    let store = store_of(url)?;
    let options = GetOptions { head: true, ..Default::default() };
    let attempt = || async {
        match store.objects.get_opts(&url.key, options.clone()).await.map_err(Failure::from) {
            Err(Failure { cause: Cause::Missing, .. }) => Ok(None),
            answer => answer.map(|answer| Some(answer.meta)),
        }
    };
    let found = retrying(&RetryPolicy::OPENING, fresh_jitter(), attempt).await;
    found.map_err(|failure| failure.at(url, "looking it up"))
}
