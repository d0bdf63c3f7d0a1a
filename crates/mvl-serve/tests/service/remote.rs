//! Pictures by URL: fetched where it is allowed, and from nowhere else, whatever is written.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_core::{Channels, Cpu, Image};
use mvl_data::encode_png;
use mvl_models::zoo;
use mvl_serve::models::{ClassifierModels, ModelDefinition};
use mvl_serve::{GatewayOptions, RemoteOptions, ServiceOptions};

use crate::served::{Reply, Served, save_model};

fn served(remote: RemoteOptions) -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let options = ServiceOptions { remote, ..ServiceOptions::default() };
    let source = Arc::new(ClassifierModels::<Cpu>::new(zoo()));
    let served = Served::start_with(source, GatewayOptions::default(), options);
    served.repository.define(ModelDefinition::new("cats", folder.path().to_str().expect("a path"))).expect("new");
    served.repository.load("cats").expect("loaded");
    (served, folder)
}

fn ask(served: &Served, url: &str) -> Reply {
    served.post("/v1/models/cats:predict", serde_json::json!({ "url": url }).to_string().as_bytes())
}

fn png() -> Vec<u8> {
    encode_png(&Image::new(28, 28, Channels::Gray, vec![7; 784]).expect("a picture"))
}

/// A server that answers each request with a head and a body of its own, by path. Says where it is.
fn host() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                let (head, body) = match path.as_str() {
                    "/cat.png" => ("200 OK\r\ncontent-type: image/png", png()),
                    "/moved" => ("302 Found\r\nlocation: /cat.png", Vec::new()),
                    "/missing" => ("404 Not Found", b"secret page".to_vec()),
                    "/page" => ("200 OK\r\ncontent-type: text/html", b"<html>secret".to_vec()),
                    "/lies" => ("200 OK\r\ncontent-type: image/png", b"secret words".to_vec()),
                    "/large" => ("200 OK\r\ncontent-type: image/png", vec![0; 200_000]),
                    _ => {
                        std::thread::sleep(Duration::from_secs(3));
                        return;
                    }
                };
                let length = body.len();
                let _ = write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(&body);
            });
        }
    });
    format!("http://127.0.0.1:{port}")
}

#[test]
fn pictures_come_from_hosts_that_are_allowed() {
    let host = host();
    let internal_hosts = vec!["127.0.0.1".to_owned()];
    let (served, _folder) =
        served(RemoteOptions { internal_hosts, max_bytes: 100_000, timeout_ms: 700, ..RemoteOptions::default() });
    let reply = ask(&served, &format!("{host}/cat.png"));
    let sent = served.ask("POST /v1/models/cats:predict", &[], &png());
    assert_eq!((reply.status, &reply.body), (200, &sent.body), "as if it was sent: {reply:?}");
    for (path, status, told) in [
        ("moved", 400, "redirects are not followed"),
        ("missing", 400, "expected status 200, got 404"),
        ("page", 400, "expected Content-Type image/"),
        ("lies", 400, "the picture in the request"),
        ("large", 413, "at most 100000 bytes"),
        ("slow", 400, "it took too long"),
    ] {
        let begun = Instant::now();
        let reply = ask(&served, &format!("{host}/{path}"));
        let error = reply.error().unwrap_or_default();
        assert!(reply.status == status && error.contains(told), "{path}: {reply:?}");
        assert!(!reply.body.contains("secret"), "what the host says is not passed on: {reply:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{path}: {:?}", begun.elapsed());
    }
    let both = serde_json::json!({ "url": format!("{host}/cat.png"), "image": "aaaa" }).to_string();
    assert_eq!(served.post("/v1/models/cats:predict", both.as_bytes()).status, 400);
    let many = serde_json::json!({ "urls": vec![format!("{host}/cat.png"); 65] }).to_string();
    assert_eq!(served.post("/v1/models/cats:predict", many.as_bytes()).status, 400);
}

#[test]
fn hostile_urls_lead_nowhere() {
    let (closed, _closed_folder) = served(RemoteOptions::default());
    assert_eq!(ask(&closed, "https://images.example.com/cat.png").status, 403, "off unless hosts are allowed");
    // Even where these names are allowed, what they lead to is this machine's or its network's.
    let hosts = [
        "localhost",
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "*.example.com",
        "images.example.com",
    ];
    let hosts = hosts.map(ToOwned::to_owned).to_vec();
    let (open, _folder) = served(RemoteOptions { hosts, timeout_ms: 700, ..RemoteOptions::default() });
    let long = format!("http://images.example.com/{}", "a".repeat(5_000));
    for (url, statuses) in [
        ("http://localhost/cat.png", &[400][..]),
        ("http://LOCALHOST./cat.png", &[400]),
        ("http://127.0.0.1/", &[400]),
        ("http://127.1.2.3/", &[400]),
        ("http://127.1/", &[400]),
        ("http://2130706433/", &[400]),
        ("http://0x7f000001/", &[400]),
        ("http://0177.0.0.1/", &[400]),
        ("http://①②⑦.⓪.⓪.①/", &[400]),
        ("http://0/", &[400]),
        ("http://0.0.0.0/", &[400]),
        ("http://10.0.0.1/", &[400]),
        ("http://172.16.0.1/", &[400]),
        ("http://192.168.0.1/", &[400]),
        ("http://169.254.169.254/latest/meta-data/", &[400]),
        ("http://100.64.0.1/", &[400]),
        ("http://198.18.0.1/", &[400]),
        ("http://224.0.0.1/", &[400]),
        ("http://255.255.255.255/", &[400]),
        ("http://[::]/", &[400]),
        ("http://[::1]/", &[400]),
        ("http://[::ffff:127.0.0.1]/", &[400, 403]),
        ("http://[fc00::1]/", &[400]),
        ("http://[fe80::1]/", &[400]),
        ("http://[ff02::1]/", &[400]),
        ("http://[64:ff9b::127.0.0.1]/", &[400]),
        ("http://[2002:7f00:1::]/", &[400]),
        ("http://[fe80::1%25lo]/", &[400]),
        ("http://images.example.com:22/", &[400]),
        ("http://images.example.com@127.0.0.1/", &[400]),
        ("http://user:secret@images.example.com/", &[400]),
        ("http://evil.example/", &[403]),
        ("http://example.com/", &[403]),
        ("http://images.example.com.evil.example/", &[403]),
        ("http://evil.example#images.example.com", &[403]),
        ("http://evil.example\\@images.example.com/", &[403]),
        ("http://evil.example?.example.com", &[403]),
        ("file:///etc/passwd", &[400]),
        ("gopher://images.example.com/_x", &[400]),
        ("ftp://images.example.com/cat.png", &[400]),
        ("data:image/png;base64,aaaa", &[400]),
        ("javascript:alert(1)", &[400]),
        ("//images.example.com/cat.png", &[400]),
        ("/etc/passwd", &[400]),
        ("http://", &[400]),
        ("http:///cat.png", &[400, 403]),
        ("http://images.example.com:99999/", &[400]),
        ("http://images.exa\nmple.com:99999/", &[400]),
        ("", &[400]),
        (&long, &[400]),
    ] {
        let begun = Instant::now();
        let reply = ask(&open, url);
        assert!(statuses.contains(&reply.status) && reply.error().is_some(), "{url}: {reply:?}");
        assert!(!reply.body.contains("secret"), "{url}: {reply:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{url}: {:?}", begun.elapsed());
    }
}
