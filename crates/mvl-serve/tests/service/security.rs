//! Who may do what: keys, scopes, limits, pages of others, what is written down.

use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_serve::models::{IdentityModels, ModelDefinition};
use mvl_serve::{ApiKeys, AuditLog, AuditOptions, GatewayOptions, KeyEntry, KeyFile, ModelPattern, Scope};
use serde_json::Value;

use crate::served::{Reply, Served};

pub(crate) const FINE: &str = r#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#;
const INFER: &str = "infers: correct horse";
const READ: &str = "reads: battery staple";
const MANAGE: &str = "manages: tr0ub4dor&3";
const CATS: &str = "only cats, all scopes";
const OLD: &str = "a key of last year";
const GONE: &str = "a key that was revoked";

/// Two models that give back what they get.
pub(crate) fn served(gateway: GatewayOptions) -> Served {
    let served = Served::start(Arc::new(IdentityModels), gateway);
    for name in ["cats", "dogs"] {
        served.repository.define(ModelDefinition::new(name, "identity:FP32")).expect("a new name");
        served.repository.load(name).expect("loaded");
    }
    served
}

fn keys() -> ApiKeys {
    let mut cats = KeyEntry::new("cats", CATS, Scope::ALL.to_vec());
    cats.models = Some(vec![ModelPattern("cat*".to_owned())]);
    let mut old = KeyEntry::new("old", OLD, Scope::ALL.to_vec());
    old.expires = Some("2025-01-01T00:00:00Z".parse().expect("a moment"));
    let mut gone = KeyEntry::new("gone", GONE, Scope::ALL.to_vec());
    gone.revoked = true;
    let entries = [
        KeyEntry::new("infer", INFER, vec![Scope::Infer]),
        KeyEntry::new("read", READ, vec![Scope::Read]),
        KeyEntry::new("manage", MANAGE, vec![Scope::Manage]),
        cats,
        old,
        gone,
    ];
    entries.iter().fold(ApiKeys::default(), |keys, entry| keys.with_entry(entry).expect("a key"))
}

