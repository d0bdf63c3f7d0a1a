//! A web server on the loopback device that sends one file at a time, in part if it is asked to, and goes wrong on purpose.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) e_tag: Option<&'static str>,
    /// Whether ranges are heeded.
    pub(crate) ranges: bool,
    /// The connection is closed after so many bytes of the answer's body.
    pub(crate) breaks_after: Option<usize>,
    /// Another address, instead of the body.
    pub(crate) redirect: Option<String>,
    pub(crate) status: u16,
    /// Time between pieces of the body.
    pub(crate) pause: Duration,
}

impl Answer {
    pub(crate) fn whole(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            e_tag: None,
            ranges: true,
            breaks_after: None,
            redirect: None,
            status: 200,
            pause: Duration::ZERO,
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::whole(b"") }
    }
}

/// Path and first byte of a request.
pub(crate) type Asked = (String, Option<usize>);
type Script = Box<dyn Fn(usize, &str) -> Answer + Send + Sync>;

/// Serves until it is dropped.
pub(crate) struct FileServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    script: Script,
    asked: Mutex<Vec<Asked>>,
    closed: AtomicBool,
}

impl FileServer {
    /// `script` says how the request with this number, from 0, for this path is answered.
    pub(crate) fn start(script: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared =
            Arc::new(Shared { script: Box::new(script), asked: Mutex::default(), closed: AtomicBool::new(false) });
        let serving = shared.clone();
        let listening = thread::spawn(move || {
            for connection in listener.incoming() {
                if serving.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, connection) = (serving.clone(), connection.expect("it was accepted"));
                thread::spawn(move || while serve(&shared, &connection) {});
            }
        });
        Self { address, shared, listening: Some(listening) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes it up
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

/// Answers one request; `false` when the connection is over.
fn serve(shared: &Shared, mut to: &TcpStream) -> bool {
    let mut lines = BufReader::new(to).lines().map_while(Result::ok);
    let Some(path) = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.trim_start_matches('/').to_owned()))
    else {
        return false;
    };
    let headers = lines.take_while(|line| !line.is_empty()).map(|line| line.to_ascii_lowercase());
    let first =
        headers.filter_map(|line| line.strip_prefix("range: bytes=")?.split('-').next()?.parse::<usize>().ok()).last();
    let number = {
        let mut asked = shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push((path.clone(), first));
        asked.len() - 1
    };
    let Answer { body, e_tag, ranges, breaks_after, redirect, status, pause } = (shared.script)(number, &path);
    let from = first.filter(|_| ranges && status == 200);
    let (status, part) = match (redirect.is_some(), from) {
        (true, _) => (302, &b""[..]),
        (_, Some(from)) if from >= body.len() => (416, &b""[..]),
        (_, Some(from)) => (206, &body[from..]),
        _ => (status, &body[..]),
    };
    let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", part.len());
    if status == 206 {
        head += &format!("Content-Range: bytes {}-{}/{}\r\n", body.len() - part.len(), body.len() - 1, body.len());
    }
    e_tag.iter().for_each(|e_tag| head += &format!("ETag: \"{e_tag}\"\r\n"));
    redirect.iter().for_each(|place| head += &format!("Location: {place}\r\n"));
    let sent = &part[..breaks_after.unwrap_or(part.len()).min(part.len())];
    let mut written = to.write_all(format!("{head}\r\n").as_bytes());
    for piece in sent.chunks(1 << 14) {
        thread::sleep(pause);
        written = written.and_then(|()| to.write_all(piece));
    }
    let broken = sent.len() < part.len();
    if broken {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
    written.is_ok() && !broken
}
