//! A web server on the loopback device that answers ranges, counts, and goes wrong on purpose.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mvl_core::SampleRng;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An answer with this status and no content.
    Status(u16),
    /// The connection is closed without an answer.
    Closed,
    /// The body ends early.
    Truncated,
    /// One byte of the body is another.
    Damaged,
    /// The answer takes its time, and is right.
    Slow(Duration),
}

/// Says how the request with this number, from 0, goes wrong, if it does.
pub(crate) type Faults = Box<dyn Fn(usize) -> Option<Fault> + Send + Sync>;

/// This share of all requests fails, in one way or another.
pub(crate) fn some_fail(rate: f64, seed: u64) -> Faults {
    const WAYS: [Fault; 6] = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Closed,
        Fault::Truncated,
        Fault::Slow(Duration::from_millis(30)),
    ];
    Box::new(move |number| {
        let mut rng = SampleRng::new([seed, number as u64, 0, 0]);
        rng.chance(rate).then(|| WAYS[rng.below(WAYS.len())])
    })
}

/// Serves objects until it is dropped.
pub(crate) struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    objects: BTreeMap<String, Vec<u8>>,
    faults: Faults,
    requests: AtomicUsize,
    failed: AtomicUsize,
    sent_bytes: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    closed: AtomicBool,
    asked: Mutex<Vec<(String, Option<Range<usize>>)>>,
}

impl HttpServer {
    pub(crate) fn start(objects: BTreeMap<String, Vec<u8>>, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            objects,
            faults,
            requests: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            sent_bytes: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            asked: Mutex::default(),
        });
        let serving = shared.clone();
        let listening = thread::spawn(move || {
            for connection in listener.incoming() {
                if serving.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, connection) = (serving.clone(), connection.expect("it was accepted"));
                thread::spawn(move || serve(&shared, connection));
            }
        });
        Self { address, shared, listening: Some(listening) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Requests that went wrong so far.
    pub(crate) fn failed(&self) -> usize {
        self.shared.failed.load(Ordering::SeqCst)
    }

    /// Bytes of bodies so far.
    pub(crate) fn sent_bytes(&self) -> usize {
        self.shared.sent_bytes.load(Ordering::SeqCst)
    }

    /// The most requests that were answered at the same time.
    pub(crate) fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::SeqCst)
    }

    /// Paths and ranges, in the order in which they were asked for.
    pub(crate) fn asked(&self) -> Vec<(String, Option<Range<usize>>)> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes it up
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

/// One connection, request after request.
fn serve(shared: &Shared, connection: TcpStream) {
    connection.set_nodelay(true).expect("a socket");
    let mut lines = BufReader::new(connection.try_clone().expect("a socket"));
    while let Some((path, range)) = read_request(&mut lines) {
        let number = shared.requests.fetch_add(1, Ordering::SeqCst);
        shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push((path.clone(), range.clone()));
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_under_way.fetch_max(now, Ordering::SeqCst);
        let goes_on = answer(shared, &connection, &path, range, (shared.faults)(number));
        shared.under_way.fetch_sub(1, Ordering::SeqCst);
        if !goes_on {
            return;
        }
    }
}

/// The path and the range of the next request; `None` when there is none.
fn read_request(lines: &mut impl BufRead) -> Option<(String, Option<Range<usize>>)> {
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).ok().filter(|&bytes| bytes > 0).map(|_| line.trim_end().to_owned())
    };
    let path = next()?.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let mut range = None;
    loop {
        let line = next()?.to_ascii_lowercase();
        if line.is_empty() {
            return Some((path, range));
        }
        if let Some((first, last)) = line.strip_prefix("range: bytes=").and_then(|bounds| bounds.split_once('-')) {
            range = Some(first.parse().expect("a number")..last.parse::<usize>().expect("a number") + 1);
        }
    }
}

/// Whether the connection goes on.
fn answer(shared: &Shared, mut to: &TcpStream, path: &str, range: Option<Range<usize>>, fault: Option<Fault>) -> bool {
    if fault.is_some() {
        shared.failed.fetch_add(1, Ordering::SeqCst);
    }
    let status = |mut to: &TcpStream, status: u16| {
        to.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes()).is_ok()
    };
    match fault {
        Some(Fault::Closed) => return false,
        Some(Fault::Status(code)) => return status(to, code),
        Some(Fault::Slow(pause)) => thread::sleep(pause),
        _ => {}
    }
    let Some(object) = shared.objects.get(path) else { return status(to, 404) };
    let (len, part) =
        (object.len(), range.clone().map_or(0..object.len(), |range| range.start..range.end.min(object.len())));
    if part.start > part.end {
        return status(to, 416);
    }
    let mut head =
        format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", if range.is_some() { 206 } else { 200 }, part.len());
    if range.is_some() {
        head += &format!("Content-Range: bytes {}-{}/{len}\r\n", part.start, part.end - 1);
    }
    let mut body = object[part].to_vec();
    match fault {
        Some(Fault::Truncated) => body.truncate(body.len() / 2),
        Some(Fault::Damaged) => body.first_mut().into_iter().for_each(|byte| *byte ^= 0x40),
        _ => {}
    }
    shared.sent_bytes.fetch_add(body.len(), Ordering::SeqCst);
    let sent = to.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| to.write_all(&body)).is_ok();
    sent && fault != Some(Fault::Truncated)
}
