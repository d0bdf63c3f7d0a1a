//! Where bytes come from: the local cache, or else the store.

use bytes::Bytes;
use mvl_core::{DataError, Location};

use crate::decode::MAX_FILE_BYTES;
use mvl_store::{Request, RetryPolicy, fetch};

/// The largest record: an image with its annotations and masks.
const MAX_RECORD_BYTES: u64 = 4 * MAX_FILE_BYTES;

/// What answers requests.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) retry: RetryPolicy,
}

impl Origin {
    /// The bytes at places of one object, in their order; `None` when they are better asked for one by one, to find out which of
    /// them is to blame.
    pub(super) async fn get(&self, places: &[Location]) -> Option<Vec<Result<Bytes, DataError>>> {
        let request = match Request::new(places, MAX_RECORD_BYTES) {
            Ok(request) => request,
            Err(error) => return (places.len() == 1).then(|| vec![Err(error)]),
        };
        match fetch(&request, &self.retry).await {
            Ok(parts) => Some(parts.into_iter().map(Ok).collect()),
            Err(failure) if places.len() == 1 || failure.is_the_stores() => {
                Some(places.iter().map(|_| Err(request.error(&failure))).collect())
            }
            Err(_) => None,
        }
    }

    /// The bytes at one place.
    pub(super) async fn get_one(&self, place: Location) -> Result<Bytes, DataError> {
        let got = self.get(std::slice::from_ref(&place)).await;
        let first = got.into_iter().flatten().next();
        first.unwrap_or_else(|| Err(DataError::invalid("a request for one place brought nothing")))
    }
}
