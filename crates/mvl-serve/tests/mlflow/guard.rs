//! Who may ask.

use mvl_serve::mlflow::{ApiKeys, ServeError, ServeOptions, Server};
use mvl_serve::{KeyEntry, ListenError, Scope};

use crate::server::{Served, artifacts, database};

const KEY: &str = "correct horse battery staple";

fn with_key() -> Served {
    Served::with(|options| options.with_keys(ApiKeys::default().with(KEY).expect("a key")))
}

#[test]
fn a_key_is_asked_for() {
    let server = with_key();
    let ask = |authorization: Option<&str>| {
        let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
        server.ask_with("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", &headers, b"")
    };
    // Basic: the user may be anybody. "me:correct horse battery staple" and ":wrong".
    for good in [
        format!("Bearer {KEY}"),
        format!("bearer {KEY}"),
        "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==".to_owned(),
    ] {
        assert_eq!(ask(Some(&good)).status, 200, "{good}");
    }
    for bad in [
        None,
        Some("Bearer wrong"),
        Some(KEY),
        Some("Bearer "),
        Some("Basic Ondyb25n"),
        Some("Basic ???"),
        Some("Basic"),
        Some("Digest a"),
    ] {
        let reply = ask(bad);
        assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{bad:?}");
        assert!(reply.header("www-authenticate").is_some_and(|ways| ways.contains("Basic")), "{reply:?}");
    }
}

#[test]
fn a_key_is_asked_for_everywhere_but_for_health() {
    let server = with_key();
    assert_eq!(server.get("/health").status, 200);
    for path in [
        "/",
        "/version",
        "/api/3.0/mlflow/server-info",
        "/api/2.0/mlflow/nowhere",
        "/get-artifact",
        "/api/2.0/mlflow-artifacts/artifacts/a",
    ] {
        assert_eq!(server.get(path).status, 401, "{path}");
    }
    assert_eq!(server.ask_with("PUT", "/api/2.0/mlflow-artifacts/artifacts/a", &[], b"x").status, 401);
}

#[test]
fn without_a_key_only_this_machine_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let options = ServeOptions::open(&database(&folder), &artifacts(&folder)).await.expect("a database");
            let error = Server::bind(options.at(address.parse().expect("an address"))).await.expect_err(address);
            let needs_key = matches!(error, ServeError::Listen(ListenError::NeedsKey { .. }));
            assert!(needs_key && error.to_string().contains("API key"), "{error}");
        }
        let options = ServeOptions::open(&database(&folder), &artifacts(&folder)).await.expect("a database");
        let keys = ApiKeys::default().with(KEY).expect("a key");
        Server::bind(options.with_keys(keys).at("0.0.0.0:0".parse().expect("an address"))).await.expect("with a key");
    });
}

#[test]
fn pages_in_a_browser_are_kept_out() {
    let server = Served::start();
    let path = "/api/2.0/mlflow/experiments/get?experiment_id=0";
    for (name, value, status) in [
        ("Host", "localhost:5000", 200),
        ("Host", "evil.example", 403),
        ("Host", "127.0.0.1.evil.example", 403),
        ("Origin", "http://localhost:3000", 200),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
    ] {
        assert_eq!(server.ask_with("GET", path, &[(name, value)], b"").status, status, "{name}: {value}");
    }
}

#[test]
fn keys_have_scopes_and_limits() {
    let entry = |name: &str, key: &str, scope| KeyEntry::new(name, key, vec![scope]);
    let mut seldom = entry("seldom", "asks seldom: battery", Scope::Read);
    seldom.requests_per_day = std::num::NonZeroU32::new(1);
    let mut gone = entry("gone", "was revoked: staple", Scope::Manage);
    gone.revoked = true;
    let entries = [
        entry("looks", "looks only: horse", Scope::Read),
        entry("asks", "asks models only", Scope::Infer),
        seldom,
        gone,
    ];
    let keys = entries.iter().fold(ApiKeys::default(), |keys, entry| keys.with_entry(entry).expect("a key"));
    let server = Served::with(|options| options.with_keys(keys));
    let ask = |key: &str, method: &str, path: &str, body: &[u8]| {
        let authorization = format!("Bearer {key}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        server.ask_with(method, &format!("/api/2.0/mlflow/{path}"), &headers, body)
    };
    let (look, search, create) =
        ("experiments/get?experiment_id=0", "experiments/search", br#"{"name": "a"}"#.as_slice());
    for (key, method, path, body, status, code) in [
        ("looks only: horse", "GET", look, &b""[..], 200, ""),
        ("looks only: horse", "POST", search, br#"{"max_results": 1}"#.as_slice(), 200, ""),
        ("looks only: horse", "POST", "experiments/create", create, 403, "PERMISSION_DENIED"),
        ("looks only: horse", "POST", "runs/delete", b"{}", 403, "PERMISSION_DENIED"),
        ("asks models only", "GET", look, b"", 403, "PERMISSION_DENIED"),
        ("asks seldom: battery", "GET", look, b"", 200, ""),
        ("asks seldom: battery", "GET", look, b"", 429, "REQUEST_LIMIT_EXCEEDED"),
        ("was revoked: staple", "GET", look, b"", 401, "UNAUTHENTICATED"),
    ] {
        let reply = ask(key, method, path, body);
        assert_eq!(reply.status, status, "{key}: {path}: {reply:?}");
        if status != 200 {
            assert_eq!(reply.code(), code, "{key}: {path}");
        }
        assert_eq!(reply.header("retry-after").is_some(), status == 429, "{reply:?}");
    }
}
