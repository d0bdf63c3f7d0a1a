//! Blobs come back verified: into memory, into the cache, or on their way to somebody else.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use mvl_core::DataError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Blobs;
use crate::cache::Cache;
use crate::digest::{Digest, Hasher};
use crate::download::{Download, Event, Place};
use crate::runtime::{Task, blocking, on_runtime};
use crate::verified::Found;
use crate::{RetryPolicy, StoreUrl, download};

/// What a stream asks a store for at once.
const PIECE_BYTES: u64 = 4 << 20;
/// Pieces that may wait for the reader of a stream; one more is held back, and one under way.
const PIECES_AHEAD: usize = 1;
/// How often a file is fetched that goes before it is opened.
const OPENINGS: usize = 8;

/// A blob on its way, piece by piece. It is verified: a whole one whose bytes are not right ends in an error in place of its last
/// piece, so that nobody who counts bytes takes it for whole. Dropped, it ends the work.
#[derive(Debug)]
pub struct BlobStream {
    bytes: u64,
    pieces: Receiver<Result<Bytes, DataError>>,
    /// Ended with the stream.
    _work: Task<()>,
}

impl BlobStream {
    /// The size of the whole blob in bytes, whatever part of it comes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Stream for BlobStream {
    type Item = Result<Bytes, DataError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

impl Blobs {
    /// All of a blob, verified. One of more than `max_bytes` bytes is refused before it is read.
    ///
    /// # Errors
    /// [`DataError::Io`] when it is not there, too large, or the store does not send it; [`DataError::Format`] when it is damaged.
    pub async fn read(&self, digest: Digest, max_bytes: u64) -> Result<Bytes, DataError> {
        let blobs = self.clone();
        on_runtime(async move {
            if let Some(path) = blobs.cached(digest).await? {
                let read = move || Ok(read_file(&path, max_bytes).filter(|bytes| Digest::of(bytes) == digest));
                if let Some(bytes) = blocking(read).await? {
                    return Ok(bytes);
                }
            }
            let url = blobs.url(digest);
            let mut last = None;
            for _ in 0..2 {
                // Damaged on the way, it may come whole the second time.
                let bytes = gather(&url, 0..u64::MAX, max_bytes).await?;
                let got = super::digest_of(bytes.clone()).await?;
                if got == digest {
                    return Ok(bytes);
                }
                last = Some(got);
            }
            Err(damaged(&url, digest, last))
        })
        .await
    }

    /// A blob, or a range of its bytes, piece by piece, for whoever sends it on. Only a whole one can be verified: see
    /// [`BlobStream`].
    ///
    /// # Errors
    /// [`DataError::Io`] when it is not there, has fewer bytes, or the store does not send it. The stream's own errors are the
    /// same, and [`DataError::Format`] for damage.
    pub async fn stream(&self, digest: Digest, range: Option<Range<u64>>) -> Result<BlobStream, DataError> {
        let url = self.url(digest);
        let missing = || DataError::Io { path: url.as_path(), source: ErrorKind::NotFound.into() };
        let bytes = self.size(digest).await?.ok_or_else(missing)?;
        if let Some(range) = range.as_ref().filter(|range| range.start > range.end || range.end > bytes) {
            return Err(url.format_error(format!("expected a range within {bytes} bytes, got {range:?}")));
        }
        let (sender, pieces) = channel(PIECES_AHEAD);
        let work = Task::start(async move {
            if let Err(error) = relay(&url, digest, range, bytes, &sender).await {
                let _ = sender.send(Err(error)).await; // nobody may be left to hear it
            }
            Ok(())
        })?;
        Ok(BlobStream { bytes, pieces, _work: work })
    }

    /// The file of a blob, verified: of one on a disk the object itself, else its entry in the cache, where it is fetched to unless
    /// it is there. Another process may evict it some seconds later; [`Self::open_file`] is safe from that.
    ///
    /// # Errors
    /// [`DataError::Io`] when it is not there, or the store does not send it; [`DataError::Format`] when it is damaged;
    /// [`DataError::Invalid`] without a cache.
    pub async fn fetch(&self, digest: Digest) -> Result<PathBuf, DataError> {
        let blobs = self.clone();
        on_runtime(async move {
            let url = blobs.url(digest);
            if let Some(path) = url.local_path() {
                return blocking(move || blobs.on_disk(&url, path, digest)).await;
            }
            let Some(cache) = blobs.cache.clone() else {
                let what = format!("expected a cache to fetch {digest} into, got none: open the blobs with one");
                return Err(DataError::invalid(what));
            };
            let turn = cache.turn(digest);
            let _turn = turn.lock().await;
            if let Some(path) = blobs.cached(digest).await? {
                return Ok(path);
            }
            blocking(move || into_cache(&cache, &url, digest)).await
        })
        .await
    }

