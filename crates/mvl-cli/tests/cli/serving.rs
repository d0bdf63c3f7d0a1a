//! `mvl serve` as a process: told to end while it answers, and with the key of another server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::command;

/// How long the hook takes for an answer.
const TAKES: Duration = Duration::from_millis(900);
const KEY: &str = "the key of a hook, which is secret";
const VARIABLE: &str = "MVL_TEST_HOOK_KEY";

/// A hook that answers with what it got once it was shown the key; from the third request on slowly. Says when each arrives.
fn hook() -> (u16, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (arrived, arrives) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
            let (mut length, mut known, mut line) = (0, false, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().expect("a length"),
                    "authorization" => known = value.trim() == format!("Bearer {KEY}"),
                    _ => {}
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let input = serde_json::from_slice::<Value>(&body).expect("JSON")["inputs"][0].clone();
            let output = json!({ "name": "y", "datatype": "FP32", "shape": input["shape"], "data": input["data"] });
            let (status, answer) = match known {
                true => ("200 OK", json!({ "outputs": [output] })),
                false => ("401 Unauthorized", json!({ "error": "who are you" })),
            };
            let _ = arrived.send(());
            if number >= 2 {
                std::thread::sleep(TAKES);
            }
            let answer = answer.to_string();
            let length = answer.len();
            let _ =
                write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{answer}");
        }
    });
    (port, arrives)
}

/// A config that serves the hook.
fn config(folder: &Path, port: u16) {
    let text = format!(
        r#"
        [gateway]
        address = "127.0.0.1:0"
        drain_ms = 400
        [log]
        level = "debug"
        [upstreams.keys]
        "127.0.0.1:{port}" = {{ variable = "{VARIABLE}" }}
        [upstreams.hooks.twin]
        urls = ["http://127.0.0.1:{port}/"]
        inputs = [{{ name = "x", datatype = "FP32", shape = [-1, 2] }}]
        outputs = [{{ name = "y", datatype = "FP32", shape = [-1, 2] }}]
        [[models]]
        name = "twin"
        source = "hook:twin"
        max_batch_size = 1
        "#
    );
    std::fs::write(folder.join("serve.toml"), text).expect("written");
}

/// The server, once it listens, and where.
fn serve(folder: &Path) -> (Child, String) {
    let mut serve = command(&["serve", "--config", "serve.toml", "--json"]);
    serve.current_dir(folder).env(VARIABLE, KEY).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = serve.spawn().expect("the program starts");
    let mut text = String::new();
    let mut out = BufReader::new(process.stdout.take().expect("piped"));
    while !text.ends_with("}\n") {
        if out.read_line(&mut text).expect("readable") == 0 {
            let mut said = String::new();
            let _ = process.stderr.take().expect("piped").read_to_string(&mut said);
            panic!("the server ended: {said}");
        }
    }
    let said: Value = serde_json::from_str(&text).expect("JSON");
    let address = said["address"].as_str().and_then(|address| address.strip_prefix("http://")).expect("an address");
    (process, address.to_owned())
}

/// One request; its status and body. `None` when there is no connection.
fn ask(address: &str, line: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let length = body.len();
    let kind = "content-type: application/json\r\nconnection: close";
    write!(stream, "{line} HTTP/1.1\r\nhost: {address}\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

#[test]
#[cfg(unix)]
fn sigterm_waits_for_the_request_under_way_and_ends_with_0() {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, arrives) = hook();
    config(folder.path(), port);
    let (mut process, address) = serve(folder.path());
    assert_eq!(arrives.try_iter().count(), 2, "the warm-up has shown the key");
    assert_eq!(ask(&address, "GET /v2/health/ready", "").expect("it listens").0, 200);

    let asking = std::thread::spawn({
        let address = address.clone();
        let body = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1.5,-2]}]}"#;
        move || ask(&address, "POST /v2/models/twin/infer", body)
    });
    arrives.recv_timeout(Duration::from_secs(10)).expect("the request is under way");
    let told = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    // First it is not ready and answers all the same, then nobody is let in.
    let (mut not_ready, mut refused) = (false, false);
    while !refused && told.elapsed() < Duration::from_secs(10) {
        match ask(&address, "GET /v2/health/ready", "") {
            Some((503, _)) => not_ready = true,
            Some(_) => assert!(!not_ready, "it does not become ready again"),
            None => refused = true,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(not_ready && refused, "not ready: {not_ready}, refused: {refused}");
    let (status, body) = asking.join().expect("no panic").expect("an answer");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &answer["outputs"][0]["data"]), (200, &json!([1.5, -2.0])), "{body}");
    let status = process.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    let mut said = String::new();
    process.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert!(said.contains("not ready any more") && !said.contains(KEY), "{said}");
}

#[test]
fn the_key_of_another_server_is_asked_for_and_never_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path(), 9);
    let mvl = |key: Option<&str>, last: &str| {
        let mut serve = command(&["serve", "--config", "serve.toml", last]);
        serve.current_dir(folder.path()).env_remove(VARIABLE).envs(key.map(|key| (VARIABLE, key)));
        let output = serve.output().expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8") + &String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), text)
    };
    let (code, said) = mvl(None, "--check");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("upstreams.keys.127.0.0.1:9: ") && said.contains(VARIABLE), "{said}");
    assert!(said.contains("(from serve.toml)"), "{said}");
    let (code, said) = mvl(Some(KEY), "--print-config");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(VARIABLE) && !said.contains(KEY), "{said}");
}
