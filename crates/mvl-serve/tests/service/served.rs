//! A service on a free port, and a client that sends exactly the bytes it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mvl_core::{Backend, Channels, ClassifierSpec, Cpu, Labels, ModelConfig, Preprocess};
use mvl_models::{save_classifier, zoo};
use mvl_serve::models::{ModelSource, Repository};
use mvl_serve::{AllowedSources, GatewayOptions, HttpServer, Service, ServiceOptions, router};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A service that runs until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) repository: Arc<Repository>,
    end: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
}

impl Served {
    pub(crate) fn start(source: Arc<dyn ModelSource>, gateway: GatewayOptions) -> Self {
        let message_bytes = gateway.body_bytes;
        Self::start_with(source, gateway, ServiceOptions { message_bytes, ..ServiceOptions::default() })
    }

    pub(crate) fn start_with(source: Arc<dyn ModelSource>, gateway: GatewayOptions, options: ServiceOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let repository = Arc::new(Repository::new(source, None));
        let gateway = GatewayOptions { address: ([127, 0, 0, 1], 0).into(), ..gateway };
        let server = runtime.block_on(HttpServer::bind(gateway)).expect("a free port");
        let address = server.address();
        let (end, ended) = oneshot::channel::<()>();
        let folders = std::env::temp_dir().display().to_string();
        let own = ["identity:".to_owned(), "models:/".to_owned(), folders];
        let others = ["oip:", "hook:", "ensemble:"].map(ToOwned::to_owned);
        let sources = AllowedSources::new(own.into_iter().chain(others));
        let routes = router(Service::new(repository.clone()).with_sources(sources), &options);
        runtime.spawn(server.run(routes, async move { drop(ended.await) }));
        Self { address, repository, end: Some(end), runtime: Some(runtime) }
    }

    /// Lets the server end; what is under way may still be answered.
    pub(crate) fn end(&mut self) {
        drop(self.end.take());
    }

    /// Sends bytes, and gives what comes back until the server closes.
    pub(crate) fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes); // the server may have answered and closed before all was sent
        Reply::read(stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        stream
    }

    /// A request with a body and its length.
    pub(crate) fn ask(&self, line: &str, headers: &[&str], body: &[u8]) -> Reply {
        let mut text = format!("{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for header in headers {
            text += &format!("{header}\r\n");
        }
        if !headers.iter().any(|header| header.starts_with("content-length") || header.starts_with("transfer-encoding"))
        {
            text += &format!("content-length: {}\r\n", body.len());
        }
        self.send(&[format!("{text}\r\n").as_bytes(), body].concat())
    }

    /// The same by somebody with a key or a token, in JSON.
    pub(crate) fn ask_as(&self, key: &str, line: &str, body: &str) -> Reply {
        self.ask(line, &[&format!("authorization: Bearer {key}"), "content-type: application/json"], body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask(&format!("GET {path}"), &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Reply {
        self.ask(&format!("POST {path}"), &["content-type: application/json"], body)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

/// What came back. A connection that was closed without an answer has status 0.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes); // a reset after the answer is no matter
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The text of `{"error": text}`, which must be all there is.
    pub(crate) fn error(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        let object = body.as_object()?;
        (object.len() == 1).then(|| object.get("error")?.as_str().map(ToOwned::to_owned))?
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Writes a file in place, as long as `length` by blanks at its end, with a time of change that is no other than `at`: nothing but its
/// contents tells it from what was there.
pub(crate) fn write_unseen(path: &Path, text: &str, length: usize, at: std::time::SystemTime) {
    std::fs::write(path, format!("{text:<length$}")).expect("written");
    let file = std::fs::File::options().write(true).open(path).expect("there");
    file.set_modified(at).expect("set");
}

/// Saves a small net for grey pictures of 28 pixels a side, whose first label tells it from others.
pub(crate) fn save_model(folder: &Path, first_label: &str) {
    let device = Cpu::device(0).expect("a processor");
    let config = ModelConfig::new("resnet8", 2).with_in_channels(1);
    let model = zoo().create_classifier(&config, &device).expect("a net");
    let preprocess = Preprocess::exact(28, 28, Channels::Gray, &[0.5], &[0.25]);
    let spec = ClassifierSpec::new(config, Labels::new([first_label, "other"]), preprocess);
    save_classifier(folder, &model, &spec).expect("saved");
}
