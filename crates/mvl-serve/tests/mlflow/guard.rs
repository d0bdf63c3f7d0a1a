//! Who may ask.

use mvl_serve::ListenError;
use mvl_serve::mlflow::{ApiKeys, ServeError, ServeOptions, Server};

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
