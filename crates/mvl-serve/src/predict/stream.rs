//! `GET /v1/models/{model}/stream`: a WebSocket of pictures in and predictions out, in their order.
//!
//! A bounded window of pictures is under way. When it is full the socket is not read any further, so that the client's own writing
//! waits; or, if it asks for that, the oldest picture that waits is dropped and the client told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::http::Extensions;
use axum::response::Response;
use bytes::Bytes;
use mvl_infer::Priority;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite;

use super::pictures::takes_pictures;
use super::{NamedClass, Pictures, Predictions, Question};
use crate::extract::InPath;
use crate::gateway::{Asked, Ending, Held, Streams};
use crate::task::Task;
use crate::{ServiceError, Trouble};

/// How long the last word may take that says why a stream ends.
const GOODBYE: Duration = Duration::from_secs(1);
/// After so many pings without an answer a client is gone.
const UNANSWERED: u32 = 3;

/// How much a stream of pictures may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOptions {
    /// The most streams at a time.
    pub streams: usize,
    /// The most pictures of a stream that are under way, which is also what a stream gets that does not ask for less.
    pub window: usize,
    /// The largest picture.
    pub message_bytes: usize,
    /// A stream without a picture for so long is closed.
    pub idle: Duration,
    /// How often a client is asked whether it is still there.
    pub ping: Duration,
    /// How long a client may take to read an answer.
    pub send_time: Duration,
}

impl Default for StreamOptions {
    /// 256 streams, 8 pictures under way of at most 16 MiB each, five minutes without a picture, a ping every 20 s, 10 s to read.
    fn default() -> Self {
        Self {
            streams: 256,
            window: 8,
            message_bytes: 16 << 20,
            idle: Duration::from_secs(300),
            ping: Duration::from_secs(20),
            send_time: Duration::from_secs(10),
        }
    }
}

/// What happens to a picture that comes when the window is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhenFull {
    /// It is not read.
    #[default]
    Wait,
    /// The oldest that waits makes room.
    DropOldest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    #[serde(default)]
    version: Option<String>,
    #[serde(default = "super::rest::top")]
    top: usize,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    window: Option<usize>,
    #[serde(default)]
    when_full: WhenFull,
}

pub(super) async fn open(
    State(pictures): State<Pictures>,
    streams: Option<Extension<Streams>>,
    extensions: Extensions,
    InPath(model): InPath<String>,
    query: Result<Query<StreamQuery>, axum::extract::rejection::QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ServiceError> {
    let Query(query) = query.map_err(|error| ServiceError::invalid(error.body_text()))?;
    let held = Asked::held(&extensions);
    let options = pictures.streaming;
    let window = query.window.unwrap_or(options.window);
    if !(1..=options.window).contains(&window) {
        return Err(ServiceError::invalid(format!("expected a window of 1 to {}, got {window}", options.window)));
    }
    let picked = pictures.service().repository().pick(&model, query.version.as_deref())?;
    takes_pictures(&picked)?;
    let upgrade = upgrade
        .map_err(|error| ServiceError::invalid(format!("expected a WebSocket's handshake: {}", error.body_text())))?;
    let place = pictures.streams.clone().try_acquire_owned().map_err(|_| ServiceError {
        retry_after: Some(Duration::from_secs(1)),
        ..ServiceError::new(Trouble::Unavailable, format!("{} streams are open already", options.streams))
    })?;
    let question = Question {
        model,
        version: query.version,
        top: query.top,
        priority: Priority::Normal,
        timeout: query.timeout_ms.map(Duration::from_millis),
    };
    let ending = streams.map_or_else(Streams::default, |Extension(streams)| streams).open();
    let upgrade = upgrade
        .max_message_size(options.message_bytes)
        .max_frame_size(options.message_bytes)
        .max_write_buffer_size(1 << 20);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let frames = Frames {
            pictures,
            question,
            held,
            window,
            when_full: query.when_full,
            next: 0,
            line: VecDeque::new(),
            under_way: 0,
            waiting: 0,
        };
        frames.run(socket, options, ending, place).await;
    }))
}

