//! A server on the loopback device that answers as a test says.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

/// What came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What goes out.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), delay: Duration::ZERO }
    }
}

type Answering = Box<dyn FnMut(&Request) -> Answer + Send>;

#[derive(Clone)]
struct Shared {
    answering: Arc<Mutex<Answering>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// Ends when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answering: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket of ours");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let answering: Answering = Box::new(answering);
        let shared = Shared { answering: Arc::new(Mutex::new(answering)), requests: Arc::default() };
        let router = Router::new().fallback(handle).with_state(shared.clone());
        let (stop, stopping) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of ours");
                let served = tokio::spawn(async { axum::serve(listener, router).await });
                let _ = stopping.await;
                served.abort(); // without grace: a request that waits for a slow answer is cut off
            });
        });
        Self { url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// What came in so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn handle(State(shared): State<Shared>, request: HttpRequest<Body>) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 64 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_vec(),
    };
    let answer = (shared.answering.lock().unwrap_or_else(PoisonError::into_inner))(&request);
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    tokio::time::sleep(answer.delay).await;
    (StatusCode::from_u16(answer.status).expect("a status"), answer.body).into_response()
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    format!("http://{port}")
}