#[test]
fn scopes_and_models_are_kept() {
    let served = served(GatewayOptions { keys: keys(), ..GatewayOptions::default() });
    let create = r#"{"name":"cats2","source":"identity:FP32"}"#;
    let elsewhere = r#"{"name":"birds","source":"identity:FP32"}"#;
    for (key, line, body, status, error) in [
        (INFER, "POST /v2/models/cats/infer", FINE, 200, ""),
        (INFER, "POST /v2/models/cats/versions/1/infer", FINE, 200, ""),
        (INFER, "POST /v1/models/cats:predict", "{}", 400, "pictures"),
        (INFER, "GET /v2/models/cats", "", 403, "key \"infer\" has no scope \"read\""),
        (INFER, "GET /metrics", "", 403, "read"),
        (INFER, "POST /v1/models/cats:unload", "", 403, "manage"),
        (INFER, "POST /v1/models/cats%3Aunload", "", 403, "manage"),
        (INFER, "POST /v1/models/cats:predict:unload", "", 403, "manage"),
        (INFER, "DELETE /v1/models/cats", "", 403, "manage"),
        (READ, "GET /v2", "", 200, ""),
        (READ, "GET /v2/models/cats/config", "", 200, ""),
        (READ, "GET /v2/models/stats", "", 200, ""),
        (READ, "POST /v2/repository/index", "", 200, ""),
        (READ, "GET /v1/models", "", 200, ""),
        (READ, "GET /metrics", "", 200, ""),
        (READ, "GET /metrics/triton", "", 200, ""),
        (READ, "POST /v2/models/cats/infer", FINE, 403, "infer"),
        (READ, "POST /v1/models", create, 403, "manage"),
        (READ, "POST /v2/repository/models/cats/unload", "", 403, "manage"),
        (MANAGE, "POST /v2/models/cats/infer", FINE, 403, "infer"),
        (MANAGE, "POST /v1/models/dogs:load", "", 200, ""),
        (MANAGE, "POST /elsewhere", "", 404, "nothing at"),
        (CATS, "POST /v2/models/cats/infer", FINE, 200, ""),
        (CATS, "POST /v2/models/dogs/infer", FINE, 403, "may not use model \"dogs\""),
        (CATS, "POST /v2/models/d%6fgs/infer", FINE, 403, "dogs"),
        (CATS, "POST /v2/models/none/infer", FINE, 403, "none"),
        (CATS, "GET /v2/models/dogs/stats", "", 403, "dogs"),
        (CATS, "DELETE /v1/models/dogs", "", 403, "dogs"),
        (CATS, "POST /v2/repository/models/dogs/unload", "", 403, "dogs"),
        (CATS, "POST /v1/models", create, 201, ""),
        (CATS, "POST /v1/models", elsewhere, 403, "birds"),
        (OLD, "GET /v2", "", 401, "API key \"old\" has expired"),
        (GONE, "GET /v2", "", 401, "API key \"gone\" was revoked"),
        ("never heard of it", "GET /v2", "", 401, "not one of this server's"),
    ] {
        let reply = served.ask_as(key, line, body);
        assert_eq!(reply.status, status, "{key}: {line}: {reply:?}");
        if !error.is_empty() {
            let told = reply.error().unwrap_or_else(|| panic!("{line}: {reply:?}"));
            assert!(told.contains(error), "{line}: expected {error:?} in {told:?}");
            assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "{reply:?}");
        }
    }
    // No header makes less of what is needed.
    for header in ["upgrade: websocket", "x-http-method-override: GET", "content-type: application/grpc"] {
        for (line, body) in [("DELETE /v1/models/cats", ""), ("POST /v1/models/cats:unload", "")] {
            let key = format!("x-api-key: {INFER}");
            let reply = served.ask(line, &[&key, header, "connection: upgrade"], body.as_bytes());
            let code = reply.header("grpc-status");
            assert!(reply.status == 403 || code == Some("7"), "{line} with {header}: {reply:?}");
        }
    }
    assert!(served.repository.versions("cats").is_ok());
    let names = |reply: &Reply, at: &str| -> Vec<String> {
        let list = reply.json().pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().filter_map(|one| Some(one.get("name")?.as_str()?.to_owned())).collect()
    };
    assert_eq!(names(&served.ask_as(CATS, "GET /v1/models", ""), "/models"), ["cats", "cats2"]);
    assert_eq!(names(&served.ask_as(CATS, "POST /v2/repository/index", ""), ""), ["cats", "cats2"]);
    assert_eq!(names(&served.ask_as(CATS, "GET /v2/models/stats", ""), "/model_stats"), ["cats", "cats2"]);
    assert_eq!(names(&served.ask_as(READ, "GET /v1/models", ""), "/models"), ["cats", "cats2", "dogs"]);
}

/// A message with text in one field, as gRPC frames it: not compressed, its length, its bytes.
fn framed(field: u8, text: &str) -> Vec<u8> {
    let field = [&[field << 3 | 2, text.len() as u8], text.as_bytes()].concat();
    [&[0][..], &(field.len() as u32).to_be_bytes(), &field].concat()
}

/// Field 1 of most requests is the model's name.
fn message(model: &str) -> Vec<u8> {
    framed(1, model)
}

fn grpc(served: &Served, key: &str, method: &str, body: &[u8]) -> Reply {
    let line = format!("POST /inference.GRPCInferenceService/{method}");
    served.ask(&line, &[&format!("x-api-key: {key}"), "content-type: application/grpc", "te: trailers"], body)
}