    /// As [`Self::fetch`], and opened for reading: what is open stays readable, whatever is evicted.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn open_file(&self, digest: Digest) -> Result<File, DataError> {
        let mut last = None;
        for _ in 0..OPENINGS {
            let path = self.fetch(digest).await?;
            match File::open(&path) {
                Ok(file) => return Ok(file),
                Err(source) => {
                    let evicted = source.kind() == ErrorKind::NotFound;
                    last = Some(DataError::Io { path, source });
                    if !evicted {
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| DataError::invalid("a blob was not opened")))
    }

    /// Reads a blob and compares its digest.
    ///
    /// # Errors
    /// [`DataError::Io`] when it is not there, or the store does not send it; [`DataError::Format`] when it is damaged.
    pub async fn verify(&self, digest: Digest) -> Result<(), DataError> {
        let mut stream = self.stream(digest, None).await?;
        while let Some(piece) = stream.pieces.recv().await {
            piece?;
        }
        Ok(())
    }

    /// The cache's file of a blob, if there is one.
    async fn cached(&self, digest: Digest) -> Result<Option<PathBuf>, DataError> {
        let Some(cache) = self.cache.clone() else { return Ok(None) };
        blocking(move || cache.get(digest)).await
    }

    /// The object itself, on this disk.
    fn on_disk(&self, url: &StoreUrl, path: PathBuf, digest: Digest) -> Result<PathBuf, DataError> {
        match self.verified.check(&path, digest) {
            Ok(Found::Good) => Ok(path),
            Ok(Found::Damaged(got)) => Err(damaged(url, digest, got)),
            Ok(Found::Missing) => Err(DataError::Io { path, source: ErrorKind::NotFound.into() }),
            Err(source) => Err(DataError::Io { path, source }),
        }
    }
}

/// Sends a blob's pieces on, each once the next is there, and the last once all are verified. Each is a request of its own, so that a
/// reader that is slow keeps no connection to the store.
async fn relay(
    url: &StoreUrl,
    digest: Digest,
    range: Option<Range<u64>>,
    bytes: u64,
    to: &Sender<Result<Bytes, DataError>>,
) -> Result<(), DataError> {
    let (whole, range) = (range.is_none(), range.unwrap_or(0..bytes));
    let (mut hasher, mut held, mut at) = (Hasher::default(), None, range.start);
    while at < range.end {
        let piece = gather(url, at..range.end.min(at + PIECE_BYTES), u64::MAX).await?;
        at += piece.len() as u64;
        if whole {
            hasher.update(&piece);
        }
        if let Some(ready) = held.replace(piece)
            && to.send(Ok(ready)).await.is_err()
        {
            return Ok(()); // nobody is left
        }
    }
    let got = hasher.finish();
    if whole && got != digest {
        return Err(damaged(url, digest, Some(got)));
    }
    if let Some(last) = held {
        let _ = to.send(Ok(last)).await; // nobody may be left
    }
    Ok(())
}

/// A range of an object, or all of it up to `u64::MAX`, in memory.
async fn gather(url: &StoreUrl, range: Range<u64>, max_bytes: u64) -> Result<Bytes, DataError> {
    let end = Some(range.end).filter(|&end| end < u64::MAX);
    let place = Place { at: range.start, end, e_tag: None };
    let mut download = Download::new(url.clone(), place, max_bytes, RetryPolicy::default());
    let (mut bytes, mut skip) = (BytesMut::new(), 0);
    loop {
        match download.next().await? {
            Event::Begun { from, total, .. } => {
                // It may begin again, though not before what is wanted unless the store sends no ranges.
                bytes.truncate(from.saturating_sub(range.start) as usize);
                skip = range.start.saturating_sub(from);
                bytes.reserve((end.unwrap_or(total).saturating_sub(range.start) as usize).saturating_sub(bytes.len()));
            }
            Event::Piece(chunks) => {
                for chunk in chunks {
                    let unwanted = skip.min(chunk.len() as u64);
                    skip -= unwanted;
                    bytes.extend_from_slice(&chunk[unwanted as usize..]);
                }
            }
            Event::Done => return Ok(bytes.freeze()),
        }
    }
}

/// Fetches a blob, twice if it came damaged.
fn into_cache(cache: &Cache, url: &StoreUrl, digest: Digest) -> Result<PathBuf, DataError> {
    let mut last = None;
    for _ in 0..2 {
        let mut entry = cache.begin(digest)?;
        download(url, 0, None, u64::MAX, RetryPolicy::default(), &mut entry)?
            .map_err(|source| DataError::Io { path: cache.folder().to_owned(), source })?;
        match entry.finish()? {
            Ok(path) => return Ok(path),
            Err(got) => last = Some(got),
        }
    }
    Err(damaged(url, digest, last))
}

/// A cached file of at most so many bytes; `None` when it is gone or larger.
fn read_file(path: &Path, max_bytes: u64) -> Option<Bytes> {
    let mut file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut content = Vec::with_capacity(bytes.min(max_bytes) as usize);
    (bytes <= max_bytes).then_some(())?;
    file.read_to_end(&mut content).ok()?;
    Some(content.into())
}

/// The error for bytes that are not what their name says.
pub(super) fn damaged(url: &StoreUrl, digest: Digest, got: Option<Digest>) -> DataError {
    let got = got.map_or("another size than before".to_owned(), |got| got.to_string());
    url.format_error(format!(
        "expected {digest}, got {got}: the blob was damaged or tampered with; remove this object and put the blob again"
    ))
}
