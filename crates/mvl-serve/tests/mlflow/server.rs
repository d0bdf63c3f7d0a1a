//! A server on a free port, and a client that sends exactly what it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use mvl_serve::mlflow::{ServeOptions, Server};
use mvl_store::StoreUrl;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A server that ends with the test.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    /// Sent with every request that names no other.
    pub(crate) authorization: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error code, if it is an error of MLflow's form.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        assert!(json["message"].as_str().is_some_and(|message| !message.is_empty()), "{json}");
        json["error_code"].as_str().expect("an error code").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(set: impl FnOnce(ServeOptions) -> ServeOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let server = runtime.block_on(async {
            let options = ServeOptions::open(&database(&folder), &artifacts(&folder)).await.expect("a database");
            Server::bind(set(options.at(([127, 0, 0, 1], 0).into()))).await.expect("a port")
        });
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(server.run(async {
                let _ = stopped.await;
            }))
        });
        Self { address, authorization: None, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    /// Tells the server to end and waits for it.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic");
        }
    }

    /// A request, byte for byte.
    pub(crate) fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream.write_all(bytes).expect("sent");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("an answer");
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {all:?}"));
        let headers = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Reply { status, headers, body: all[end + 4..].to_vec() }
    }

    /// A request with some headers of its own.
    pub(crate) fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        let has = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        if !has("host") {
            request += &format!("Host: {}\r\n", self.address);
        }
        if let Some(authorization) = self.authorization.as_ref().filter(|_| !has("authorization")) {
            request += &format!("Authorization: {authorization}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        self.send(&[request.as_bytes(), b"\r\n", body].concat())
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask_with("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        let body = body.to_string();
        self.ask_with(
            "POST",
            &format!("/api/2.0/mlflow/{path}"),
            &[("Content-Type", "application/json")],
            body.as_bytes(),
        )
    }

    /// A new run: its experiment and its id.
    pub(crate) fn run(&self) -> (String, String) {
        let name = format!("experiment {:?}", std::time::Instant::now());
        let experiment = self.post("experiments/create", &serde_json::json!({"name": name})).json();
        let run = self.post("runs/create", &serde_json::json!({"experiment_id": experiment["experiment_id"]})).json();
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        (text(&experiment["experiment_id"]), text(&run["run"]["info"]["run_id"]))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn database(folder: &TempDir) -> String {
    format!("sqlite:///{}/track.db", folder.path().display())
}

pub(crate) fn artifacts(folder: &TempDir) -> StoreUrl {
    StoreUrl::parse(folder.path().join("artifacts").to_str().expect("UTF-8")).expect("a folder")
}