#[test]
fn scopes_and_models_are_kept_over_grpc() {
    let served = served(GatewayOptions { keys: keys(), ..GatewayOptions::default() });
    for (key, method, model, code) in [
        ("nobody's key at all", "ServerLive", "", "0"),
        ("nobody's key at all", "ModelMetadata", "cats", "16"),
        (OLD, "ModelMetadata", "cats", "16"),
        (READ, "ModelMetadata", "cats", "0"),
        (READ, "ModelInfer", "cats", "7"),
        (READ, "RepositoryModelUnload", "cats", "7"),
        (INFER, "ModelInfer", "none", "5"),
        (INFER, "ModelConfig", "cats", "7"),
        (INFER, "RepositoryModelLoad", "cats", "7"),
        (CATS, "ModelMetadata", "cats", "0"),
        (CATS, "ModelMetadata", "dogs", "7"),
        (CATS, "ModelReady", "dogs", "7"),
        (CATS, "ModelInfer", "dogs", "7"),
        (CATS, "ModelStatistics", "dogs", "7"),
        (CATS, "ModelConfig", "dogs", "7"),
    ] {
        let reply = grpc(&served, key, method, &message(model));
        // Errors are told in the head; success is told behind a message, which HTTP/1.1 leaves out.
        let told = reply.header("grpc-status").or_else(|| (reply.body.len() > 5).then_some("0"));
        assert_eq!((reply.status, told), (200, Some(code)), "{key}: {method} {model}: {reply:?}");
    }
    let unload = framed(2, "dogs");
    assert_eq!(grpc(&served, CATS, "RepositoryModelUnload", &unload).header("grpc-status"), Some("7"));
    assert!(served.repository.versions("dogs").is_ok());
}

#[test]
fn a_revoked_key_ends_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.toml");
    let mut file = KeyFile { keys: vec![KeyEntry::new("one", INFER, vec![Scope::Infer])], ..KeyFile::default() };
    file.write(&path).expect("written");
    let keys = ApiKeys::open(&path).expect("a key");
    let served = served(GatewayOptions { keys, ..GatewayOptions::default() });
    let infer = || served.ask_as(INFER, "POST /v2/models/cats/infer", FINE);
    assert_eq!(infer().status, 200);
    file.keys[0].revoked = true;
    file.write(&path).expect("written");
    let begun = Instant::now();
    while infer().status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(2), "within a second");
    }
    assert_eq!(infer().error().as_deref(), Some("API key \"one\" was revoked"));
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let mut often = KeyEntry::new("often", INFER, vec![Scope::Infer]);
    often.requests_per_minute = NonZeroU32::new(3);
    let mut daily = KeyEntry::new("daily", READ, vec![Scope::Read]);
    daily.requests_per_day = NonZeroU32::new(2);
    let keys = ApiKeys::default().with_entry(&often).and_then(|keys| keys.with_entry(&daily)).expect("keys");
    let served = served(GatewayOptions { keys, ..GatewayOptions::default() });
    for _ in 0..3 {
        assert_eq!(served.ask_as(INFER, "POST /v2/models/cats/infer", FINE).status, 200);
    }
    let refused = served.ask_as(INFER, "POST /v2/models/cats/infer", FINE);
    assert_eq!(
        (refused.status, refused.error().as_deref()),
        (429, Some("more than 3 requests a minute")),
        "{refused:?}"
    );
    let after: u64 = refused.header("retry-after").and_then(|after| after.parse().ok()).expect("seconds");
    assert!((15..=20).contains(&after), "one every twenty seconds: {after}");
    let refused = grpc(&served, INFER, "ModelInfer", &message("cats"));
    assert_eq!(refused.header("grpc-status"), Some("8"), "{refused:?}");
    assert!(refused.header("grpc-retry-pushback-ms").is_some(), "{refused:?}");
    for _ in 0..2 {
        assert_eq!(served.ask_as(READ, "GET /v2", "").status, 200);
    }
    let refused = served.ask_as(READ, "GET /v2", "");
    assert_eq!((refused.status, refused.error().as_deref()), (429, Some("more than 2 requests a day")), "{refused:?}");
    assert_eq!(served.ask_as(READ, "GET /v2/health/live", "").status, 200, "health is not counted");
}

