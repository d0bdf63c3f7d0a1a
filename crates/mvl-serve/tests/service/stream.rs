//! Pictures over a WebSocket: in order, bounded, with clients that behave and clients that do not.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use mvl_core::{Channels, Cpu, Image};
use mvl_data::encode_png;
use mvl_infer::Engine;
use mvl_models::zoo;
use mvl_serve::models::{
    ClassifierModels, FoundVersion, IdentityModels, LoadOptions, ModelDefinition, ModelParts, ModelSource,
};
use mvl_serve::{GatewayOptions, ServiceError, ServiceOptions, StreamOptions};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::served::{Served, save_model};
use crate::slow::Slow;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A saved model that takes so long for each forward pass; identity models beside it.
struct Slowly(ClassifierModels<Cpu>, Duration);

impl ModelSource for Slowly {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        if source.starts_with("identity:") { IdentityModels.resolve(source) } else { self.0.resolve(source) }
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        if found.address.starts_with("identity:") {
            return IdentityModels.load(found, options);
        }
        let ModelParts { replicas, classifier } = self.0.load(found, options)?;
        let slow = replicas.into_iter().map(|engine| Arc::new(Slow { engine, pass: self.1 }) as Arc<dyn Engine>);
        Ok(ModelParts { replicas: slow.collect(), classifier })
    }
}

const LIMIT: usize = 64 << 10;

fn served(pass: Duration, streams: StreamOptions) -> (Served, tempfile::TempDir) {
    served_behind(GatewayOptions::default(), pass, streams)
}

fn served_behind(gateway: GatewayOptions, pass: Duration, streams: StreamOptions) -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let streams = StreamOptions { message_bytes: LIMIT, ..streams };
    let options = ServiceOptions { streams, ..ServiceOptions::default() };
    let source = Slowly(ClassifierModels::new(zoo()), pass);
    let served = Served::start_with(Arc::new(source), gateway, options);
    let saved = folder.path().to_str().expect("a plain path");
    for (name, source) in [("cats", saved), ("echo", "identity:FP32")] {
        served.repository.define(ModelDefinition::new(name, source)).expect("a new name");
        served.repository.load(name).expect("loaded");
    }
    (served, folder)
}

fn picture() -> Message {
    let image = Image::new(28, 28, Channels::Gray, vec![7; 784]).expect("a picture");
    Message::Binary(encode_png(&image).into())
}

async fn connect(served: &Served, query: &str) -> Socket {
    let address = format!("ws://{}/v1/models/cats/stream{query}", served.address);
    connect_async(address).await.expect("connected").0
}

