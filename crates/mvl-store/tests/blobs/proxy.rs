//! A proxy before a store that speaks HTTP: it passes requests on, and goes wrong on purpose, before the store has heard of them or after.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mvl_core::SampleRng;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store never hears of it; this status is the answer.
    Status(u16),
    /// The store never hears of it, and the connection is closed.
    Closed,
    /// The store hears half of what is sent.
    HalfSent,
    /// The store does it, and nobody hears of that.
    AnswerLost,
    /// Half of the answer comes.
    Truncated,
    /// It takes its time, and is right.
    Slow(Duration),
}

/// Says how the request with this number, from 0, goes wrong, if it does.
pub(crate) type Faults = Box<dyn Fn(usize) -> Option<Fault> + Send + Sync>;

/// This share of all requests fails, in one way or another.
pub(crate) fn some_fail(rate: f64, seed: u64) -> Faults {
    const WAYS: [Fault; 8] = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Closed,
        Fault::HalfSent,
        Fault::AnswerLost,
        Fault::Truncated,
        Fault::Slow(Duration::from_millis(50)),
    ];
    Box::new(move |number| {
        let mut rng = SampleRng::new([seed, number as u64, 0, 0]);
        rng.chance(rate).then(|| WAYS[rng.below(WAYS.len())])
    })
}

/// Passes requests on until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    store: String,
    faults: Faults,
    requests: AtomicUsize,
    failed: AtomicUsize,
    closed: AtomicBool,
}

impl Proxy {
    /// Before a store at `http://host:port/…`.
    pub(crate) fn start(endpoint: &str, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let store = endpoint.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        let (requests, failed, closed) = Default::default();
        let shared = Arc::new(Shared { store, faults, requests, failed, closed });
        let serving = shared.clone();
        let listening = thread::spawn(move || {
            for connection in listener.incoming() {
                if serving.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, connection) = (serving.clone(), connection.expect("it was accepted"));
                // Errors are those of a side that has gone.
                thread::spawn(move || drop(serve(&shared, &connection)));
            }
        });
        Self { address, shared, listening: Some(listening) }
    }

    /// Its own address in place of the store's.
    pub(crate) fn endpoint(&self, endpoint: &str) -> String {
        endpoint.replace(&self.shared.store, &self.address.to_string())
    }

    /// Requests so far, and how many of them went wrong.
    pub(crate) fn requests(&self) -> (usize, usize) {
        (self.shared.requests.load(Ordering::SeqCst), self.shared.failed.load(Ordering::SeqCst))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes it up
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

/// One request and its answer. The store closes the connection after each, and so does this.
fn serve(shared: &Shared, connection: &TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut from = BufReader::new(connection);
    let (mut head, mut bytes) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(()); // it was opened in advance
        }
        let lower = line.to_ascii_lowercase();
        if let Some(length) = lower.strip_prefix("content-length:") {
            bytes = length.trim().parse().map_err(io::Error::other)?;
        }
        if line == "\r\n" {
            break;
        }
        if !lower.starts_with("connection:") {
            head += &line;
        }
    }
    head += "Connection: close\r\n\r\n";
    let mut body = vec![0; bytes];
    from.read_exact(&mut body)?;

    let fault = (shared.faults)(shared.requests.fetch_add(1, Ordering::SeqCst));
    shared.failed.fetch_add(usize::from(fault.is_some()), Ordering::SeqCst);
    let mut to = connection;
    match fault {
        Some(Fault::Closed) => return connection.shutdown(Shutdown::Both),
        Some(Fault::Status(status)) => {
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return to.write_all(answer.as_bytes());
        }
        Some(Fault::Slow(pause)) => thread::sleep(pause),
        _ => {}
    }
    let mut store = TcpStream::connect(&shared.store)?;
    store.set_nodelay(true)?;
    store.write_all(head.as_bytes())?;
    if fault == Some(Fault::HalfSent) {
        let _ = store.write_all(&body[..bytes / 2]);
        return connection.shutdown(Shutdown::Both);
    }
    store.write_all(&body)?;
    let mut answer = Vec::new();
    store.read_to_end(&mut answer)?;
    match fault {
        Some(Fault::AnswerLost) => answer.clear(),
        Some(Fault::Truncated) => {
            let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |end| end + 4);
            // Half of the body; of an answer without one, half of its head.
            let from = if body == answer.len() { 0 } else { body };
            answer.truncate(from + (answer.len() - from) / 2);
        }
        _ => {}
    }
    to.write_all(&answer)?;
    connection.shutdown(Shutdown::Both)
}
