//! Traces and logs: a collector that decodes what it is sent, and lines that say what happened.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use mvl_serve::models::{FixedModels, ModelDefinition, Repository};
use mvl_serve::telemetry::{LogFormat, Telemetry, TelemetryOptions};
use mvl_serve::{GatewayOptions, HttpServer, LineWriter, Service, ServiceOptions, router};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtelValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::security::FINE;
use crate::slow::Slow;

/// How long the engine takes.
const TWENTY: Duration = Duration::from_millis(20);

fn slow_models() -> Arc<FixedModels> {
    Arc::new(FixedModels::new(vec![("slow".to_owned(), Slow::identity(TWENTY))]))
}

type Collected = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// What OTLP over HTTP sends.
async fn collect(State(collected): State<Collected>, body: Bytes) -> &'static str {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of OTLP");
    collected.lock().expect("unharmed").push(request);
    ""
}

fn spans(collected: &Collected) -> Vec<Span> {
    let requests = collected.lock().expect("unharmed").clone();
    let scopes = requests.into_iter().flat_map(|request| request.resource_spans).flat_map(|one| one.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn text(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        OtelValue::StringValue(text) => Some(text.clone()),
        OtelValue::IntValue(number) => Some(number.to_string()),
        OtelValue::DoubleValue(number) => Some(number.to_string()),
        _ => None,
    }
}

async fn ask(address: std::net::SocketAddr, headers: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let request = format!(
        "POST /v2/models/slow/infer HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{FINE}",
        FINE.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

const PARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nx-request-id: mine\r\n";

#[test]
fn a_request_is_traced_from_the_gateway_to_the_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log.jsonl");
    let collected = Collected::default();
    let beside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let collector = beside.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new().route("/v1/traces", post(collect)).with_state(collected.clone());
        tokio::spawn(async move { axum_serve(listener, routes).await });
        address
    });
    let options = TelemetryOptions {
        level: "info".to_owned(),
        format: LogFormat::Json,
        otlp: Some(format!("http://{collector}")),
        sample: 1.0,
    };
    let lines = LineWriter::to_file(&log).expect("opened");
    let telemetry = Telemetry::new(&options, lines, beside.handle().clone()).expect("options");
    // This server's threads hear, those of other tests do not.
    let dispatch = telemetry.dispatch().clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
        .build()
        .expect("a runtime");
    let repository = Arc::new(Repository::new(slow_models(), None));
    repository.define(ModelDefinition::new("slow", "slow")).expect("a new name");
    repository.load("slow").expect("loaded");
    let gateway = GatewayOptions { address: ([127, 0, 0, 1], 0).into(), ..GatewayOptions::default() };
    let server = runtime.block_on(HttpServer::bind(gateway)).expect("a port");
    let address = server.address();
    let routes = router(Service::new(repository), &ServiceOptions::default());
    runtime.spawn(server.run(routes, std::future::pending()));
    let (first, second) = beside.block_on(async { (ask(address, PARENT).await, ask(address, "").await) });
    assert!(first.starts_with("HTTP/1.1 200") && first.contains("x-request-id: mine"), "{first}");
    assert!(second.starts_with("HTTP/1.1 200"), "{second}");
    // What is left is handed over when it is dropped.
    let begun = Instant::now();
    drop(telemetry);
    assert!(begun.elapsed() < Duration::from_secs(5));

    let all = spans(&collected);
    let requests: Vec<&Span> = all.iter().filter(|span| span.name == "POST /v2/models/slow/infer").collect();
    let [with_parent, alone] = requests[..] else { panic!("two requests: {all:#?}") };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&with_parent.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736", "its caller's trace");
    assert_eq!(hex(&with_parent.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(with_parent.kind, 2, "a server's");
    assert!(alone.parent_span_id.is_empty() && alone.trace_id != with_parent.trace_id && alone.trace_id.len() == 16);
    assert_eq!(text(with_parent, "request_id").as_deref(), Some("mine"));
    assert_eq!(text(with_parent, "model").as_deref(), Some("slow"));
    assert_eq!(text(with_parent, "http.response.status_code").as_deref(), Some("200"));
    let stage = |name: &str| {
        let mut of_it = all.iter().filter(|span| span.name == name && span.parent_span_id == with_parent.span_id);
        let span = of_it.next().unwrap_or_else(|| panic!("{name} within the request: {all:#?}"));
        assert_eq!(span.trace_id, with_parent.trace_id);
        assert!(of_it.next().is_none(), "{name} once");
        span
    };
    let took = |span: &Span| Duration::from_nanos(span.end_time_unix_nano - span.start_time_unix_nano);
    let stages = ["decode", "queue", "input", "infer", "output"].map(stage);
    assert!(took(stages[3]) >= TWENTY, "the engine's twenty: {:?}", took(stages[3]));
    assert_eq!(text(stages[3], "batch.rows").as_deref(), Some("1"));
    assert!(took(with_parent) >= took(stages[3]));
    for pair in stages[1..].windows(2) {
        assert_eq!(pair[0].end_time_unix_nano, pair[1].start_time_unix_nano, "one after the other");
    }
    let resource = collected.lock().expect("unharmed")[0].resource_spans[0].resource.clone().expect("a resource");
    assert!(format!("{resource:?}").contains("mvl-serve"), "{resource:?}");

    runtime.shutdown_timeout(Duration::from_secs(5));
    let begun = Instant::now();
    let lines: Vec<Value> = loop {
        let text = std::fs::read_to_string(&log).expect("the log");
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let access: Vec<Value> = lines.into_iter().filter(|line| line["target"] == "mvl_serve::access").collect();
        if access.len() >= 2 || begun.elapsed() > Duration::from_secs(5) {
            break access;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let line = lines.iter().find(|line| line["span"]["request_id"] == "mine").unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(line["status"], 200);
    assert_eq!(line["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&line["span"]["url.path"], &line["span"]["model"]), (&"/v2/models/slow/infer".into(), &"slow".into()));
    let ms = |value: &Value| value.as_f64().unwrap_or(-1.0);
    assert!(ms(&line["span"]["infer_ms"]) >= 20.0 && ms(&line["ms"]) >= ms(&line["span"]["infer_ms"]), "{line}");
}

/// Serves without a gateway.
async fn axum_serve(listener: tokio::net::TcpListener, routes: Router) {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    while let Ok((stream, _)) = listener.accept().await {
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[test]
fn bad_options_are_told() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    for (options, expected) in [
        (TelemetryOptions { level: "loud=very".to_owned(), ..TelemetryOptions::default() }, "level"),
        (TelemetryOptions { sample: 1.5, ..TelemetryOptions::default() }, "sample"),
        (TelemetryOptions { otlp: Some("collector:4318".to_owned()), ..TelemetryOptions::default() }, "otlp"),
        (TelemetryOptions { otlp: Some("no address".to_owned()), ..TelemetryOptions::default() }, "otlp"),
    ] {
        let lines = LineWriter::to_file(&folder.path().join("log")).expect("opened");
        let wrong = Telemetry::new(&options, lines, runtime.handle().clone()).expect_err(expected).to_string();
        assert!(wrong.contains(expected), "expected {expected:?} in {wrong:?}");
    }
}
