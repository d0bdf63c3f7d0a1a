//! [`StoredModels`]: saved models in object stores, fetched into a folder of this machine and verified before they are loaded.

mod checksums;
mod model_cache;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mvl_core::DataError;
use mvl_infer::drift::DriftReference;
use mvl_store::{StoreUrl, exists, list, read_object};

use self::checksums::{CHECKSUMS_FILE, Checksums, MAX_CHECKSUMS_BYTES};
pub use self::model_cache::ModelCache;
use super::{FoundVersion, LoadOptions, ModelParts, ModelSource};
use crate::{ServiceError, Trouble};

/// How addresses of stores begin.
const SCHEMES: [&str; 11] = ["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "http", "https", "file"];

/// Saved models in object stores; everything else comes from another source.
///
/// An address is a saved model's folder, or one with a version in each of its numbered folders, of which the highest answers. Beside its
/// files a model has `SHA256SUMS`, as `sha256sum model.json weights.bpk > SHA256SUMS` writes it: it says which files there are, each is
/// compared before anything is loaded, and a folder without it is no model yet. So it is put there last. Stores of the web (`http://`)
/// cannot be listed, unless they speak WebDAV, so there the address is the model's own folder.
pub struct StoredModels {
    others: Arc<dyn ModelSource>,
    cache: ModelCache,
    /// What was loaded last, and from which folder: asked next for its reference, it need not be hashed again.
    loaded: Mutex<Option<(FoundVersion, FoundVersion)>>,
}

impl fmt::Debug for StoredModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredModels").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl StoredModels {
    /// Models that are fetched into a cache; `others` loads what was fetched, and what lies in no store. What requests may name is the
    /// service's to say, by [`AllowedSources`](crate::AllowedSources).
    pub fn new(others: Arc<dyn ModelSource>, cache: ModelCache) -> Self {
        Self { others, cache, loaded: Mutex::default() }
    }

    /// Whether an address leads to a store.
    pub fn leads_to_store(source: &str) -> bool {
        source.split_once("://").is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
    }

    fn loaded(&self) -> MutexGuard<'_, Option<(FoundVersion, FoundVersion)>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that answers and its checksums.
    fn newest(&self, source: &str) -> Result<(String, StoreUrl, Checksums), ServiceError> {
        let folder = StoreUrl::parse(source).map_err(|error| invalid(&error))?;
        let mut versions: Vec<(u64, String)> = match list(&folder) {
            Ok(listing) => listing.folders.iter().filter_map(|folder| numbered(folder.to_str()?)).collect(),
            Err(_) if source.starts_with("http") => Vec::new(),
            Err(error) => return Err(unavailable(&error)),
        };
        versions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        for (number, address) in versions {
            let url = StoreUrl::parse(&address).map_err(|error| invalid(&error))?;
            if let Some(checksums) = checksums(&address)? {
                return Ok((number.to_string(), url, checksums));
            }
        }
        match checksums(source)? {
            // The folder of a version itself says which it is.
            Some(checksums) => {
                let version = numbered(source).map_or_else(|| "1".to_owned(), |(number, _)| number.to_string());
                Ok((version, folder, checksums))
            }
            None => Err(ServiceError::not_found(format!(
                "expected {CHECKSUMS_FILE} beside the files of a saved model, or in numbered folders; {source}"
            ))),
        }
    }

    /// The folder on this machine.
    fn fetched(&self, found: &FoundVersion) -> Result<FoundVersion, ServiceError> {
        let missing = || ServiceError::not_found(format!("the model is gone; {}", found.address));
        let checksums = checksums(&found.address)?.ok_or_else(missing)?;
        if checksums.digest.to_hex() != found.stamp {
            let message = format!("the model changed while it was loaded; try again; {}", found.address);
            return Err(ServiceError::new(Trouble::Unavailable, message));
        }
        let folder = self.cache.fetch(&found.address, &checksums)?;
        let address =
            folder.to_str().ok_or_else(|| ServiceError::invalid("expected a cache whose path is in UTF-8"))?;
        Ok(FoundVersion { address: address.to_owned(), ..found.clone() })
    }
}

impl ModelSource for StoredModels {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        if !Self::leads_to_store(source) {
            return self.others.resolve(source);
        }
        let (version, folder, checksums) = self.newest(source.trim_end_matches('/'))?;
        Ok(FoundVersion { version, address: folder.to_string(), stamp: checksums.digest.to_hex() })
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        match Self::leads_to_store(&found.address) {
            true => {
                let fetched = self.fetched(found)?;
                let parts = self.others.load(&fetched, options)?;
                *self.loaded() = Some((found.clone(), fetched));
                Ok(parts)
            }
            false => self.others.load(found, options),
        }
    }

    fn reference(&self, found: &FoundVersion) -> Result<Option<DriftReference>, ServiceError> {
        match Self::leads_to_store(&found.address) {
            true => {
                let loaded = self.loaded().take().filter(|(which, _)| which == found);
                let fetched = loaded.map_or_else(|| self.fetched(found), |(_, fetched)| Ok(fetched))?;
                self.others.reference(&fetched)
            }
            false => self.others.reference(found),
        }
    }
}

/// `…/12/` is version 12.
fn numbered(address: &str) -> Option<(u64, String)> {
    let address = address.trim_end_matches('/');
    Some((address.rsplit('/').next()?.parse().ok()?, address.to_owned()))
}

/// The checksums in a folder, if there are any.
fn checksums(folder: &str) -> Result<Option<Checksums>, ServiceError> {
    let url = StoreUrl::parse(&format!("{folder}/{CHECKSUMS_FILE}")).map_err(|error| invalid(&error))?;
    if !exists(&url).map_err(|error| unavailable(&error))? {
        return Ok(None);
    }
    let text = read_object(url, MAX_CHECKSUMS_BYTES).map_err(|error| unavailable(&error))?;
    Checksums::parse(&text)
        .map(Some)
        .map_err(|what| ServiceError::invalid(format!("{what}; {folder}/{CHECKSUMS_FILE}")))
}

fn invalid(error: &DataError) -> ServiceError {
    ServiceError::invalid(error.full_message())
}

fn unavailable(error: &DataError) -> ServiceError {
    ServiceError::new(Trouble::Unavailable, error.full_message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_stores_have_a_scheme() {
        for store in ["s3://bucket/net", "az://container/net", "https://host/net/3", "file:///srv/net"] {
            assert!(StoredModels::leads_to_store(store), "{store}");
        }
        for other in ["runs/demo", "models:/a@b", "identity:FP32", "hf://owner/name", "resnet18"] {
            assert!(!StoredModels::leads_to_store(other), "{other}");
        }
    }

    #[test]
    fn numbers_are_versions() {
        assert_eq!(numbered("s3://b/m/12/"), Some((12, "s3://b/m/12".to_owned())));
        assert_eq!(numbered("s3://b/m/latest"), None);
    }
}
