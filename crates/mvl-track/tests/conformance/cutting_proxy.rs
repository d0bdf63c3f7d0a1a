//! A proxy before a database server: it passes bytes on both ways, and cuts connections at random moments: before a piece went on, in the
//! middle of one, or right after, so that what was asked for is done and nobody hears of it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use mvl_core::SampleRng;

/// How long a slow piece waits.
const SLOW: Duration = Duration::from_millis(40);

/// Passes bytes on until it is dropped.
pub(crate) struct CuttingProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    rate: f64,
    seed: u64,
    pieces: AtomicU64,
    cuts: AtomicU64,
    closed: AtomicBool,
}

impl CuttingProxy {
    /// Before the server of an address `postgres://user@host:port/…`; of all pieces that go through, this share meets with a cut, and as
    /// many are slow.
    pub(crate) fn start(uri: &str, rate: f64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (pieces, cuts, closed) = Default::default();
        let shared = Arc::new(Shared { server: host_of(uri).to_owned(), rate, seed, pieces, cuts, closed });
        let serving = shared.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                if serving.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, client) = (serving.clone(), connection.expect("it was accepted"));
                // Errors are those of a side that has gone.
                thread::spawn(move || drop(connect(&shared, client)));
            }
        });
        Self { address, shared }
    }

    /// The address of a server, led through here.
    pub(crate) fn before(&self, uri: &str) -> String {
        uri.replace(host_of(uri), &self.address.to_string())
    }

    /// Pieces that went through, and cuts.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.shared.pieces.load(Ordering::SeqCst), self.shared.cuts.load(Ordering::SeqCst))
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes it up
    }
}

fn host_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn connect(shared: &Arc<Shared>, client: TcpStream) -> io::Result<()> {
    let server = TcpStream::connect(&shared.server)?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (from_server, to_client, back) = (server.try_clone()?, client.try_clone()?, shared.clone());
    thread::spawn(move || drop(pass(&back, from_server, to_client)));
    pass(shared, client, server)
}

/// Passes one direction on, until one side has gone or the connection is cut.
fn pass(shared: &Shared, mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    let mut piece = vec![0; 16 << 10];
    let passed = loop {
        let bytes = match from.read(&mut piece) {
            Ok(0) | Err(_) => break Ok(()),
            Ok(bytes) => bytes,
        };
        let number = shared.pieces.fetch_add(1, Ordering::SeqCst);
        let mut rng = SampleRng::new([shared.seed, number, 0, 0]);
        if rng.chance(shared.rate) {
            shared.cuts.fetch_add(1, Ordering::SeqCst);
            break to.write_all(&piece[..[0, bytes / 2, bytes][rng.below(3)]]);
        }
        if rng.chance(shared.rate) {
            thread::sleep(SLOW);
        }
        if let Err(error) = to.write_all(&piece[..bytes]) {
            break Err(error);
        }
    };
    for side in [&from, &to] {
        let _ = side.shutdown(Shutdown::Both); // it may have gone
    }
    passed
}
