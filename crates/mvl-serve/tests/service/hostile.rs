//! What clients should not send: each gets its status and an error that says what is wrong, and the server goes on.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use mvl_core::{Channels, Cpu, Image};
use mvl_data::encode_png;
use mvl_models::zoo;
use mvl_serve::models::{
    ClassifierModels, FoundVersion, IdentityModels, LoadOptions, ModelDefinition, ModelParts, ModelSource,
};
use mvl_serve::{ApiKeys, GatewayOptions};

use crate::served::{Reply, Served, save_model};

/// Identity models, and saved ones.
struct Both(ClassifierModels<Cpu>);

impl ModelSource for Both {
    fn resolve(&self, source: &str) -> Result<FoundVersion, mvl_serve::ServiceError> {
        if source.starts_with("identity:") { IdentityModels.resolve(source) } else { self.0.resolve(source) }
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, mvl_serve::ServiceError> {
        if found.address.starts_with("identity:") {
            IdentityModels.load(found, options)
        } else {
            self.0.load(found, options)
        }
    }
}

const LIMIT: usize = 1 << 20;

fn served(keys: ApiKeys) -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let gateway = GatewayOptions {
        keys,
        body_bytes: LIMIT,
        header_time: Duration::from_millis(400),
        body_time: Duration::from_millis(400),
        ..GatewayOptions::default()
    };
    let served = Served::start(Arc::new(Both(ClassifierModels::new(zoo()))), gateway);
    let saved = folder.path().to_str().expect("a plain path");
    for (name, source) in [("echo", "identity:FP32"), ("words", "identity:BYTES"), ("cats", saved)] {
        served.repository.define(ModelDefinition::new(name, source)).expect("a new name");
        served.repository.load(name).expect("loaded");
    }
    (served, folder)
}

