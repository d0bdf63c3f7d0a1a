//! TLS: with real clients, certificates that change, certificates of clients, and what is no TLS at all.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_serve::{AuditLog, AuditOptions, GatewayOptions, Tls, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::security::{FINE, served};
use crate::served::{Served, write_unseen};

/// An authority, and what it signs.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("signed").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key.
    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("signed").pem(), key.serialize_pem())
    }

    fn server(&self, folder: &Path) -> TlsOptions {
        let (certificate, key) = self.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let options =
            TlsOptions { certificate: folder.join("server.pem"), key: folder.join("server.key"), client_ca: None };
        std::fs::write(&options.key, key)
            .and_then(|()| std::fs::write(&options.certificate, certificate))
            .expect("written");
        options
    }
}

fn encrypted(options: TlsOptions, gateway: GatewayOptions) -> Served {
    served(GatewayOptions { tls: Some(Tls::open(options).expect("certificates")), ..gateway })
}

fn runtime() -> tokio::runtime::Runtime {
    mvl_store::choose_provider();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn client(authority: &Authority, identity: Option<&(String, String)>) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).expect("a certificate");
    let mut builder = reqwest::Client::builder().tls_certs_only([root]).timeout(Duration::from_secs(10));
    if let Some((certificate, key)) = identity {
        let pem = format!("{certificate}{key}");
        builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity"));
    }
    builder.build().expect("a client")
}

async fn ask(client: &reqwest::Client, served: &Served) -> Result<(u16, String), reqwest::Error> {
    let url = format!("https://localhost:{}/v2/models/cats/infer", served.address.port());
    let answer = client.post(url).body(FINE).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[test]
fn certificates_are_read_again_and_connections_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (Authority::new(), Authority::new());
    let options = first.server(folder.path());
    let served = encrypted(options.clone(), GatewayOptions::default());
    runtime().block_on(async {
        let old = client(&first, None);
        let (status, body) = ask(&old, &served).await.expect("an answer");
        assert!(status == 200 && body.contains("\"data\":[1.0,2.0]"), "{status} {body}");
        ask(&client(&second, None), &served).await.expect_err("another authority");
        // A key without its certificate, for a moment, is no reason to end.
        std::fs::write(&options.key, second.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth).1).expect("written");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(ask(&client(&first, None), &served).await.expect("as before").0, 200);
        second.server(folder.path());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(ask(&client(&second, None), &served).await.expect("the new certificate").0, 200);
        ask(&client(&first, None), &served).await.expect_err("the old one is gone");
        assert_eq!(ask(&old, &served).await.expect("a connection that was open goes on").0, 200);
    });
}

