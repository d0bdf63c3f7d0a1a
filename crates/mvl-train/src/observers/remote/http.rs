//! Requests that block, on the runtime that object stores use too, and answers that say whether to try again.
//!
//! Redirections are not followed: they turn a POST into a GET, and could carry credentials elsewhere.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use mvl_core::{ObserverError, RecordFailure};
pub(crate) use reqwest::Method;
use reqwest::{Client, RequestBuilder, Response, Url};

/// No answer that we wait for is larger.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// How much of an error's text people are shown.
const MAX_SHOWN_CHARS: usize = 300;
/// How much of a file is read at a time.
const PIECE_BYTES: u64 = 256 << 10;
/// The slowest upload that is waited for.
const SLOWEST_BYTES_PER_SECOND: u64 = 100 << 10;
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A client for one server.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    client: Client,
    timeout: Duration,
    /// Scheme, host and port: what people are shown of addresses, whose rest may be secret.
    server: String,
}

/// What a request carries.
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    File(FileBody),
}

impl HttpClient {
    /// A client whose requests take at most this long, uploads of files apart.
    ///
    /// # Errors
    /// When the system has no certificates to trust, or something like it.
    pub(crate) fn new(address: &Url, timeout: Duration) -> Result<Self, ObserverError> {
        mvl_store::choose_provider();
        let agent = concat!("mvl/", env!("CARGO_PKG_VERSION"));
        let builder =
            Client::builder().user_agent(agent).connect_timeout(timeout).redirect(reqwest::redirect::Policy::none());
        let client =
            builder.build().map_err(|error| ObserverError::with_source("cannot make an HTTP client", error))?;
        Ok(Self { client, timeout, server: address.origin().ascii_serialization() })
    }

    /// Scheme, host and port.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// A request that is still to be given headers.
    pub(crate) fn request(&self, method: Method, url: Url, body: Body) -> RequestBuilder {
        let request = self.client.request(method, url);
        match body {
            Body::Empty => request.timeout(self.timeout),
            Body::Bytes(bytes) => request.timeout(self.timeout).body(bytes),
            Body::File(file) => {
                let seconds = file.left / SLOWEST_BYTES_PER_SECOND;
                request.timeout(self.timeout + Duration::from_secs(seconds)).body(reqwest::Body::wrap(file))
            }
        }
    }

    /// A request for a file of this size.
    pub(crate) fn request_of(&self, url: Url, bytes: u64) -> RequestBuilder {
        let seconds = bytes / SLOWEST_BYTES_PER_SECOND;
        self.client.get(url).timeout(self.timeout + Duration::from_secs(seconds))
    }

    /// Sends a request and its answer on to a writer, as it comes; more than `most` bytes are a failure, and so is any status but success.
    pub(crate) fn download(
        &self,
        request: RequestBuilder,
        most: u64,
        to: &mut dyn Write,
    ) -> Result<u64, RecordFailure> {
        let runtime = mvl_store::handle().map_err(|error| RecordFailure::refused(error.to_string()).or_hopeless())?;
        runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| self.unsent(error))?;
            if !response.status().is_success() {
                let status = response.status().as_u16();
                let what = format!("{} answered with status {status}", self.server);
                return Err(RecordFailure { status: Some(status), ..RecordFailure::refused(what) });
            }
            let mut arrived = 0_u64;
            while let Some(piece) = response.chunk().await.map_err(|error| self.unsent(error))? {
                arrived += piece.len() as u64;
                if arrived > most {
                    let what = format!("{} sent more than the {most} bytes that it said", self.server);
                    return Err(RecordFailure::refused(what));
                }
                to.write_all(&piece).map_err(|error| RecordFailure::refused(format!("cannot write it: {error}")))?;
            }
            Ok(arrived)
        })
    }

    /// Sends a request and waits for the whole answer; only statuses of success are no failure.
    pub(crate) fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, RecordFailure> {
        let runtime = mvl_store::handle().map_err(|error| RecordFailure::refused(error.to_string()).or_hopeless())?;
        runtime.block_on(async {
            let response = request.send().await.map_err(|error| self.unsent(error))?;
            let (status, retry_after) = (response.status(), pause_asked_for(&response));
            let answer = self.read(response).await;
            if status.is_success() {
                return answer;
            }
            let said = answer.map(|answer| shown(&answer)).unwrap_or_default();
            let colon = if said.is_empty() { "" } else { ": " };
            let what = format!("{} answered with status {}{colon}{said}", self.server, status.as_u16());
            let passes = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502..=504 | 506..=599);
            let failure = if passes { RecordFailure::passing(what) } else { RecordFailure::refused(what) };
            Err(RecordFailure { retry_after, status: Some(status.as_u16()), ..failure })
        })
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, RecordFailure> {
        let mut answer = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unsent(error))? {
            if answer.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(RecordFailure::refused(format!("{} gave an answer of more than 16 MiB", self.server)));
            }
            answer.extend_from_slice(&piece);
        }
        Ok(answer)
    }

    /// No answer, or a broken one; the address is left out of the message.
    fn unsent(&self, error: reqwest::Error) -> RecordFailure {
        let hopeless = error.is_builder();
        let what = if error.is_timeout() {
            format!("{} did not answer in time", self.server)
        } else {
            let error = error.without_url();
            let mut cause: &dyn Error = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            format!("cannot reach {}: {cause}", self.server)
        };
        if hopeless { RecordFailure::refused(what) } else { RecordFailure::passing(what) }
    }
}

fn pause_asked_for(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// An error's text in one line.
fn shown(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let mut words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(MAX_SHOWN_CHARS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

/// A file as a body of known length, read as it goes out.
pub(crate) struct FileBody {
    file: File,
    left: u64,
}

impl FileBody {
    /// Opens a file with the length it has now.
    ///
    /// # Errors
    /// As for opening it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let left = file.metadata()?.len();
        Ok(Self { file, left })
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        // Reading a piece takes less than what a runtime calls blocking.
        let mut piece = vec![0; self.left.min(PIECE_BYTES) as usize];
        Poll::Ready(Some(self.file.read_exact(&mut piece).map(|()| {
            self.left -= piece.len() as u64;
            Frame::data(piece.into())
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shown_in_one_short_line() {
        assert_eq!(shown(b"<html>\n  no\n</html>\n"), "<html> no </html>");
        assert_eq!(shown("ä".repeat(400).as_bytes()).chars().count(), MAX_SHOWN_CHARS + 1);
    }

    #[test]
    fn a_server_that_is_away_may_come_back_and_secrets_stay_secret() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
        let url = Url::parse(&format!("http://me:secret@{port}/hooks/T0KEN")).expect("an address");
        let client = HttpClient::new(&url, Duration::from_secs(5)).expect("a client");
        let failure = client.send(client.request(Method::GET, url, Body::Empty)).expect_err("nobody listens");
        assert_eq!(failure.kind, mvl_core::RecordFailureKind::Passing);
        assert!(failure.what.starts_with(&format!("cannot reach http://{port}: ")), "{}", failure.what);
        assert!(!failure.what.contains("secret") && !failure.what.contains("T0KEN"), "{}", failure.what);
    }
}