#[test]
fn those_who_show_no_key_are_counted_by_address() {
    let limited = || GatewayOptions { requests_per_minute: NonZeroU32::new(3), ..GatewayOptions::default() };
    let open = served(limited());
    let statuses: Vec<u16> = (0..5).map(|_| open.get("/v2").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let closed = served(GatewayOptions { keys: keys(), ..limited() });
    let statuses: Vec<u16> = (0..5).map(|_| closed.ask_as("guessing at keys", "GET /v2", "").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(closed.ask_as(READ, "GET /v2", "").status, 200, "who has a key is counted by it");
}

#[test]
fn only_named_pages_may_ask() {
    let origins = vec!["https://app.example".to_owned()];
    let served = served(GatewayOptions { keys: keys(), origins, ..GatewayOptions::default() });
    let preflight = |origin: &str| {
        let headers = [
            &format!("origin: {origin}"),
            "access-control-request-method: POST",
            "access-control-request-headers: authorization,content-type",
        ];
        served.ask("OPTIONS /v2/models/cats/infer", &headers, b"")
    };
    let allowed = preflight("https://app.example");
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(preflight("https://evil.example").header("access-control-allow-origin"), None);
    let headers = ["origin: https://app.example".to_owned(), format!("x-api-key: {READ}")];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let reply = served.ask("GET /v2", &headers, b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some("https://app.example")));
    assert!(reply.header("access-control-allow-credentials").is_none(), "keys are not cookies");
}

#[test]
fn without_keys_named_pages_may_ask_and_no_others() {
    let origins = vec!["https://app.example".to_owned()];
    let served = served(GatewayOptions { origins, ..GatewayOptions::default() });
    let from = |origin: &str| served.ask("GET /v2", &[&format!("origin: {origin}")], b"").status;
    assert_eq!(
        (from("https://app.example"), from("https://evil.example"), from("http://localhost:3000")),
        (200, 403, 200)
    );
}

#[test]
fn requests_have_ids() {
    let served = served(GatewayOptions::default());
    let id_of = |headers: &[&str]| {
        let reply = served.ask("GET /v2", headers, b"");
        assert_eq!(reply.status, 200);
        reply.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(id_of(&["x-request-id: 0f8fad5b-d9cb:1"]), "0f8fad5b-d9cb:1");
    let long = format!("x-request-id: {}", "x".repeat(129));
    for bad in ["x-request-id:", "x-request-id: a b", "x-request-id: <script>", "x-request-id: \"q\"", &long] {
        let id = id_of(&[bad]);
        assert!(!bad.contains(&id) && id.len() > 16, "{bad}: {id}");
    }
    assert_ne!(id_of(&[]), id_of(&[]));
    let refused = served.ask("GET /nothing", &["x-request-id: mine"], b"");
    assert_eq!((refused.status, refused.header("x-request-id")), (404, Some("mine")));
}

fn lines(path: &Path, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).expect("the log");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        if lines.len() >= count || begun.elapsed() > Duration::from_secs(5) {
            return lines;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_is_written_down_who_did_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let audit = AuditLog::open(&AuditOptions { file: file.clone(), inference: false }).expect("opened");
    let served = served(GatewayOptions { keys: keys(), audit: Some(audit), ..GatewayOptions::default() });
    served.ask_as("a secret that is wrong", "GET /v2", "");
    served.ask_as(INFER, "POST /v1/models/cats:unload", "");
    served.ask_as(INFER, "POST /v2/models/cats/infer", FINE); // not wanted
    served.ask_as(READ, "GET /v2", ""); // nor this
    let headers = [&format!("x-api-key: {MANAGE}"), "x-request-id: mine"];
    served.ask("POST /v1/models/cats:load?secret=1", &headers, b"");
    served.ask_as(MANAGE, "POST /v1/models", r#"{"name":"birds","source":"/etc"}"#);
    grpc(&served, CATS, "RepositoryModelUnload", &framed(2, "dogs"));
    let lines = lines(&file, 5);
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |at: &str| line.pointer(at).and_then(Value::as_str).unwrap_or("-").to_owned();
            (text("/who/name"), text("/action"), text("/model"), text("/outcome"), line["status"].as_u64().unwrap_or(0))
        })
        .collect();
    let told: Vec<_> =
        told.iter().map(|(a, b, c, d, e)| (a.as_str(), b.as_str(), c.as_str(), d.as_str(), *e)).collect();
    let unload = "POST /inference.GRPCInferenceService/RepositoryModelUnload";
    assert_eq!(
        told,
        [
            ("-", "GET /v2", "-", "refused", 401),
            ("infer", "POST /v1/models/cats:unload", "cats", "refused", 403),
            ("manage", "POST /v1/models/cats:load", "cats", "done", 200),
            ("manage", "POST /v1/models", "birds", "refused", 403),
            ("cats", unload, "dogs", "refused", 403),
        ]
    );
    assert_eq!(lines[2]["request_id"], "mine");
    assert!(lines[0]["reason"].as_str().is_some_and(|reason| reason.contains("not one of")), "{}", lines[0]);
    assert!(lines[3]["reason"].as_str().is_some_and(|reason| reason.contains("/etc")), "{}", lines[3]);
    assert!(lines[0]["time"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{}", lines[0]);
    assert!(lines[0]["from"].as_str().is_some_and(|from| from.starts_with("127.0.0.1:")), "{}", lines[0]);
    let all = std::fs::read_to_string(&file).expect("the log");
    for secret in ["a secret that is wrong", MANAGE, INFER, CATS, "secret=1"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn slow_messages_end() {
    let gateway = GatewayOptions {
        body_time: Duration::from_millis(300),
        silence: Duration::from_millis(300),
        ..GatewayOptions::default()
    };
    let served = served(gateway);
    for method in ["ModelInfer", "ModelStreamInfer"] {
        let begun = Instant::now();
        let mut slow = served.connect();
        let head = format!(
            "POST /inference.GRPCInferenceService/{method} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/grpc\r\nte: \
             trailers\r\nconnection: close\r\ncontent-length: 1000\r\n\r\n\0\0\0",
            served.address
        );
        slow.write_all(head.as_bytes()).expect("sent");
        let reply = Reply::read(slow);
        assert!(begun.elapsed() < Duration::from_secs(5), "{method}: {:?}", begun.elapsed());
        // A stream has begun to answer; how it ended is told behind its messages, which HTTP/1.1 leaves out.
        let told = if method == "ModelInfer" { Some("4") } else { None };
        assert_eq!((reply.status, reply.header("grpc-status")), (200, told), "{method}: DEADLINE_EXCEEDED: {reply:?}");
    }
    // An upgrade that is none is no way around the time for bodies.
    let begun = Instant::now();
    let mut slow = served.connect();
    let head = format!(
        "POST /v2/models/cats/infer HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: anything\r\ncontent-length: \
         1000\r\n\r\n{{",
        served.address
    );
    slow.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut slow, &mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn bodies_of_all_requests_together_have_a_bound() {
    let served = served(GatewayOptions { held_bytes: 1500, ..GatewayOptions::default() });
    let head = format!(
        "POST /v2/models/cats/infer HTTP/1.1\r\nhost: {}\r\ncontent-length: 2000\r\n\r\n{}",
        served.address,
        " ".repeat(1000)
    );
    let comes = || {
        let mut waiting = served.connect();
        waiting.write_all(head.as_bytes()).expect("sent");
        std::thread::sleep(Duration::from_millis(50));
        waiting
    };
    let mut waiting = comes();
    let large = format!("{FINE}{}", " ".repeat(1000));
    let begun = Instant::now();
    let refused = loop {
        let reply = served.post("/v2/models/cats/infer", large.as_bytes());
        if reply.status != 200 || begun.elapsed() > Duration::from_secs(5) {
            break reply;
        }
        // The second to come is the one that is refused; this time it was the one that waits, or has not arrived.
        waiting = comes();
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.error().is_some_and(|error| error.contains("try again")), "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(waiting);
    while served.post("/v2/models/cats/infer", large.as_bytes()).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is given back");
    }
}
