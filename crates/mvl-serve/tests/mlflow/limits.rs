//! How much one request may hold.

use mvl_serve::mlflow::Limits;
use serde_json::json;

use crate::server::Served;

const LIMITS: Limits = Limits { json_bytes: 10_000, artifact_bytes: 3_000_000 };

#[test]
fn json_that_is_too_large() {
    let server = Served::with(|options| options.with_limits(LIMITS));
    let reply =
        server.post("experiments/create", &json!({"name": "a", "tags": [{"key": "a", "value": "b".repeat(20_000)}]}));
    assert_eq!((reply.status, reply.code().as_str()), (413, "INVALID_PARAMETER_VALUE"));
    // As large, and not said beforehand.
    let piece = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
    let head = format!(
        "POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        server.address
    );
    assert_eq!(server.send([head.as_str(), &piece, &piece, "0\r\n\r\n"].concat().as_bytes()).status, 413);
}

#[test]
fn an_artifact_that_is_too_large() {
    let server = Served::with(|options| options.with_limits(LIMITS));
    let (experiment, run) = server.run();
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a.bin");
    let reply = server.ask_with("PUT", &path, &[], &vec![0; 3_000_001]);
    assert_eq!((reply.status, reply.code().as_str()), (413, "INVALID_PARAMETER_VALUE"));
    assert_eq!(server.get(&path).status, 404, "nothing of it is there");
    let largest: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    assert_eq!(server.ask_with("PUT", &path, &[], &largest).status, 200);
    assert!(server.get(&path).body == largest, "the largest comes back as it went");
    let part = server.ask_with("GET", &path, &[("Range", "bytes=2999990-")], b"");
    assert_eq!(
        (part.status, part.header("content-range"), &part.body[..]),
        (206, Some("bytes 2999990-2999999/3000000"), &largest[2_999_990..])
    );
    assert_eq!(server.ask_with("GET", &path, &[("Range", "bytes=3000000-")], b"").status, 416);
    let tag = part.header("etag").expect("a tag").to_owned();
    assert_eq!(server.ask_with("GET", &path, &[("If-None-Match", &tag)], b"").status, 304);
    let head = server.ask_with("HEAD", &path, &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("3000000"), 0));
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Served::start();
    let (experiment, run) = server.run();
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a.bin");
    {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(server.address).expect("a connection");
        let head = format!("PUT {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 4000000\r\n\r\n", server.address);
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(&vec![7; 2_000_000]).expect("sent");
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(server.get(&path).status, 404);
    let listed = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).json();
    assert!(listed.get("files").is_none(), "{listed}");
}