/// What a model sees in a picture.
#[derive(Serialize)]
struct Told<'a> {
    sequence: u64,
    model: &'a str,
    version: &'a str,
    classes: &'a [NamedClass],
}

/// A place in the order of answers.
enum Place {
    UnderWay(u64, Task<Predictions>),
    Waiting(u64, Frame),
    /// An answer that needs no model.
    Told(String),
    Dropped {
        from: u64,
        to: u64,
    },
}

/// A picture, which is held as long as it may be looked at.
#[derive(Clone)]
struct Frame(Bytes, Option<Held>);

/// What has come and was not answered yet.
struct Frames {
    pictures: Pictures,
    question: Question,
    /// Where there is a gateway that says how much may be held.
    held: Option<Held>,
    window: usize,
    when_full: WhenFull,
    /// The number of the next one.
    next: u64,
    line: VecDeque<Place>,
    under_way: usize,
    waiting: usize,
}

/// Why a stream ends.
enum End {
    /// The client has said so, or is gone.
    Left,
    /// We say why.
    Close(u16, &'static str),
}

impl Frames {
    async fn run(
        mut self,
        mut socket: WebSocket,
        options: StreamOptions,
        mut ending: Ending,
        _place: OwnedSemaphorePermit,
    ) {
        let mut pings = tokio::time::interval_at((Instant::now() + options.ping).into(), options.ping);
        let (mut heard, mut busy, mut last) = (Instant::now(), Instant::now(), false);
        let end = loop {
            self.begin();
            if last && self.line.is_empty() {
                break End::Close(close_code::AWAY, "the server ends");
            }
            let reads = !last && self.takes_more();
            tokio::select! {
                answer = first(&mut self.line), if !self.line.is_empty() => {
                    self.answered();
                    busy = Instant::now();
                    let text = Message::Text(answer.into());
                    match tokio::time::timeout(options.send_time, socket.send(text)).await {
                        Ok(Ok(())) => {}
                        _ => break End::Left, // it does not read, so it cannot be told either
                    }
                }
                message = socket.recv(), if reads => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Binary(picture))) => {
                            busy = heard;
                            self.came(picture);
                        }
                        Some(Ok(Message::Text(_))) => {
                            busy = heard;
                            let error = ServiceError::invalid("expected a picture in a binary message, got text");
                            self.told(&error);
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => break End::Left,
                        Some(Err(error)) => break broken(error),
                    }
                }
                () = ending.begun(), if !last => last = true,
                _ = pings.tick() => {
                    if reads && heard.elapsed() > options.ping * UNANSWERED {
                        break End::Left;
                    }
                    if self.line.is_empty() && busy.elapsed() >= options.idle {
                        break End::Close(close_code::POLICY, "no picture came for too long");
                    }
                    if !reads {
                        heard = Instant::now(); // its answers lie unread
                    }
                    match tokio::time::timeout(options.send_time, socket.send(Message::Ping(Bytes::new()))).await {
                        Ok(Ok(())) => {}
                        _ => break End::Left,
                    }
                }
            }
        };
        drop(self); // what is under way is of no use any more
        if let End::Close(code, reason) = end {
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            let goodbye = async {
                if socket.send(close).await.is_ok() {
                    while let Some(Ok(_)) = socket.recv().await {} // until the client has said it too
                }
            };
            let _ = tokio::time::timeout(GOODBYE, goodbye).await; // a client that does not listen misses it
        }
    }

    /// Whether another picture may be read.
    fn takes_more(&self) -> bool {
        match self.when_full {
            WhenFull::Wait => self.line.len() < self.window,
            WhenFull::DropOldest => true,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn came(&mut self, picture: Bytes) {
        let held = self.held.as_ref().map(Held::another);
        if let Some(Err(full)) = held.as_ref().map(|held| held.hold(picture.len())) {
            return self.told(&full);
        }
        let number = self.number();
        self.line.push_back(Place::Waiting(number, Frame(picture, held)));
        self.waiting += 1;
        self.begin();
        if self.waiting > self.window {
            self.drop_oldest();
        }
    }

    fn told(&mut self, error: &ServiceError) {
        let number = self.number();
        self.line.push_back(Place::Told(refused(number, error)));
        // Answers that wait are bounded too.
        if self.line.len() > 4 * self.window {
            self.line.pop_back();
            self.line.push_back(Place::Dropped { from: number, to: number });
            self.merge();
        }
    }

    /// Lets pictures that wait be looked at, as long as the window has room.
    fn begin(&mut self) {
        while self.under_way < self.window && self.waiting > 0 {
            let waits = self.line.iter_mut().find(|place| matches!(place, Place::Waiting(..)));
            let Some(Place::Waiting(number, frame)) = waits.as_deref() else { return };
            let (number, Frame(picture, held)) = (*number, frame.clone());
            let (pictures, question) = (self.pictures.clone(), self.question.clone());
            let task = Task::spawn(async move {
                let _held = held;
                pictures.look(&question, vec![picture]).await
            });
            if let Some(place) = waits {
                *place = Place::UnderWay(number, task);
            }
            self.under_way += 1;
            self.waiting -= 1;
        }
    }

    fn drop_oldest(&mut self) {
        let oldest = self.line.iter_mut().find(|place| matches!(place, Place::Waiting(..)));
        if let Some(place) = oldest
            && let Place::Waiting(number, _) = place
        {
            *place = Place::Dropped { from: *number, to: *number };
            self.waiting -= 1;
        }
        self.merge();
    }

    /// Makes one of neighbours that were dropped, so that however many are, few places are kept.
    fn merge(&mut self) {
        let mut merged: VecDeque<Place> = VecDeque::with_capacity(self.line.len());
        for place in self.line.drain(..) {
            match (merged.back_mut(), &place) {
                (Some(Place::Dropped { to, .. }), Place::Dropped { from, to: last }) if *to + 1 == *from => *to = *last,
                _ => merged.push_back(place),
            }
        }
        self.line = merged;
    }

    /// Takes away the first place, whose answer was given.
    fn answered(&mut self) {
        if let Some(Place::UnderWay(..)) = self.line.pop_front() {
            self.under_way -= 1;
        }
    }
}

/// The answer that is to be given next, once it is there.
async fn first(line: &mut VecDeque<Place>) -> String {
    match line.front_mut() {
        Some(Place::UnderWay(number, task)) => match task.await {
            Ok(seen) => {
                let classes = seen.predictions.first().map_or(&[][..], Vec::as_slice);
                let told = Told { sequence: *number, model: &seen.model, version: &seen.version, classes };
                serde_json::to_string(&told).unwrap_or_else(|error| refused(*number, &internal(error)))
            }
            Err(error) => refused(*number, &error),
        },
        Some(Place::Told(told)) => std::mem::take(told),
        Some(Place::Dropped { from, to }) => json!({ "dropped": { "from": from, "to": to } }).to_string(),
        // What waits is begun before it is first in line.
        Some(Place::Waiting(..)) | None => std::future::pending().await,
    }
}

fn refused(number: u64, error: &ServiceError) -> String {
    json!({ "sequence": number, "error": error.message, "status": error.trouble.status().as_u16() }).to_string()
}

fn internal(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::internal(error.to_string())
}

/// What is to be said of a message that is none.
fn broken(error: axum::Error) -> End {
    let error = error.into_inner();
    match error.downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => End::Close(close_code::SIZE, "the picture is too large"),
        Some(tungstenite::Error::Utf8(_)) => End::Close(close_code::INVALID, "the text is not UTF-8"),
        Some(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            End::Left
        }
        Some(tungstenite::Error::Protocol(_)) => End::Close(close_code::PROTOCOL, "this is not WebSocket"),
        _ => End::Left,
    }
}