fn input(rest: &str) -> String {
    format!(r#"{{"inputs":[{{"name":"INPUT0",{rest}}}]}}"#)
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("packed")
}

/// A PNG that says how large it is and has no pixels to show for it.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut png = encode_png(&Image::new(1, 1, Channels::Gray, vec![0]).expect("a pixel"));
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    // The header's checksum, so that it is only the size that is wrong.
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

const ECHO: &str = "/v2/models/echo/infer";
const FINE: &str = r#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#;

#[test]
fn bad_requests_for_tensors() {
    let (served, _folder) = served(ApiKeys::default());
    let fine = |shape: &str, data: &str| input(&format!(r#""shape":{shape},"datatype":"FP32","data":{data}"#));
    let with = |extra: &str| format!("{},{extra}}}", &FINE[..FINE.len() - 1]);
    let deep = "[".repeat(20_000);
    let cases: Vec<(&str, String, &str)> = vec![
        ("no body", String::new(), "not as expected"),
        ("no JSON", "tensors, please".into(), "not as expected"),
        ("an array", "[]".into(), "not as expected"),
        ("half of it", FINE[..40].into(), "not as expected"),
        ("too deep", deep, "not as expected"),
        ("deep data", fine("[1,2]", &"[".repeat(20_000)), "not as expected"),
        ("no inputs", "{}".into(), "inputs"),
        ("inputs are no list", r#"{"inputs":7}"#.into(), "not as expected"),
        ("an input without a name", r#"{"inputs":[{"shape":[1],"datatype":"FP32","data":[1]}]}"#.into(), "name"),
        ("without a shape", input(r#""datatype":"FP32","data":[1]"#), "shape"),
        ("without a datatype", input(r#""shape":[1,1],"data":[1]"#), "datatype"),
        ("without data", input(r#""shape":[1,1],"datatype":"FP32""#), "data"),
        ("an unknown datatype", input(r#""shape":[1,1],"datatype":"FP8","data":[1]"#), "FP8"),
        ("a datatype in small letters", input(r#""shape":[1,1],"datatype":"fp32","data":[1]"#), "fp32"),
        ("a datatype that is none", input(r#""shape":[1,1],"datatype":32,"data":[1]"#), "not as expected"),
        ("a negative side", fine("[-1,2]", "[1,2]"), "not as expected"),
        ("half a side", fine("[1.5,2]", "[1,2,3]"), "not as expected"),
        ("sides beyond counting", fine("[18446744073709551615,18446744073709551615]", "[1]"), "elements"),
        ("sides beyond memory", fine("[1,1000000000000]", "[1]"), "elements"),
        ("a side beyond numbers", fine("[99999999999999999999999]", "[1]"), "not as expected"),
        ("nine axes", fine("[1,1,1,1,1,1,1,1,1]", "[1]"), "dimensions"),
        ("an element too few", fine("[1,2]", "[1]"), "expected 2 elements"),
        ("an element too many", fine("[1,2]", "[1,2,3]"), "expected 2 elements"),
        ("ragged rows", fine("[2,2]", "[[1,2],[3]]"), "axis 1"),
        ("half flat", fine("[2,2]", "[[1,2],3,4]"), "nested"),
        ("text for a number", fine("[1,1]", r#"["1"]"#), "FP32"),
        ("null for a number", fine("[1,1]", "[null]"), "FP32"),
        ("not a number", fine("[1,1]", "[NaN]"), "not as expected"),
        ("beyond the datatype", fine("[1,1]", "[1e39]"), "FP32"),
        ("beyond all numbers", fine("[1,1]", "[1e999]"), "not as expected"),
        ("data of another kind", fine("[1,1]", r#"{"a":1}"#), "not as expected"),
        ("another datatype than the model's", input(r#""shape":[1,1],"datatype":"INT32","data":[1]"#), "datatype"),
        ("another rank", fine("[2]", "[1,2]"), "shape"),
        ("another name", FINE.replace("INPUT0", "INPUT9"), "INPUT0"),
        ("a name of control characters", FINE.replace("INPUT0", "\\u0000\\u001b[2J"), "INPUT0"),
        (
            "the same input twice",
            FINE.replace("]}]", r#"]},{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]"#),
            "INPUT0",
        ),
        (
            "one input too many",
            FINE.replace("]}]", r#"]},{"name":"INPUT1","shape":[1,1],"datatype":"FP32","data":[1]}]"#),
            "INPUT1",
        ),
        ("no rows", fine("[0,2]", "[]"), "at least one row"),
        ("an unknown output", with(r#""outputs":[{"name":"OUTPUT7"}]"#), "OUTPUT7"),
        ("outputs that are no list", with(r#""outputs":"all""#), "not as expected"),
        ("a priority of words", with(r#""parameters":{"priority":"high"}"#), "priority"),
        ("a negative timeout", with(r#""parameters":{"timeout":-5}"#), "timeout"),
        ("a flag that is none", with(r#""parameters":{"binary_data_output":"yes"}"#), "binary_data_output"),
        ("parameters that are no object", with(r#""parameters":[]"#), "not as expected"),
        (
            "binary data that are not there",
            input(r#""shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":4}"#),
            "binary",
        ),
        (
            "a negative binary size",
            input(r#""shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":-4}"#),
            "binary_data_size",
        ),
        (
            "data twice",
            input(r#""shape":[1,1],"datatype":"FP32","data":[1],"parameters":{"binary_data_size":4}"#),
            "one of",
        ),
        (
            "a region without a size",
            input(r#""shape":[1,1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}"#),
            "shared_memory_byte_size",
        ),
        (
            "a region where there are none",
            input(
                r#""shape":[1,1],"datatype":"FP32","parameters":{"shared_memory_region":"r","shared_memory_byte_size":4}"#,
            ),
            "shared memory",
        ),
        (
            "shape after data, and another",
            input(r#""shape":[1,2],"datatype":"FP32","data":[1,2],"shape":[2,1]"#),
            "once",
        ),
    ];
    for (name, body, expected) in &cases {
        let reply = served.post(ECHO, body.as_bytes());
        let error = reply.error().unwrap_or_else(|| panic!("{name}: {reply:?}"));
        assert_eq!(reply.status, 400, "{name}: {reply:?}");
        assert!(error.contains(expected), "{name}: expected {expected:?} in {error:?}");
        assert!(error.len() < 600, "{name}: an error of {} bytes", error.len());
    }
    let reply =
        served.post(ECHO, b"{\"inputs\":[{\"name\":\"\xff\xfe\",\"shape\":[1,1],\"datatype\":\"FP32\",\"data\":[1]}]}");
    assert_eq!((reply.status, reply.error().is_some()), (400, true), "no UTF-8: {reply:?}");
    assert_eq!(served.post(ECHO, FINE.as_bytes()).status, 200);
}

#[test]
fn bad_bodies_and_headers() {
    let (served, _folder) = served(ApiKeys::default());
    let line = format!("POST {ECHO}");
    let large = vec![b' '; LIMIT + 1];
    let binary = input(r#""shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":4}"#);
    let length = |n: usize| format!("inference-header-content-length: {n}");
    let behind = [binary.as_bytes(), &[0; 8]].concat();
    let bomb = gzipped(&vec![b' '; 64 << 20]);
    let chunked = [format!("{:x}\r\n", large.len()).as_bytes(), &large, b"\r\n0\r\n\r\n"].concat();
    let cases: Vec<(&str, Vec<String>, &[u8], u16)> = vec![
        ("JSON longer than the body", vec![length(10_000)], binary.as_bytes(), 400),
        ("a length of words", vec!["inference-header-content-length: long".into()], binary.as_bytes(), 400),
        ("a negative length", vec!["inference-header-content-length: -3".into()], binary.as_bytes(), 400),
        ("binary data that nobody asked for", vec![length(binary.len())], &behind, 400),
        ("JSON cut short", vec![length(binary.len() - 3)], binary.as_bytes(), 400),
        ("an unknown encoding", vec!["content-encoding: br".into()], FINE.as_bytes(), 400),
        ("not what it is called", vec!["content-encoding: gzip".into()], FINE.as_bytes(), 400),
        ("deflate that is none", vec!["content-encoding: deflate".into()], FINE.as_bytes(), 400),
        ("a bomb", vec!["content-encoding: gzip".into()], &bomb, 413),
        ("a large body", vec![], &large, 413),
        ("a large body in chunks", vec!["transfer-encoding: chunked".into()], &chunked, 413),
        ("a length that is none", vec!["content-length: many".into()], FINE.as_bytes(), 400),
        ("a header of 600 kB", vec![format!("x-long: {}", "a".repeat(600_000))], FINE.as_bytes(), 431),
        ("500 headers", (0..500).map(|n| format!("x-{n}: a")).collect(), FINE.as_bytes(), 431),
        ("somebody else's name", vec!["origin: https://evil.example".into()], FINE.as_bytes(), 403),
    ];
    for (name, headers, body, status) in &cases {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let reply = served.ask(&line, &headers, body);
        assert_eq!(reply.status, *status, "{name}: {reply:?}");
        // What is no HTTP is answered by the protocol's own means, without a body.
        assert!(reply.error().is_some() || reply.body.is_empty(), "{name}: {reply:?}");
    }
    for (name, bytes, status) in [
        ("garbage", &b"\x00\x01\x02\x03 hello\r\n\r\n"[..], 400),
        ("a name that leads elsewhere", b"GET /v2 HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n", 403),
        ("no such method", b"BREW /v2 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 405),
    ] {
        let reply = served.send(bytes);
        assert_eq!(reply.status, status, "{name}: {reply:?}");
    }
    assert_eq!(served.post(ECHO, FINE.as_bytes()).status, 200);
}

#[test]
fn slow_and_unfaithful_clients() {
    let (served, _folder) = served(ApiKeys::default());
    let address = served.address;
    // Headers that never end.
    let begun = Instant::now();
    let mut slow = served.connect();
    slow.write_all(format!("POST {ECHO} HTTP/1.1\r\nhost: {address}\r\n").as_bytes()).expect("sent");
    let reply = Reply::read(slow);
    assert!(reply.status == 0 || reply.status == 408, "{reply:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "closed in good time: {:?}", begun.elapsed());
    // Nothing at all, and what may become any protocol.
    for beginning in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n"] {
        let begun = Instant::now();
        let mut silent = served.connect();
        silent.write_all(beginning).expect("sent");
        let reply = Reply::read(silent);
        assert_eq!(reply.status, 0, "{beginning:?}: {reply:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{beginning:?}: closed in good time: {:?}", begun.elapsed());
    }
    // A body that never ends.
    let begun = Instant::now();
    let mut slow = served.connect();
    let head = format!("POST {ECHO} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 1000\r\n\r\n{{");
    slow.write_all(head.as_bytes()).expect("sent");
    let reply = Reply::read(slow);
    assert_eq!(reply.status, 408, "{reply:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    // A body that is shorter than it says, and then the client is gone.
    for _ in 0..20 {
        let mut gone = served.connect();
        gone.write_all(head.as_bytes()).expect("sent");
    }
    // A length beyond the body, by a lie, with the connection held open for reading.
    let mut lying = served.connect();
    lying.write_all(head.as_bytes()).expect("sent");
    lying.shutdown(std::net::Shutdown::Write).expect("half closed");
    let reply = Reply::read(lying);
    assert!(reply.status == 400 || reply.status == 0, "{reply:?}");
    assert_eq!(served.post(ECHO, FINE.as_bytes()).status, 200);
}

#[test]
fn bad_names_and_verbs() {
    let (served, _folder) = served(ApiKeys::default());
    let post = |path: &str, body: &str| served.post(path, body.as_bytes());
    for (path, body, status) in [
        ("/v2/models/nothing/infer", FINE, 404),
        ("/v2/models/echo/versions/9/infer", FINE, 404),
        ("/v2/models/echo/versions/%2e%2e/infer", FINE, 404),
        ("/v2/models/..%2f..%2fetc%2fpasswd/infer", FINE, 404),
        ("/v2/models/%00/infer", FINE, 404),
        ("/v2/models/%ff%fe/infer", FINE, 400),
        ("/v2/models/../../infer", FINE, 404),
        ("/v2/elsewhere", FINE, 404),
        ("/v2/repository/models/nothing/load", "", 404),
        ("/v2/repository/models/nothing/unload", "", 404),
        ("/v2/repository/models/echo/load", r#"{"parameters":{"config":"{}"}}"#, 501),
        ("/v2/repository/index", "[", 400),
        ("/v2/systemsharedmemory/region/r/register", r#"{"key":"/../etc/passwd","byte_size":4}"#, 501),
        ("/v1/models", r#"{"name":"../escape","source":"identity:FP32"}"#, 400),
        ("/v1/models", r#"{"name":".hidden","source":"identity:FP32"}"#, 400),
        ("/v1/models", r#"{"name":"echo","source":"identity:FP32"}"#, 400),
        ("/v1/models", r#"{"name":"new","source":"identity:FP8"}"#, 400),
        ("/v1/models", r#"{"name":"new","source":"/etc"}"#, 403),
        ("/v1/models", r#"{"name":"new","source":"s3://somebody/else"}"#, 403),
        ("/v1/models/echo:canary", r#"{"source":"/proc/self","percent":5}"#, 403),
        ("/v1/models/echo:shadow", r#"{"source":"identity:FP32/../../etc","percent":5}"#, 403),
        ("/v2/repository/models/new/load", r#"{"parameters":{"source":"/etc"}}"#, 403),
        ("/v1/models", r#"{"name":"new","source":"models:/no@one"}"#, 404),
        ("/v1/models", r#"{"name":"new","source":"identity:FP32","replicas":0}"#, 400),
        ("/v1/models", r#"{"name":"new","source":"identity:FP32","replicas":1000000000}"#, 400),
        ("/v1/models", r#"{"name":"new","source":"identity:FP32","max_batch_size":0}"#, 400),
        ("/v1/models", r#"{"name":"new","source":"identity:FP32","max_batch_size":1000000000000}"#, 400),
        ("/v1/models/%ff%fe:predict", "", 400),
        ("/v1/models", r#"{"name":"new","source":"identity:FP32","shell":"rm"}"#, 400),
        ("/v1/models/echo:canary", r#"{"source":"identity:FP32","percent":101}"#, 400),
        ("/v1/models/echo:canary", r#"{"source":"identity:FP32","percent":-1}"#, 400),
        ("/v1/models/echo:rollback", "", 400),
        ("/v1/models/echo:promote", "", 400),
        ("/v1/models/echo:explode", "", 404),
        ("/v1/models/echo", "", 404),
    ] {
        let reply = post(path, body);
        assert_eq!(reply.status, status, "{path} {body}: {reply:?}");
        assert!(reply.error().is_some(), "{path}: {reply:?}");
    }
    assert_eq!(served.get(ECHO).status, 405);
    assert_eq!(served.get("/v1/models/new").status, 404, "what could not be made is not there");
    assert_eq!(post(ECHO, FINE).status, 200);
}

#[test]
fn bad_pictures() {
    let (served, _folder) = served(ApiKeys::default());
    const CATS: &str = "/v1/models/cats:predict";
    let good = encode_png(&Image::new(28, 28, Channels::Gray, vec![7; 784]).expect("a picture"));
    let svg = br#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><svg>&lol2;</svg>"#;
    let many = format!(r#"{{"images":[{}]}}"#, vec![r#""aaaa""#; 65].join(","));
    let raw: Vec<(&str, &str, Vec<u8>, u16)> = vec![
        ("nothing", "image/png", vec![], 400),
        ("text", "image/png", b"a picture of a cat".to_vec(), 400),
        ("half a picture", "image/png", good[..good.len() / 2].to_vec(), 400),
        ("only the start of a JPEG", "image/jpeg", vec![0xff, 0xd8, 0xff, 0xe0, 0, 16], 400),
        (
            "a JPEG that ends in its header",
            "image/jpeg",
            [&[0xff, 0xd8, 0xff, 0xc0, 0xff, 0xff][..], &[8; 40]].concat(),
            400,
        ),
        ("50,000 pixels a side", "image/png", png_of(50_000, 50_000), 400),
        ("too many pixels", "image/png", png_of(8_000, 8_000), 413),
        ("no pixels", "image/png", png_of(0, 10), 400),
        ("a picture of programs", "image/svg+xml", svg.to_vec(), 400),
        ("an archive", "application/zip", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), 400),
        ("GIF", "image/gif", b"GIF89a\x01\0\x01\0\0\0\0".to_vec(), 400),
        ("no base64", "application/json", br#"{"image":"?!"}"#.to_vec(), 400),
        ("nothing in base64", "application/json", br#"{"image":""}"#.to_vec(), 400),
        ("no pictures", "application/json", b"{}".to_vec(), 400),
        ("65 pictures", "application/json", many.into_bytes(), 400),
        ("an address", "application/json", br#"{"url":"http://169.254.169.254/latest"}"#.to_vec(), 403),
        ("a form without a border", "multipart/form-data", b"--x\r\n".to_vec(), 400),
        (
            "a form cut short",
            "multipart/form-data; boundary=x",
            b"--x\r\ncontent-disposition: form-data; name=\"f\"\r\n\r\nabc".to_vec(),
            400,
        ),
    ];
    for (name, kind, body, status) in &raw {
        let reply = served.ask(&format!("POST {CATS}"), &[&format!("content-type: {kind}")], body);
        assert_eq!(reply.status, *status, "{name}: {reply:?}");
        assert!(reply.error().is_some(), "{name}: {reply:?}");
    }
    let png = ["content-type: image/png"];
    for (path, status) in [
        ("/v1/models/echo:predict", 400),
        ("/v1/models/nothing:predict", 404),
        ("/v1/models/cats/versions/7:predict", 404),
        ("/v1/models/cats/versions/1:unload", 404),
        ("/v1/models/cats:predict?top=-1", 400),
        ("/v1/models/cats:predict?tip=5", 400),
    ] {
        let reply = served.ask(&format!("POST {path}"), &png, &good);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
    }
    let reply = served.ask(&format!("POST {CATS}?top=1"), &png, &good);
    assert_eq!((reply.status, reply.json()["predictions"][0].as_array().map(Vec::len)), (200, Some(1)), "{reply:?}");
}

#[test]
fn without_a_key_only_health_is_told() {
    let keys = ApiKeys::default().with("a key of twenty four").expect("a key");
    let (served, _folder) = served(keys);
    let ask = |path: &str, header: &str| served.ask(&format!("GET {path}"), &[header], b"").status;
    for header in [
        "x: y",
        "authorization: Bearer",
        "authorization: Bearer a key of twenty fiv",
        "authorization: Basic YTpiCg==",
        "x-api-key: ",
        "authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    ] {
        for path in ["/v2", "/v2/models/echo", "/v1/models", "/metrics", "/nothing"] {
            assert_eq!(ask(path, header), 401, "{path} {header}");
        }
        assert_eq!(ask("/v2/health/live", header), 200);
    }
    assert_eq!(ask("/v2", "authorization: Bearer a key of twenty four"), 200);
    assert_eq!(ask("/v2", "x-api-key: a key of twenty four"), 200);
    // Nobody's body is read before it is known who asks.
    let large = vec![b' '; 2 * LIMIT];
    assert_eq!(served.ask(&format!("POST {ECHO}"), &[], &large).status, 401);
}

#[test]
fn messages_that_are_none_over_grpc() {
    let (served, _folder) = served(ApiKeys::default());
    for (what, message) in [
        ("a name that is no UTF-8", &b"\x0a\x02\xff\xfe"[..]),
        ("a name that is cut off", b"\x0a\x09ab"),
        ("a number for a name", b"\x08\x01"),
        ("a datatype that is no UTF-8", b"\x0a\x04FP32\x2a\x06\x12\x04FP3\xff"),
        ("field 0", b"\x02\x01a"),
        ("an open end", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    ] {
        let framed = [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat();
        let line = "POST /inference.GRPCInferenceService/ModelInfer";
        let reply = served.ask(line, &["content-type: application/grpc", "te: trailers"], &framed);
        let told = reply.header("grpc-message").unwrap_or_default();
        assert_eq!((reply.status, reply.header("grpc-status")), (200, Some("3")), "{what}: {reply:?}");
        assert!(told.contains("not%20as%20expected"), "{what}: {told}");
    }
    assert_eq!(served.get("/v2/health/ready").status, 200);
}