#[test]
fn files_that_could_not_be_read_are_read_again_whatever_their_time_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (Authority::new(), Authority::new());
    let options = first.server(folder.path());
    let served = encrypted(options.clone(), GatewayOptions::default());
    runtime().block_on(async {
        assert_eq!(ask(&client(&first, None), &served).await.expect("an answer").0, 200);
        let at = std::time::SystemTime::now();
        let (certificate, key) = second.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        for path in [&options.certificate, &options.key] {
            write_unseen(path, "being written", 4_000, at);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(ask(&client(&first, None), &served).await.expect("as before").0, 200);
        write_unseen(&options.certificate, &certificate, 4_000, at);
        write_unseen(&options.key, &key, 4_000, at);
        let begun = Instant::now();
        while ask(&client(&second, None), &served).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "it is read again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn both_versions_of_http_are_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let served = encrypted(authority.server(folder.path()), GatewayOptions::default());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("a certificate")).expect("a root");
    let speak = |protocols: &[&[u8]], said: &'static [u8], bytes: usize| {
        let mut config = ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let address = served.address;
        async move {
            let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
            let name = ServerName::try_from("localhost").expect("a name");
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect(name, stream).await.expect("agreed");
            let spoken = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            stream.write_all(said).await.expect("sent");
            let mut answer = vec![0; bytes];
            stream.read_exact(&mut answer).await.expect("an answer");
            (spoken, answer)
        }
    };
    runtime().block_on(async {
        let hello = b"GET /v2 HTTP/1.1\r\nhost: localhost\r\n\r\n";
        assert_eq!(speak(&[b"http/1.1"], hello, 12).await, (Some(b"http/1.1".to_vec()), b"HTTP/1.1 200".to_vec()));
        assert_eq!(speak(&[], hello, 12).await, (None, b"HTTP/1.1 200".to_vec()));
        // The preface and empty settings, answered by a frame of settings (type 4, on stream 0).
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let (spoken, answer) = speak(&[b"h2", b"http/1.1"], preface, 9).await;
        assert_eq!((spoken, &answer[3..]), (Some(b"h2".to_vec()), &[4, 0, 0, 0, 0, 0][..]));
    });
}

#[test]
fn clients_without_a_certificate_stay_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let ca = folder.path().join("clients.pem");
    std::fs::write(&ca, &clients.pem).expect("written");
    let options = TlsOptions { client_ca: Some(ca), ..server.server(folder.path()) };
    let file = folder.path().join("audit.jsonl");
    let audit = AuditLog::open(&AuditOptions { file: file.clone(), inference: true }).expect("opened");
    let served = encrypted(options, GatewayOptions { audit: Some(audit), ..GatewayOptions::default() });
    let known = clients.sign("camera-7.example", ExtendedKeyUsagePurpose::ClientAuth);
    runtime().block_on(async {
        let (status, _) = ask(&client(&server, Some(&known)), &served).await.expect("an answer");
        assert_eq!(status, 200);
        ask(&client(&server, None), &served).await.expect_err("no certificate");
        let forged = others.sign("camera-7.example", ExtendedKeyUsagePurpose::ClientAuth);
        ask(&client(&server, Some(&forged)), &served).await.expect_err("another authority");
        let wrong = clients.sign("camera-7.example", ExtendedKeyUsagePurpose::ServerAuth);
        ask(&client(&server, Some(&wrong)), &served).await.expect_err("not for clients");
    });
    let begun = Instant::now();
    while file.metadata().expect("there").len() == 0 && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = std::fs::read_to_string(&file).expect("the log");
    let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["who"], serde_json::json!({ "kind": "certificate", "name": "camera-7.example" }));
    assert_eq!(line["certificate"]["name"], "camera-7.example");
    assert!(line["certificate"]["sha256"].as_str().is_some_and(|digest| digest.len() == 64));
    assert_eq!((line["action"].as_str(), line["outcome"].as_str()), (Some("POST /v2/models/cats/infer"), Some("done")));
}

#[test]
fn what_is_no_tls_is_turned_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let header_time = Duration::from_millis(400);
    let gateway = GatewayOptions { header_time, ..GatewayOptions::default() };
    let served = encrypted(authority.server(folder.path()), gateway);
    let reply = served.get("/v2");
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.error().as_deref(), Some("this port speaks TLS: ask https://"));
    let hello_cut_short = b"\x16\x03\x01\x02\x00\x01\x00";
    for (name, bytes) in [
        ("garbage", &b"\0\x01\x02\x03\x04garbage\r\n\r\n"[..]),
        ("a handshake of garbage", b"\x16\x03\x01\x00\x05hello"),
        ("a record that is too long", b"\x16\x03\x01\xff\xff\xff\xff\xff\xff"),
        ("an alert", b"\x15\x03\x01\x00\x02\x02\x28"),
        ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("half a handshake", hello_cut_short),
        ("nothing", b""),
    ] {
        let begun = Instant::now();
        let mut stream = served.connect();
        stream.write_all(bytes).expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer); // a reset is an answer too
        assert!(begun.elapsed() < Duration::from_secs(3), "{name}: closed in good time: {:?}", begun.elapsed());
        assert!(answer.len() < 300, "{name}: {answer:?}");
    }
    runtime().block_on(async {
        assert_eq!(ask(&client(&authority, None), &served).await.expect("it goes on").0, 200);
    });
}

#[test]
fn bad_files_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (Authority::new(), Authority::new());
    let fine = one.server(folder.path());
    Tls::open(fine.clone()).expect("certificates");
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let other_key = put("other.key", &two.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth).1);
    for (options, expected) in [
        (TlsOptions { certificate: folder.path().join("none"), ..fine.clone() }, "none"),
        (TlsOptions { certificate: put("empty.pem", ""), ..fine.clone() }, "found none"),
        (TlsOptions { key: put("words.key", "no key"), ..fine.clone() }, "words.key"),
        (TlsOptions { key: other_key, ..fine.clone() }, "server.pem"),
        (TlsOptions { client_ca: Some(put("ca.pem", "")), ..fine }, "ca.pem"),
    ] {
        let wrong = Tls::open(options).expect_err(expected).to_string();
        assert!(wrong.contains(expected), "expected {expected:?} in {wrong:?}");
    }
}
