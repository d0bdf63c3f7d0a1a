//! [`Client`]: asks a service of ours, or any server that speaks the Open Inference Protocol.
//!
//! ```no_run
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! use mvl_infer::HostTensor;
//! use mvl_serve::client::{Client, InferRequest, PredictOptions};
//!
//! let client = Client::new("http://127.0.0.1:8000")?;
//! let seen = client.predict("demo", std::fs::read("photo.jpg")?, &PredictOptions::top(3)).await?;
//! println!("{:?}", seen.predictions[0]);
//!
//! let request = InferRequest::new("echo").with_input("INPUT0", HostTensor::from_f32(vec![1, 2], &[1.0, 2.0]));
//! let answer = client.infer(&request).await?;
//! assert_eq!(answer.output("OUTPUT0").unwrap().to_f32()?, [1.0, 2.0]);
//! # Ok(())
//! # }
//! ```

mod error;
mod infer;
mod models;
mod pictures;
mod transport;

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

pub use error::ClientError;
pub use infer::{InferRequest, InferResponse, ModelMetadata};
pub use pictures::PredictOptions;
use transport::{Asked, Transport};

/// How long an answer may take, unless it is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to reach the server.
const CONNECT: Duration = Duration::from_secs(5);
/// The largest answer.
const ANSWER_BYTES: usize = 256 << 20;

/// How tensors are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TensorEncoding {
    /// Bytes behind the JSON: Triton's extension, which is quicker, loses nothing, and which not every server knows.
    #[default]
    Binary,
    /// Numbers and text in JSON.
    Json,
}

/// Asks a server. Cheap to clone; connections are kept and shared.
///
/// When the server is overloaded and says when to come again (503 or 429 with `Retry-After`), it is asked again, as long as the
/// answer can be there in time.
#[derive(Debug, Clone)]
pub struct Client {
    base: Url,
    transport: Transport,
    timeout: Duration,
    encoding: TensorEncoding,
}

/// What a server is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ServerMetadata {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The extensions that it offers.
    pub extensions: Vec<String>,
}

impl Client {
    /// A client of the server at an address such as `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(address: &str) -> Result<Self, ClientError> {
        let wrong = |what: String| ClientError::Address { address: address.to_owned(), what };
        let base = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong("neither http nor https".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            // Kept out of the message, which may go into a log.
            let shown = base.host_str().unwrap_or_default().to_owned();
            return Err(ClientError::Address { address: shown, what: "it has a password; use a key".to_owned() });
        }
        mvl_store::choose_provider();
        let http = reqwest::Client::builder().connect_timeout(CONNECT).redirect(reqwest::redirect::Policy::none());
        let http = http.build().map_err(|error| wrong(error.to_string()))?;
        let transport = Transport { http, key: None, again: true, answer_bytes: ANSWER_BYTES };
        Ok(Self { base, transport, timeout: TIMEOUT, encoding: TensorEncoding::default() })
    }

    /// Sends an API key or a token with every request.
    ///
    /// # Errors
    /// When a header cannot carry it.
    pub fn with_key(mut self, key: &str) -> Result<Self, ClientError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ClientError::Key)?;
        value.set_sensitive(true);
        self.transport.key = Some(value);
        Ok(self)
    }

    /// Waits so long for an answer, trying again included; half a minute by default. The server is told.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends tensors this way.
    #[must_use]
    pub fn with_encoding(self, encoding: TensorEncoding) -> Self {
        Self { encoding, ..self }
    }

    /// Asks once, whatever the server says.
    #[must_use]
    pub fn without_retries(mut self) -> Self {
        self.transport.again = false;
        self
    }

    /// Takes answers of at most so many bytes; 256 MiB by default.
    #[must_use]
    pub fn with_answer_bytes(mut self, bytes: usize) -> Self {
        self.transport.answer_bytes = bytes;
        self
    }

    /// Where the server is.
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    /// Whether the server is there. Nobody that answers is `false`.
    ///
    /// # Errors
    /// When something else answers.
    pub async fn is_live(&self) -> Result<bool, ClientError> {
        self.is_well(self.url(&["v2", "health", "live"])).await
    }

    /// Whether every model of the server is ready.
    ///
    /// # Errors
    /// As [`is_live`](Self::is_live).
    pub async fn is_ready(&self) -> Result<bool, ClientError> {
        self.is_well(self.url(&["v2", "health", "ready"])).await
    }

    /// Whether a model is ready.
    ///
    /// # Errors
    /// When there is no such model, and as [`is_live`](Self::is_live).
    pub async fn is_model_ready(&self, model: &str, version: Option<&str>) -> Result<bool, ClientError> {
        self.is_well(self.model_url(model, version, &["ready"])).await
    }

    async fn is_well(&self, url: Url) -> Result<bool, ClientError> {
        let asked = Asked { method: Method::GET, url, headers: Vec::new(), body: Bytes::new() };
        let once = Transport { again: false, ..self.transport.clone() };
        match once.send(&asked, self.timeout).await {
            Ok(_) => Ok(true),
            Err(ClientError::Refused { status: 503, .. } | ClientError::Connection { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the server is.
    ///
    /// # Errors
    /// When it refuses, does not answer in time, or not as the protocol says.
    pub async fn server_metadata(&self) -> Result<ServerMetadata, ClientError> {
        self.json(Method::GET, self.url(&["v2"]), Bytes::new()).await
    }

    /// The base with more parts of a path, each quoted as it must be.
    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    pub(crate) fn model_url(&self, model: &str, version: Option<&str>, rest: &[&str]) -> Url {
        let mut parts = vec!["v2", "models", model];
        if let Some(version) = version {
            parts.extend(["versions", version]);
        }
        parts.extend(rest);
        self.url(&parts)
    }

    async fn text(&self, method: Method, url: Url, body: Bytes) -> Result<Bytes, ClientError> {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let headers = if body.is_empty() { Vec::new() } else { vec![kind] };
        let asked = Asked { method, url, headers, body };
        Ok(self.transport.send(&asked, self.timeout).await?.body)
    }

    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let address = url.to_string();
        read(&address, &self.text(method, url, body).await?)
    }

    async fn sent<T: DeserializeOwned>(&self, asked: &Asked, within: Duration) -> Result<T, ClientError> {
        read(asked.url.as_str(), &self.transport.send(asked, within).await?.body)
    }
}

fn read<T: DeserializeOwned>(address: &str, body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body)
        .map_err(|error| ClientError::Answer { address: address.to_owned(), what: error.to_string() })
}
