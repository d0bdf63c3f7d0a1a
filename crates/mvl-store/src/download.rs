//! An object too large for memory, piece by piece, and on from where it was broken off.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_core::Stream;
use mvl_core::{DataError, SampleRng};
use object_store::{GetOptions, GetRange, GetResultPayload};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::runtime::blocking;
use crate::store::{Store, store_of};
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
    let place = Place { at, end: None, e_tag: e_tag.map(str::to_owned) };
    let mut download = Download::new(url.clone(), place, max_bytes, policy);
    loop {
        let next = wait_for(async move {
            let event = download.next().await;
            (download, event)
        });
        let (rest, event) = next?;
        download = rest;
        let taken = match event? {
            Event::Begun { from, total, e_tag } => sink.begin(from, total, e_tag.as_deref()),
            Event::Piece(chunks) => chunks.iter().try_for_each(|chunk| sink.write(chunk)),
            Event::Done => return Ok(Ok(())),
        };
        if let Err(error) = taken {
            return Ok(Err(error));
        }
    }
}

/// How much is there, how much is wanted, and of which version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// The next byte.
    pub(crate) at: u64,
    /// The byte after the last one that is wanted; `None` is the object's end.
    pub(crate) end: Option<u64>,
    pub(crate) e_tag: Option<String>,
}

/// What a download comes to next.
#[derive(Debug)]
pub(crate) enum Event {
    /// As [`Sink::begin`] says.
    Begun { from: u64, total: u64, e_tag: Option<String> },
    /// The next bytes.
    Piece(Vec<Bytes>),
    /// All of them have come.
    Done,
}

/// An object on its way, event by event.
pub(crate) struct Download {
    url: StoreUrl,
    place: Place,
    max_bytes: u64,
    policy: RetryPolicy,
    jitter: SampleRng,
    /// Failures since the last bytes, and when those came.
    failures: u32,
    progress: Instant,
    /// The size of the object, and what comes from the connection, while there is one.
    connection: Option<(u64, Coming)>,
}

impl Download {
    pub(crate) fn new(url: StoreUrl, place: Place, max_bytes: u64, policy: RetryPolicy) -> Self {
        let (jitter, progress) = (fresh_jitter(), Instant::now());
        Self { url, place, max_bytes, policy, jitter, failures: 0, progress, connection: None }
    }

    pub(crate) async fn next(&mut self) -> Result<Event, DataError> {
        loop {
            let Some((total, pieces)) = &mut self.connection else {
                let opened = open(&self.url, &self.place, self.max_bytes, &self.policy).await;
                let Opened { total, place, pieces } = opened.map_err(|failure| failure.at(&self.url, "downloading"))?;
                let begun = Event::Begun { from: place.at, total, e_tag: place.e_tag.clone() };
                (self.place, self.connection) = (place, Some((total, pieces)));
                return Ok(begun);
            };
            let (end, at) = (self.place.end.unwrap_or(*total), self.place.at);
            let failure = match pieces.recv().await {
                Some(Ok(piece)) => {
                    (self.failures, self.progress) = (0, Instant::now());
                    self.place.at += piece.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
                    return Ok(Event::Piece(piece));
                }
                Some(Err(failure)) => failure,
                None if at == end => return Ok(Event::Done),
                None if at < end => Failure::new(Cause::Transient, "the answer ended early"),
                None => Failure::new(Cause::Permanent, format!("expected {end} bytes, got {at}")),
            };
            self.failures += 1;
            let jitter = self.jitter.unit();
            let delay = failure.retry_after.unwrap_or_else(|| self.policy.delay(self.failures, jitter));
            if failure.cause != Cause::Transient || self.progress.elapsed() + delay >= self.policy.deadline {
                return Err(failure.at(&self.url, &format!("downloading, after {at} of {end} bytes")));
            }
            self.connection = None;
            tokio::time::sleep(delay).await;
        }
    }
}

