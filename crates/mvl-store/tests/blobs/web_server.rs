//! A web server on the loopback device that keeps what it is sent in memory: enough of HTTP for small blobs, without any other program.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Serves until it is dropped.
pub(crate) struct WebServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// How often an object or a part of one was sent.
    sent: AtomicUsize,
    closed: AtomicBool,
}

impl WebServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
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

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes it up
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

/// One connection, request after request.
fn serve(shared: &Shared, connection: &TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (mut from, mut to) = (BufReader::new(connection), connection);
    loop {
        let mut next = || -> io::Result<String> {
            let mut line = String::new();
            let bytes = from.read_line(&mut line)?;
            if bytes > 0 { Ok(line.trim_end().to_owned()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        };
        let first = next()?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (mut bytes, mut range) = (0, None);
        loop {
            let line = next()?.to_ascii_lowercase();
            if let Some(length) = line.strip_prefix("content-length:") {
                bytes = length.trim().parse().map_err(io::Error::other)?;
            }
            if let Some((start, end)) = line.strip_prefix("range: bytes=").and_then(|range| range.split_once('-')) {
                let parse = |number: &str| number.parse::<usize>().ok();
                range = parse(start).map(|start| (start, parse(end)));
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; bytes];
        from.read_exact(&mut body)?;
        let mut objects = shared.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, mut head, body) = match (method.as_str(), objects.get(&path), range) {
            ("PUT", ..) => {
                objects.insert(path, body);
                (201, String::new(), Vec::new())
            }
            ("DELETE", Some(_), _) => {
                objects.remove(&path);
                (204, String::new(), Vec::new())
            }
            ("GET", Some(object), Some((start, end))) if start < object.len() => {
                let end = end.map_or(object.len(), |last| (last + 1).min(object.len()));
                let range = format!("Content-Range: bytes {start}-{}/{}\r\n", end - 1, object.len());
                (206, range, object[start..end].to_vec())
            }
            ("GET" | "HEAD", Some(object), None) => (200, String::new(), object.clone()),
            ("GET", Some(_), _) => (416, String::new(), Vec::new()),
            _ => (404, String::new(), Vec::new()),
        };
        drop(objects);
        if status != 204 {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        to.write_all(format!("HTTP/1.1 {status} X\r\n{head}\r\n").as_bytes())?;
        if method == "GET" {
            shared.sent.fetch_add(usize::from(status < 300), Ordering::SeqCst);
            to.write_all(&body)?;
        }
    }
}
