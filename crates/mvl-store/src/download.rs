//! An object too large for memory, piece by piece, and on from where it was broken off.

use std::future::poll_fn;
use std::io;
use std::time::Instant;

use bytes::Bytes;
use mvl_core::DataError;
use object_store::{GetOptions, GetRange};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::store::store_of;
use crate::{Failure, RetryPolicy, StoreUrl, handle, wait_for};

/// How much is handed on at once, at least, but for the last piece.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces that may wait for the sink.
const PIECES_AHEAD: usize = 4;

/// Where a download goes.
pub trait Sink {
    /// The store has answered: bytes come from `from` on, which is 0 or where the download was to go on, of an object of `total`
    /// bytes. `e_tag` tells one version of the object from another, where the store says it. This may come again when the
    /// connection is lost, then with what was written before as `from`, or 0.
    ///
    /// # Errors
    /// What keeps the sink from taking it.
    fn begin(&mut self, from: u64, total: u64, e_tag: Option<&str>) -> io::Result<()>;

    /// The next bytes.
    ///
    /// # Errors
    /// What keeps the sink from taking them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Gets an object of at most `max_bytes`: from byte `at` on, if the store still has the version `e_tag` of it and answers requests
/// for ranges, and else from its beginning. Lost connections are taken up again where they broke; the policy's deadline counts
/// from the last bytes that came.
///
/// # Errors
/// The outer error is the store's: [`DataError::Io`] with what happened and what to look at. The inner one is the sink's.
pub fn download(
    url: &StoreUrl,
    at: u64,
    e_tag: Option<&str>,
    max_bytes: u64,
    policy: RetryPolicy,
    sink: &mut dyn Sink,
) -> Result<io::Result<()>, DataError> {
    let mut place = Place { at, e_tag: e_tag.map(str::to_owned) };
    let (mut failures, mut progress) = (0, Instant::now());
    let mut jitter = fresh_jitter();
    loop {
        let asked = (url.clone(), place.clone());
        let opened = wait_for(async move { open(&asked.0, &asked.1, max_bytes, &policy).await })?;
        let Opened { total, place: begun, mut pieces } = opened.map_err(|failure| failure.at(url, "downloading"))?;
        place = begun;
        if let Err(error) = sink.begin(place.at, total, place.e_tag.as_deref()) {
            return Ok(Err(error));
        }
        let failure = loop {
            let next = wait_for(async move {
                let piece = pieces.recv().await;
                (pieces, piece)
            });
            let (rest, piece) = next?;
            pieces = rest;
            match piece {
                Some(Ok(piece)) => {
                    (failures, progress) = (0, Instant::now());
                    for chunk in piece {
                        place.at += chunk.len() as u64;
                        if let Err(error) = sink.write(&chunk) {
                            return Ok(Err(error));
                        }
                    }
                }
                Some(Err(failure)) => break failure,
                None if place.at == total => return Ok(Ok(())),
                None if place.at < total => break Failure::new(Cause::Transient, "the answer ended early"),
                None => break Failure::new(Cause::Permanent, format!("expected {total} bytes, got {}", place.at)),
            }
        };
        failures += 1;
        let delay = failure.retry_after.unwrap_or_else(|| policy.delay(failures, jitter.unit()));
        if failure.cause != Cause::Transient || progress.elapsed() + delay >= policy.deadline {
            return Err(failure.at(url, &format!("downloading, after {} of {total} bytes", place.at)));
        }
        std::thread::sleep(delay);
    }
}

/// How much is there, and of which version.
#[derive(Debug, Clone)]
struct Place {
    at: u64,
    e_tag: Option<String>,
}

/// What a download reads from.
struct Opened {
    total: u64,
    place: Place,
    pieces: Receiver<Result<Vec<Bytes>, Failure>>,
}

/// Asks for the rest of the object. A store that cannot send a rest, or has another version by now, is asked for all of it.
async fn open(url: &StoreUrl, place: &Place, max_bytes: u64, policy: &RetryPolicy) -> Result<Opened, Failure> {
    let from = |at: u64| retrying(policy, fresh_jitter(), move || open_at(url, at, max_bytes));
    if place.at == 0 {
        return from(0).await;
    }
    match from(place.at).await {
        Ok(opened) if place.e_tag.is_none() || opened.place.e_tag == place.e_tag => Ok(opened),
        Ok(_) | Err(Failure { cause: Cause::Permanent, .. }) => from(0).await,
        Err(failure) => Err(failure),
    }
}

async fn open_at(url: &StoreUrl, at: u64, max_bytes: u64) -> Result<Opened, Failure> {
    let store = store_of(url).map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    let options = GetOptions { range: (at > 0).then_some(GetRange::Offset(at)), ..GetOptions::default() };
    let answer = store.objects.get_opts(&url.key, options).await?;
    let (total, e_tag) = (answer.meta.size, answer.meta.e_tag.clone());
    if total > max_bytes {
        return Err(Failure::new(Cause::Permanent, format!("expected at most {max_bytes} bytes, got {total}")));
    }
    let (sender, pieces) = channel(PIECES_AHEAD);
    let mut body = answer.into_stream();
    let work = async move {
        let _permit = store.requests.acquire().await; // never closed
        let (mut piece, mut bytes) = (Vec::new(), 0);
        while let Some(chunk) = poll_fn(|context| body.as_mut().poll_next(context)).await {
            match chunk {
                Ok(chunk) => {
                    bytes += chunk.len();
                    piece.push(chunk);
                }
                Err(error) => {
                    if send(&sender, &mut piece).await {
                        let _ = sender.send(Err(error.into())).await; // nobody may be left to hear it
                    }
                    return;
                }
            }
            if bytes >= PIECE_BYTES {
                bytes = 0;
                if !send(&sender, &mut piece).await {
                    return;
                }
            }
        }
        send(&sender, &mut piece).await;
    };
    let runtime = handle().map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    runtime.spawn(work);
    Ok(Opened { total, place: Place { at, e_tag }, pieces })
}

/// Hands on what has gathered; `false` when nobody takes it.
async fn send(sender: &Sender<Result<Vec<Bytes>, Failure>>, piece: &mut Vec<Bytes>) -> bool {
    piece.is_empty() || sender.send(Ok(std::mem::take(piece))).await.is_ok()
}
