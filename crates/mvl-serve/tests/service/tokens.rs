//! Tokens: which are taken, and what is told of each that is not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mvl_serve::{ApiKeys, GatewayOptions, TokenOptions, Tokens};
use serde_json::{Value, json};

use crate::security::{FINE, served};
use crate::served::{Reply, Served, write_unseen};

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "mvl";
/// Made for these tests, good for nothing else.
const RSA: &str = include_str!("keys/rsa.pem");

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A key of an issuer, by its name.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    public: Value,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm, key: EncodingKey, mut public: Value) -> Self {
        public["kid"] = id.into();
        public["use"] = "sig".into();
        Self { id, algorithm, key, public }
    }

    fn of(id: &'static str, algorithm: Algorithm, key: EncodingKey) -> Self {
        let public = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).expect("a key")).expect("JSON");
        Self::new(id, algorithm, key, public)
    }

    fn elliptic(id: &'static str) -> Self {
        let pem = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        Self::of(id, Algorithm::ES256, EncodingKey::from_ec_pem(pem.as_bytes()).expect("a key"))
    }

    fn edwards(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let key = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
        Self::new(id, Algorithm::EdDSA, key, json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
    }

    fn rsa(id: &'static str, algorithm: Algorithm) -> Self {
        Self::of(id, algorithm, EncodingKey::from_rsa_pem(RSA.as_bytes()).expect("a key"))
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(claims, Some(self.id))
    }

    fn sign_as(&self, claims: &Value, id: Option<&str>) -> String {
        let header = Header { kid: id.map(ToOwned::to_owned), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).expect("signed")
    }
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": now() + 600, "scope": "openid infer read" })
}