/// The next answer, or the code with which the stream was closed.
async fn next(socket: &mut Socket) -> Result<Value, Option<u16>> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("something comes");
        match message {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Some(Ok(Message::Close(close))) => return Err(close.map(|close| close.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn answers_come_in_order_and_a_bad_frame_ends_nothing() {
    let (served, _folder) = served(Duration::ZERO, StreamOptions::default());
    runtime().block_on(async {
        let mut socket = connect(&served, "?top=1&window=2").await;
        let bad = [Message::Text("a picture of a cat".into()), Message::Binary((&b"no picture"[..]).into())];
        for message in [picture()].into_iter().chain(bad).chain([Message::Binary(Vec::new().into()), picture()]) {
            socket.send(message).await.expect("sent");
        }
        for (number, expected) in ["", "binary", "picture", "picture", ""].into_iter().enumerate() {
            let answer = next(&mut socket).await.expect("an answer");
            assert_eq!(answer["sequence"], number, "{answer}");
            match expected {
                "" => assert_eq!(answer["classes"].as_array().map(Vec::len), Some(1), "{answer}"),
                expected => {
                    assert_eq!(answer["status"], 400, "{answer}");
                    assert!(answer["error"].as_str().expect("told").contains(expected), "{answer}");
                }
            }
        }
        // Each as the REST way answers.
        let Message::Binary(png) = picture() else { unreachable!("it is binary") };
        socket.send(picture()).await.expect("sent");
        let streamed = next(&mut socket).await.expect("an answer");
        let asked = served.ask("POST /v1/models/cats:predict?top=1", &[], &png).json();
        assert_eq!(streamed["classes"], asked["predictions"][0]);
        socket.close(None).await.expect("closed");
        assert_eq!(next(&mut socket).await, Err(None));
    });
}

#[test]
fn pictures_of_streams_are_held_within_the_bound_of_bodies() {
    let Message::Binary(png) = picture() else { unreachable!("it is binary") };
    let gateway = GatewayOptions { held_bytes: png.len() * 3 / 2, ..GatewayOptions::default() };
    let (served, _folder) = served_behind(gateway, Duration::from_millis(300), StreamOptions::default());
    runtime().block_on(async {
        let (mut first, mut second) = (connect(&served, "").await, connect(&served, "").await);
        first.send(picture()).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
        second.send(picture()).await.expect("sent");
        let refused = next(&mut second).await.expect("an answer");
        assert_eq!((&refused["status"], &refused["sequence"]), (&503.into(), &0.into()), "{refused}");
        assert!(next(&mut first).await.expect("an answer")["classes"].is_array());
        second.send(picture()).await.expect("sent");
        assert!(next(&mut second).await.expect("an answer")["classes"].is_array(), "there is room again");
    });
}

#[test]
fn handshakes_that_are_refused() {
    let (served, _folder) = served(Duration::ZERO, StreamOptions { streams: 1, ..StreamOptions::default() });
    runtime().block_on(async {
        let mut open = connect(&served, "").await;
        for (path, status) in [
            ("cats/stream", 503),
            ("cats/stream?window=0", 400),
            ("cats/stream?window=9", 400),
            ("cats/stream?when_full=panic", 400),
            ("cats/stream?tip=5", 400),
            ("cats/stream?version=7", 404),
            ("echo/stream", 400),
            ("nothing/stream", 404),
            ("%ff%fe/stream", 400),
        ] {
            let error = connect_async(format!("ws://{}/v1/models/{path}", served.address)).await.expect_err(path);
            let tokio_tungstenite::tungstenite::Error::Http(response) = error else { panic!("{path}: {error}") };
            assert_eq!(response.status(), status, "{path}");
        }
        let reply = served.get("/v1/models/cats/stream");
        assert_eq!((reply.status, reply.error().is_some()), (400, true), "no handshake: {reply:?}");
        // A page of another origin.
        let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
        let asks = ["upgrade: websocket", "sec-websocket-version: 13", key, "origin: https://evil.example"];
        assert_eq!(served.ask("GET /v1/models/cats/stream", &asks, b"").status, 403);
        open.send(picture()).await.expect("sent");
        assert_eq!(next(&mut open).await.expect("an answer")["sequence"], 0);
    });
}

#[test]
fn what_ends_a_stream_has_a_code() {
    let options =
        StreamOptions { idle: Duration::from_millis(300), ping: Duration::from_millis(50), ..StreamOptions::default() };
    let (served, _folder) = served(Duration::ZERO, options);
    runtime().block_on(async {
        let frame = |bytes: Vec<u8>, code| Message::Frame(Frame::message(bytes, code, true));
        for (name, message, code) in [
            ("too large", Message::Binary(vec![0; LIMIT + 1].into()), 1009),
            ("bad UTF-8", frame(vec![0xff, 0xfe], OpCode::Data(Data::Text)), 1007),
            ("a continuation of nothing", frame(vec![1], OpCode::Data(Data::Continue)), 1002),
        ] {
            let mut socket = connect(&served, "").await;
            socket.send(picture()).await.expect("sent");
            assert_eq!(next(&mut socket).await.expect("an answer")["sequence"], 0);
            socket.send(message).await.expect("sent");
            assert_eq!(next(&mut socket).await, Err(Some(code)), "{name}");
        }
        // It answers pings, and sends nothing.
        let mut socket = connect(&served, "").await;
        assert_eq!(next(&mut socket).await, Err(Some(1008)));
    });
    // It does not answer pings.
    let begun = Instant::now();
    let mut dumb = upgraded(&served, "");
    let mut rest = Vec::new();
    let _ = dumb.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// A socket after its handshake, of a client that knows no WebSocket.
fn upgraded(served: &Served, query: &str) -> std::net::TcpStream {
    let mut stream = served.connect();
    let request = format!(
        "GET /v1/models/cats/stream{query} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        served.address
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

#[test]
fn a_client_that_never_reads_is_left() {
    let options = StreamOptions { send_time: Duration::from_millis(200), ..StreamOptions::default() };
    let (served, _folder) = served(Duration::ZERO, options);
    for query in ["", "?when_full=drop_oldest"] {
        let mut stream = upgraded(&served, query);
        stream.set_write_timeout(Some(Duration::from_secs(10))).expect("set");
        // A letter of text, masked with zeros: an answer of a hundred bytes for seven.
        let frames = [0x81, 0x81, 0, 0, 0, 0, b'x'].repeat(10_000);
        let begun = Instant::now();
        while stream.write_all(&frames).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is still read");
        }
    }
    runtime().block_on(async {
        let mut socket = connect(&served, "").await;
        socket.send(picture()).await.expect("sent");
        assert_eq!(next(&mut socket).await.expect("an answer")["sequence"], 0);
    });
}

#[test]
fn a_client_that_leaves_takes_its_pictures_with_it() {
    let (served, _folder) = served(Duration::from_millis(100), StreamOptions::default());
    runtime().block_on(async {
        let mut socket = connect(&served, "?window=8").await;
        for _ in 0..7 {
            socket.send(picture()).await.expect("sent");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    });
    let model = served.repository.versions("cats").expect("loaded").remove(0);
    let begun = Instant::now();
    while model.batcher.queued_rows() > 0 && begun.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(250));
    let statistics = model.batcher.statistics();
    assert!(statistics.cancelled >= 1 && statistics.passes <= 2, "{statistics:?}");
}

/// Which numbers were answered and which dropped, in the order told.
async fn told(socket: &mut Socket, until: u64) -> (Vec<u64>, Vec<u64>) {
    let (mut answered, mut dropped, mut expected) = (Vec::new(), Vec::new(), 0);
    while expected < until {
        let answer = next(socket).await.expect("an answer");
        let number = |value: &Value| value.as_u64().expect("a number");
        let (from, to) = match answer.get("dropped") {
            Some(range) => (number(&range["from"]), number(&range["to"])),
            None => (number(&answer["sequence"]), number(&answer["sequence"])),
        };
        assert_eq!(from, expected, "in order, each once: {answer}");
        if answer.get("dropped").is_some() {
            dropped.extend(from..=to)
        } else {
            answered.push(from)
        }
        expected = to + 1;
    }
    (answered, dropped)
}

#[test]
fn a_full_window_waits_or_drops_the_oldest() {
    let (served, _folder) = served(Duration::from_millis(60), StreamOptions::default());
    runtime().block_on(async {
        for (query, drops) in [("?window=2", false), ("?window=1&when_full=drop_oldest", true)] {
            let mut socket = connect(&served, query).await;
            for _ in 0..12 {
                socket.feed(picture()).await.expect("sent");
            }
            socket.flush().await.expect("sent");
            let (answered, dropped) = told(&mut socket, 12).await;
            assert_eq!(dropped.is_empty(), !drops, "{query}: {answered:?} {dropped:?}");
            assert_eq!((answered.first(), answered.last()), (Some(&0), Some(&11)), "the newest is answered");
        }
    });
}

#[test]
fn the_end_of_the_server_waits_for_what_is_under_way() {
    let (mut served, _folder) = served(Duration::from_millis(100), StreamOptions::default());
    runtime().block_on(async {
        let mut socket = connect(&served, "").await;
        for _ in 0..3 {
            socket.send(picture()).await.expect("sent");
        }
        for number in 0..3 {
            assert_eq!(next(&mut socket).await.expect("an answer")["sequence"], number);
            served.end();
        }
        assert_eq!(next(&mut socket).await, Err(Some(1001)));
    });
}
