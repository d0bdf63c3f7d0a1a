//! Content-addressed storage: a blob lies under its SHA-256, at `ROOT/blobs/sha256/ab/cd/<64 hex>`, on a disk or in a bucket.
//!
//! So a blob never changes, is stored once however often it is put, and tells by itself whether it is whole: what was damaged or
//! tampered with is an error, never returned. Objects become visible whole or not at all, and a blob that was put is there after a
//! crash, too. Whoever publishes something puts its blobs first and then, in one transaction, what refers to them.
//!
//! All of it is async and runs on this crate's own threads, whatever runtime the caller is on; [`wait_for`](crate::wait_for) blocks.

mod claim;
mod collect;
mod read;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use mvl_core::DataError;
use tokio::sync::mpsc::unbounded_channel;

use crate::StoreUrl;
use crate::cache::Cache;
use crate::content::{Content, HashedFile};
use crate::digest::Digest;
use crate::head::head;
use crate::list::gather;
use crate::runtime::{Task, blocking, on_runtime};
use crate::upload::{Progress, upload};
use crate::verified::Verified;

pub use collect::Collected;
pub use read::BlobStream;

/// Where blobs lie below a root.
const FOLDER: &str = "blobs/sha256";
/// What is hashed without a thread of its own.
const SMALL_BYTES: usize = 1 << 20;

/// A place for blobs. Cheap to clone.
///
/// # Example
/// ```
/// use mvl_store::{Blobs, StoreUrl, wait_for};
/// let folder = tempfile::tempdir()?;
/// let blobs = Blobs::open(&StoreUrl::parse(folder.path().to_str().expect("plain text"))?)?;
/// let text = wait_for(async move {
///     let digest = blobs.put("weights".into()).await?;
///     blobs.read(digest, 1_000).await
/// })??;
/// assert_eq!(text, "weights");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Blobs {
    root: StoreUrl,
    cache: Option<Cache>,
    /// Where it is kept how far large uploads have come.
    journals: Option<Arc<Path>>,
    /// Files of blobs on this disk.
    verified: Arc<Verified>,
}

/// A blob in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was put, by the store's clock.
    pub modified: SystemTime,
}

impl Blobs {
    /// Blobs below an address, which need not exist. Nothing is asked for yet.
    ///
    /// # Errors
    /// [`DataError::Io`] when the environment's settings for the store are wrong.
    pub fn open(root: &StoreUrl) -> Result<Self, DataError> {
        crate::store::store_of(root)?;
        Ok(Self { root: root.clone(), cache: None, journals: None, verified: Arc::new(Verified::by_time()) })
    }

    /// Keeps what is fetched in a local folder, and there, too, how far large uploads have come, so that they go on where they were
    /// broken off.
    #[must_use]
    pub fn with_cache(self, cache: Cache) -> Self {
        let journals = Some(cache.folder().join("uploads").into());
        Self { cache: Some(cache), journals, ..self }
    }

    /// The address below which the blobs lie.
    pub fn root(&self) -> &StoreUrl {
        &self.root
    }

    /// Stores bytes, unless they are there already.
    ///
    /// # Errors
    /// [`DataError::Io`] when the store does not take them.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, DataError> {
        let blobs = self.clone();
        on_runtime(async move {
            let digest = digest_of(bytes.clone()).await?;
            blobs.store(digest, &Content::Memory(bytes), &mut |_| {}).await?;
            Ok(digest)
        })
        .await
    }

    /// Stores a file, unless its content is there already, and says how large it is. It is read twice: hashed first, then sent.
    /// Above 16 MiB it goes in parts, each retried by itself; with a [cache](Self::with_cache) another process goes on where one was
    /// broken off, if the store allows it. `progress` hears how many of its bytes have reached the store.
    ///
    /// # Errors
    /// [`DataError::Io`] when the file cannot be read, changes meanwhile, or the store does not take it.
    pub async fn put_file(
        &self,
        path: &Path,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(Digest, u64), DataError> {
        let (blobs, path) = (self.clone(), path.to_owned());
        let (sender, mut receiver) = unbounded_channel();
        let work = Task::start(async move {
            let file = blocking(move || HashedFile::read_all(&path)).await?;
            let (digest, content) = (file.digest, Content::File(Arc::new(file)));
            let mut progress = move |bytes: u64| {
                let _ = sender.send(bytes); // the caller may no longer listen
            };
            blobs.store(digest, &content, &mut progress).await?;
            Ok((digest, content.bytes()))
        })?;
        // The sender goes when the work is done.
        while let Some(bytes) = receiver.recv().await {
            progress(bytes);
        }
        work.finish().await
    }

    /// How large a blob is, by what the store says of it; `None` when it is not there.
    ///
    /// # Errors
    /// [`DataError::Io`] when the store cannot tell.
    pub async fn size(&self, digest: Digest) -> Result<Option<u64>, DataError> {
        let url = self.url(digest);
        on_runtime(async move { Ok(head(&url).await?.map(|meta| meta.size)) }).await
    }

    /// All blobs, in the order of their names. Other objects below the root are left out.
    ///
    /// # Errors
    /// [`DataError::Io`] when the store cannot be listed.
    pub async fn list(&self) -> Result<Vec<BlobInfo>, DataError> {
        let folder = self.root.below(FOLDER);
        on_runtime(async move {
            let listed = gather(folder.clone(), false).await?.objects.into_iter();
            let mut blobs: Vec<BlobInfo> = listed
                .filter_map(|object| {
                    let digest = digest_at(&folder, &object.location)?;
                    Some(BlobInfo { digest, bytes: object.size, modified: object.last_modified.into() })
                })
                .collect();
            blobs.sort_by_key(|blob| blob.digest);
            Ok(blobs)
        })
        .await
    }

    /// The address of a blob.
    pub fn url(&self, digest: Digest) -> StoreUrl {
        self.root.below(&key_of(digest))
    }

    async fn store(&self, digest: Digest, content: &Content, progress: Progress<'_>) -> Result<(), DataError> {
        if self.keeps(digest, content.bytes()).await? {
            progress(content.bytes());
            return Ok(());
        }
        upload(&self.url(digest), content, self.journals.as_deref(), progress).await
    }
}

/// Hashes bytes, on a thread of its own where it takes long.
async fn digest_of(bytes: Bytes) -> Result<Digest, DataError> {
    if bytes.len() <= SMALL_BYTES { Ok(Digest::of(&bytes)) } else { blocking(move || Ok(Digest::of(&bytes))).await }
}

/// Where a blob lies below the root.
fn key_of(digest: Digest) -> String {
    let hex = digest.to_hex();
    format!("{FOLDER}/{}/{}/{hex}", &hex[..2], &hex[2..4])
}

/// The blob at a key below a folder, if that is where a blob lies.
fn digest_at(folder: &StoreUrl, key: &object_store::path::Path) -> Option<Digest> {
    let names: Vec<_> = key.prefix_match(&folder.key)?.collect();
    let [first, second, name] = names.as_slice() else { return None };
    let digest = Digest::from_hex(name.as_ref())?;
    (name.as_ref().starts_with(&format!("{}{}", first.as_ref(), second.as_ref()))).then_some(digest)
}