/// What a download reads from.
struct Opened {
    total: u64,
    place: Place,
    pieces: Coming,
}

/// Asks for the rest of the object. A store that cannot send a rest, or has another version by now, is asked for all of it.
async fn open(url: &StoreUrl, place: &Place, max_bytes: u64, policy: &RetryPolicy) -> Result<Opened, Failure> {
    let from =
        |at: u64| retrying(policy, fresh_jitter(), move || open_at(url, Place { at, ..place.clone() }, max_bytes));
    if place.at == 0 {
        return from(0).await;
    }
    match from(place.at).await {
        Ok(opened) if place.e_tag.is_none() || opened.place.e_tag == place.e_tag => Ok(opened),
        Ok(_) | Err(Failure { cause: Cause::Permanent, .. }) => from(0).await,
        Err(failure) => Err(failure),
    }
}

async fn open_at(url: &StoreUrl, place: Place, max_bytes: u64) -> Result<Opened, Failure> {
    let store = store_of(url).map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    let range = match (place.at, place.end) {
        (0, None) => None,
        (at, None) => Some(GetRange::Offset(at)),
        (at, Some(end)) => Some(GetRange::Bounded(at..end)),
    };
    let answer = store.objects.get_opts(&url.key, GetOptions { range, ..GetOptions::default() }).await?;
    let (total, e_tag) = (answer.meta.size, answer.meta.e_tag.clone());
    if total > max_bytes {
        return Err(Failure::new(Cause::Permanent, format!("expected at most {max_bytes} bytes, got {total}")));
    }
    if place.end.is_some_and(|end| end > total) {
        let what = format!("expected at least {} bytes in it, got {total}", place.end.unwrap_or_default());
        return Err(Failure::new(Cause::Permanent, what));
    }
    let (sender, pieces) = channel(PIECES_AHEAD);
    let runtime = handle().map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    match answer.payload {
        GetResultPayload::File(file, _) => drop(runtime.spawn(read_file(file, answer.range, sender))),
        GetResultPayload::Stream(body) => drop(runtime.spawn(receive(store, body, sender))),
    }
    Ok(Opened { total, place: Place { e_tag, ..place }, pieces })
}

/// Hands on what a file has, in pieces; `object_store` itself would read a few KiB at a time. No thread waits with it.
async fn read_file(file: File, range: Range<u64>, sender: Pieces) {
    let (file, mut at) = (Arc::new(file), range.start);
    while at < range.end {
        let (reading, bytes) = (file.clone(), (range.end - at).min(PIECE_BYTES as u64));
        let read = blocking(move || {
            let mut piece = vec![0; bytes as usize];
            let mut file = &*reading; // nobody else moves its place
            let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut piece));
            Ok(read.map(|()| vec![Bytes::from(piece)]))
        });
        let failed = |what: String| Failure::new(Cause::Permanent, what);
        let piece = match read.await {
            Ok(piece) => piece.map_err(|error| failed(error.to_string())),
            Err(error) => Err(failed(error.to_string())),
        };
        at += bytes;
        let broken = piece.is_err();
        if sender.send(piece).await.is_err() || broken {
            return;
        }
    }
}

/// Hands on what a connection brings, in pieces.
async fn receive(store: Arc<Store>, mut body: Body, sender: Pieces) {
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
}

/// Takes the pieces of a body, or why there are no more.
type Pieces = Sender<Result<Vec<Bytes>, Failure>>;
/// Gives the pieces of a body.
type Coming = Receiver<Result<Vec<Bytes>, Failure>>;
/// A body that comes in chunks of any size.
type Body = Pin<Box<dyn Stream<Item = object_store::Result<Bytes>> + Send>>;

/// Hands on what has gathered; `false` when nobody takes it.
async fn send(sender: &Pieces, piece: &mut Vec<Bytes>) -> bool {
    piece.is_empty() || sender.send(Ok(std::mem::take(piece))).await.is_ok()
}
