//! The page itself, in the two formats that Prometheus reads, and the server that shows it.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mvl_core::ObserverError;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;

/// How long the port may take to be free again.
const CLOSING: Duration = Duration::from_secs(1);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page, served until it is dropped.
#[derive(Debug)]
pub(super) struct Page {
    address: SocketAddr,
    shown: Arc<Shown>,
    stop: Option<oneshot::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

#[derive(Debug)]
struct Shown {
    registry: Registry,
    last: Mutex<LastWord>,
    changed: Condvar,
}

/// Whether somebody has seen how the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastWord {
    /// The run has not ended.
    Unsaid,
    Said,
    Seen,
}

impl Page {
    /// Listens at an address, and serves from then on.
    ///
    /// # Errors
    /// When the address is none, or the port is taken.
    pub(super) fn open(address: &str, registry: Registry) -> Result<Self, ObserverError> {
        let listener = listen(address)?;
        let failed = |error| ObserverError::with_source(format!("cannot serve metrics on {address}"), error);
        let local = listener.local_addr().map_err(failed)?;
        let runtime = mvl_store::handle()
            .map_err(|error| ObserverError::with_source("cannot start the threads that serve metrics", error))?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let shown = Arc::new(Shown { registry, last: Mutex::new(LastWord::Unsaid), changed: Condvar::new() });
        let router = Router::new().route("/metrics", get(metrics)).route("/", get(front)).with_state(shown.clone());
        let (stop, stopping) = oneshot::channel();
        let (ended, stopped) = mpsc::channel();
        runtime.spawn(async move {
            let until = async move {
                let _ = stopping.await; // a sender that is gone says the same
            };
            let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
            let _ = ended.send(());
        });
        Ok(Self { address: local, shown, stop: Some(stop), stopped })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the page shows now is the run's last word, or no longer.
    pub(super) fn set_ended(&self, ended: bool) {
        let word = if ended { LastWord::Said } else { LastWord::Unsaid };
        *self.shown.last.lock().unwrap_or_else(PoisonError::into_inner) = word;
    }

    /// Waits until the run's last word, if it is said, was seen; at most this long.
    pub(super) fn wait_until_seen(&self, at_most: Duration) {
        let last = self.shown.last.lock().unwrap_or_else(PoisonError::into_inner);
        let unseen = |last: &mut LastWord| *last == LastWord::Said;
        drop(self.shown.changed.wait_timeout_while(last, at_most, unseen));
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(()); // an error says that it has stopped already
        }
        let _ = self.stopped.recv_timeout(CLOSING); // a slow reader is not waited for
    }
}

fn listen(address: &str) -> Result<TcpListener, ObserverError> {
    let addresses = address.to_socket_addrs().map_err(|error| {
        ObserverError::with_source(
            format!("expected an address and a port, such as 127.0.0.1:9464, got {address:?}"),
            error,
        )
    })?;
    let open = TcpListener::bind(&*addresses.collect::<Vec<_>>()).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    open.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ObserverError::new(format!(
            "cannot serve metrics on {address}: the port is in use; choose another, or port 0 for any that is free"
        )),
        _ => ObserverError::with_source(format!("cannot serve metrics on {address}"), error),
    })
}

async fn front() -> &'static str {
    "The figures of a training run are at /metrics.\n"
}

async fn metrics(State(shown): State<Arc<Shown>>, headers: HeaderMap) -> Response {
    // Before the figures are read: a run that ends meanwhile is seen by the next reader.
    let last = *shown.last.lock().unwrap_or_else(PoisonError::into_inner);
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let open = accepts.into_iter().any(|value| value.contains("application/openmetrics-text"));
    let Some(text) = (if open { open_metrics(&shown.registry) } else { plain(&shown.registry) }) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if last == LastWord::Said {
        *shown.last.lock().unwrap_or_else(PoisonError::into_inner) = LastWord::Seen;
        shown.changed.notify_all();
    }
    ([(header::CONTENT_TYPE, if open { OPEN_METRICS } else { TEXT })], text).into_response()
}

fn open_metrics(registry: &Registry) -> Option<String> {
    let mut text = String::new();
    encode_registry(&mut text, registry).and_then(|()| encode_eof(&mut text)).ok()?;
    Some(text)
}

/// The older format. It differs in one thing here: counters are declared under the name that their samples have.
fn plain(registry: &Registry) -> Option<String> {
    let mut open = String::new();
    encode_registry(&mut open, registry).ok()?;
    let kind = |line: &str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter").map(ToOwned::to_owned);
    let counters: Vec<String> = open.lines().filter_map(kind).collect();
    let mut text = String::with_capacity(open.len() + 256);
    for line in open.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.iter().any(|counter| counter == name) => {
                text.push_str(&format!("# {what} {name}_total {rest}\n"));
            }
            _ => text.extend([line, "\n"]),
        }
    }
    Some(text)
}