fn with(change: impl Fn(&mut Value)) -> Value {
    let mut claims = claims();
    change(&mut claims);
    claims
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn ask(served: &Served, token: &str, line: &str) -> Reply {
    served.ask_as(token, line, FINE)
}

#[test]
fn every_bad_token_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let jwks = folder.path().join("jwks.json");
    let (ec, ed) = (Signer::elliptic("ec"), Signer::edwards("ed"));
    let (rs, ps) = (Signer::rsa("rs", Algorithm::RS256), Signer::rsa("ps", Algorithm::PS512));
    let secret = json!({ "kty": "oct", "kid": "secret", "k": URL_SAFE_NO_PAD.encode("a shared secret") });
    let set = json!({ "keys": [ec.public.clone(), ed.public.clone(), rs.public.clone(), ps.public.clone(), secret, { "kty": "new" }, 7] });
    std::fs::write(&jwks, set.to_string()).expect("written");
    let options = TokenOptions::new(ISSUER, AUDIENCE, jwks.to_str().expect("UTF-8"));
    let gateway = GatewayOptions {
        tokens: Some(Tokens::open(TokenOptions { leeway_s: 5, ..options }).expect("keys")),
        keys: ApiKeys::default().with("a key beside tokens").expect("a key"),
        ..GatewayOptions::default()
    };
    let served = served(gateway);
    let infer = |token: &str| ask(&served, token, "POST /v2/models/cats/infer");
    for (name, token) in [
        ("an elliptic curve", ec.sign(&claims())),
        ("an Edwards curve", ed.sign(&claims())),
        ("RSA", rs.sign(&claims())),
        ("RSA with other padding", ps.sign(&claims())),
        ("one of several audiences", ec.sign(&with(|claims| claims["aud"] = json!(["other", AUDIENCE])))),
        ("scopes as a list", ec.sign(&with(|claims| claims["scope"] = json!(["infer"])))),
        ("clocks that differ a little", ec.sign(&with(|claims| claims["exp"] = (now() - 2).into()))),
    ] {
        let reply = infer(&token);
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
    }
    assert_eq!(infer("a key beside tokens").status, 200);

    let fine = ec.sign(&claims());
    let parts: Vec<&str> = fine.split('.').collect();
    let admin = with(|claims| claims["scope"] = "manage".into());
    let unsigned = |alg: &str| format!("{}.{}.", part(&json!({ "alg": alg, "typ": "JWT" })), part(&admin));
    let public = serde_json::to_vec(&rs.public.clone()).expect("JSON");
    let as_secret = |bytes: &[u8], id: &str| {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &admin, &EncodingKey::from_secret(bytes)).expect("signed")
    };
    let other = Signer::elliptic("ec");
    let unknown = Signer::elliptic("unknown");
    let critical =
        format!("{}.{}.{}", part(&json!({ "alg": "ES256", "kid": "ec", "crit": ["x"] })), parts[1], parts[2]);
    let stretched = {
        // RS256 under the name of a key for PS512 alone.
        Signer { id: "ps", ..Signer::rsa("ps", Algorithm::RS256) }.sign(&claims())
    };
    let cases: Vec<(&str, String, &str)> = vec![
        ("expired", ec.sign(&with(|claims| claims["exp"] = (now() - 60).into())), "has expired"),
        ("not valid yet", ec.sign(&with(|claims| claims["nbf"] = (now() + 60).into())), "not valid yet"),
        ("another issuer", ec.sign(&with(|claims| claims["iss"] = "https://evil.example".into())), "another issuer"),
        ("another audience", ec.sign(&with(|claims| claims["aud"] = "bank".into())), "another audience"),
        ("no expiry", ec.sign(&with(|claims| drop(claims.as_object_mut().expect("claims").remove("exp")))), "\"exp\""),
        ("no issuer", ec.sign(&with(|claims| drop(claims.as_object_mut().expect("claims").remove("iss")))), "\"iss\""),
        (
            "no audience",
            ec.sign(&with(|claims| drop(claims.as_object_mut().expect("claims").remove("aud")))),
            "\"aud\"",
        ),
        ("no subject", ec.sign(&with(|claims| drop(claims.as_object_mut().expect("claims").remove("sub")))), "claim"),
        ("an expiry of words", ec.sign(&with(|claims| claims["exp"] = "never".into())), "claim"),
        ("scopes of numbers", ec.sign(&with(|claims| claims["scope"] = 7.into())), "claim"),
        ("none", unsigned("none"), "\"none\" is not taken"),
        ("None", unsigned("None"), "\"None\" is not taken"),
        ("no algorithm", format!("{}.{}.", part(&json!({ "typ": "JWT" })), part(&admin)), "cannot be read"),
        ("the public key as a secret", as_secret(RSA.as_bytes(), "rs"), "\"HS256\" is not taken"),
        ("the public key's JSON as a secret", as_secret(&public, "rs"), "\"HS256\" is not taken"),
        ("a secret among the keys", as_secret(b"a shared secret", "secret"), "\"HS256\" is not taken"),
        ("somebody else's key under the same name", other.sign(&claims()), "signature is wrong"),
        ("a key that nobody has", unknown.sign(&claims()), "not one of its issuer's"),
        ("no key named", ec.sign_as(&claims(), None), "not one of its issuer's"),
        ("the name of another key", ec.sign_as(&claims(), Some("rs")), "not one of its key"),
        ("another padding than the key's", stretched, "not one of its key"),
        ("other claims", format!("{}.{}.{}", parts[0], part(&admin), parts[2]), "signature is wrong"),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), "signature is wrong"),
        // 65 of its 86 letters: one too many for base64, whatever they are.
        ("half a signature", fine[..fine.len() - 21].to_owned(), "cannot be read"),
        ("an extension that is not known", critical, "\"crit\""),
        ("no base64", "a.b.c".to_owned(), "cannot be read"),
        ("nothing between dots", "..".to_owned(), "cannot be read"),
        ("a very long one", format!("{}.{}.x", parts[0], "a".repeat(20_000)), "cannot be read"),
        ("two parts", format!("{}.{}", parts[0], parts[1]), "not one of this server's"),
    ];
    for (name, token, expected) in &cases {
        let reply = infer(token);
        let error = reply.error().unwrap_or_else(|| panic!("{name}: {reply:?}"));
        assert_eq!(reply.status, 401, "{name}: {reply:?}");
        assert!(error.contains(expected), "{name}: expected {expected:?} in {error:?}");
        assert!(!error.contains(token.as_str()), "{name}: a token in an error");
        assert!(reply.header("www-authenticate").is_some_and(|ways| ways.contains("Bearer")), "{reply:?}");
    }
    for (scope, line, status) in [
        ("infer", "GET /v2", 403),
        ("read", "GET /v2", 200),
        ("admin", "GET /v2", 403),
        ("", "GET /v2", 403),
        ("read infer", "POST /v1/models/cats:unload", 403),
        ("manage", "POST /v1/models/cats:load", 200),
    ] {
        let token = rs.sign(&with(|claims| claims["scope"] = scope.into()));
        let reply = ask(&served, &token, line);
        assert_eq!(reply.status, status, "{scope}: {line}: {reply:?}");
    }
    // Another set takes the place of this one without a restart.
    std::fs::write(&jwks, json!({ "keys": [other.public.clone()] }).to_string()).expect("written");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(infer(&other.sign(&claims())).status, 200);
    assert_eq!(infer(&fine).status, 401);
    std::fs::write(&jwks, "broken").expect("written");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(infer(&other.sign(&claims())).status, 200, "those before go on");
}

/// An issuer's page of keys, which counts how often it is asked.
struct Issuer {
    url: String,
    asked: Arc<AtomicUsize>,
    page: Arc<Mutex<(u16, String)>>,
}

impl Issuer {
    fn start(page: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let page = Arc::new(Mutex::new((200, page.to_string())));
        let (count, answer) = (asked.clone(), page.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut asked_for = [0; 4096];
                let _ = stream.read(&mut asked_for);
                count.fetch_add(1, Ordering::SeqCst);
                let (status, body) = answer.lock().expect("unharmed").clone();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
            }
        });
        Self { url, asked, page }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn put(&self, status: u16, page: String) {
        *self.page.lock().expect("unharmed") = (status, page);
    }
}

#[test]
fn a_file_of_keys_that_could_not_be_read_is_read_again_whatever_its_time_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let jwks = folder.path().join("jwks.json");
    let (first, second) = (Signer::elliptic("first"), Signer::elliptic("second"));
    std::fs::write(&jwks, json!({ "keys": [first.public.clone()] }).to_string()).expect("written");
    let tokens = Tokens::open(TokenOptions::new(ISSUER, AUDIENCE, jwks.to_str().expect("UTF-8"))).expect("options");
    let served = served(GatewayOptions { tokens: Some(tokens), ..GatewayOptions::default() });
    let infer = |signer: &Signer| ask(&served, &signer.sign(&claims()), "POST /v2/models/cats/infer").status;
    assert_eq!((infer(&first), infer(&second)), (200, 401));
    let at = std::time::SystemTime::now();
    write_unseen(&jwks, "being written", 4_000, at);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(infer(&first), 200, "as before");
    write_unseen(&jwks, &json!({ "keys": [second.public.clone()] }).to_string(), 4_000, at);
    let begun = std::time::Instant::now();
    while infer(&second) != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is read again");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(infer(&first), 401);
}

#[test]
fn an_issuers_page_is_kept_and_not_hammered() {
    let (first, second) = (Signer::elliptic("first"), Signer::elliptic("second"));
    let issuer = Issuer::start(json!({ "keys": [first.public.clone()] }));
    let options = TokenOptions {
        refetch_s: 1,
        requests_per_minute: NonZeroU32::new(1000),
        ..TokenOptions::new(ISSUER, AUDIENCE, &issuer.url)
    };
    let gateway = GatewayOptions { tokens: Some(Tokens::open(options).expect("options")), ..GatewayOptions::default() };
    let served = served(gateway);
    let infer = |token: &str| ask(&served, token, "POST /v2/models/cats/infer").status;
    assert_eq!(issuer.asked(), 0);
    for _ in 0..20 {
        assert_eq!(infer(&first.sign(&claims())), 200);
    }
    assert_eq!(issuer.asked(), 1, "kept");
    let begun = std::time::Instant::now();
    for n in 0..50 {
        assert_eq!(infer(&second.sign_as(&claims(), Some(&format!("made up {n}")))), 401);
    }
    assert!(
        issuer.asked() <= 3 + begun.elapsed().as_secs() as usize,
        "asked {} times for fifty unknown keys",
        issuer.asked()
    );
    issuer.put(200, json!({ "keys": [first.public.clone(), second.public.clone()] }).to_string());
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(infer(&second.sign(&claims())), 200, "a new key is found");
    for bad in [(500, "{}".to_owned()), (200, "[".to_owned()), (200, " ".repeat(300 << 10)), (302, String::new())] {
        let before = issuer.asked();
        issuer.put(bad.0, bad.1);
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(infer(&Signer::elliptic("third").sign(&claims())), 401);
        assert!(issuer.asked() > before, "it was fetched");
        assert_eq!(infer(&first.sign(&claims())), 200, "what was there before goes on");
    }
}

#[test]
fn nobody_is_let_in_while_the_issuer_is_away() {
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let options = TokenOptions::new(ISSUER, AUDIENCE, format!("http://{gone}/keys"));
    let gateway = GatewayOptions { tokens: Some(Tokens::open(options).expect("options")), ..GatewayOptions::default() };
    let served = served(gateway);
    let reply = ask(&served, &Signer::elliptic("a").sign(&claims()), "POST /v2/models/cats/infer");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{reply:?}");
    assert_eq!(ask(&served, "no token", "GET /v2").status, 401);
    assert_eq!(served.get("/v2").status, 401);
}

#[test]
fn options_that_would_let_others_in_are_refused() {
    let fine = TokenOptions::new(ISSUER, AUDIENCE, "https://login.example/keys");
    Tokens::open(fine.clone()).expect("options");
    for (bad, expected) in [
        (TokenOptions { issuer: String::new(), ..fine.clone() }, "issuer"),
        (TokenOptions { audience: Vec::new(), ..fine.clone() }, "audience"),
        (TokenOptions { jwks: "http://login.example/keys".to_owned(), ..fine.clone() }, "https://"),
        (TokenOptions { jwks: "ftp://login.example/keys".to_owned(), ..fine.clone() }, "https://"),
        (TokenOptions { jwks: "/nowhere/jwks.json".to_owned(), ..fine }, "/nowhere"),
    ] {
        let wrong = Tokens::open(bad).expect_err(expected);
        assert!(wrong.contains(expected), "expected {expected:?} in {wrong:?}");
    }
}
