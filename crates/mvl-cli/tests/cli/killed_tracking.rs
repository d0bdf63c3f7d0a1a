//! The tracking server is killed at any moment while clients write: what was acknowledged is there, and nothing is there by half.
//!
//! `MVL_KILLS` says how often; `cargo xtask prove tracking-killed` kills it fifty times.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::command;

const CLIENTS: usize = 3;
/// Every so many batches a client uploads a file.
const FILE_EVERY: usize = 4;

/// What the server has acknowledged.
#[derive(Default)]
struct Acknowledged {
    batches: Vec<(String, usize)>,
    files: Vec<(String, usize)>,
}

/// `mvl track serve` in a folder, on a free port.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut serve = command(&["track", "serve", "--address", "127.0.0.1:0", "--json"]);
        serve.current_dir(folder).env_remove("MVL_TRACKING").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = serve.spawn().expect("the program starts");
        let mut text = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("piped"));
        while !text.ends_with("}\n") {
            assert!(out.read_line(&mut text).expect("readable") > 0, "the server ended: {text}");
        }
        let said: Value = serde_json::from_str(&text).expect("JSON");
        let address = said["address"].as_str().and_then(|address| address.strip_prefix("http://"));
        Self { process, address: address.expect("an address").to_owned() }
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("ended");
    }
}

/// One request; the body of an answer with status 200, `None` for anything else.
fn ask(address: &str, method: &str, path: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    if !head.starts_with("http/1.1 200") {
        return None;
    }
    let body = answer.split_off(end);
    // An answer that was cut off acknowledges nothing.
    let length: Option<usize> = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    match length {
        Some(length) => (body.len() == length).then_some(body),
        None if head.contains("transfer-encoding: chunked") => unchunk(&body),
        None => Some(body),
    }
}

fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).ok()?.trim(), 16).ok()?;
        body = &body[end + 2..];
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(body.get(..size)?);
        body = body.get(size + 2..)?;
    }
}

fn post(address: &str, call: &str, body: &Value) -> Option<Value> {
    let answer = ask(address, "POST", &format!("/api/2.0/mlflow/{call}"), body.to_string().as_bytes())?;
    serde_json::from_slice(&answer).ok()
}

fn get(address: &str, call: &str) -> Value {
    let answer = ask(address, "GET", &format!("/api/2.0/mlflow/{call}"), b"").expect(call);
    serde_json::from_slice(&answer).expect("JSON")
}

/// Content that no other file has.
fn content(run: &str, number: usize) -> Vec<u8> {
    format!("{run} {number}\n").repeat(2_000).into_bytes()
}

/// Writes until the server is gone.
fn write(address: &str, client: usize, acknowledged: &Mutex<Acknowledged>) {
    let Some(made) = post(address, "runs/create", &json!({"experiment_id": "0", "start_time": 1})) else { return };
    let run = made["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
    let place = made["run"]["info"]["artifact_uri"]
        .as_str()
        .expect("a place")
        .trim_start_matches("mlflow-artifacts:/")
        .to_owned();
    for number in 0.. {
        let metric = json!({"key": "m", "value": client, "timestamp": 1, "step": number});
        let param = json!({"key": format!("p{number}"), "value": "v"});
        let batch = json!({"run_id": run, "metrics": [metric], "params": [param], "tags": []});
        if post(address, "runs/log-batch", &batch).is_none() {
            return;
        }
        acknowledged.lock().expect("nobody panics").batches.push((run.clone(), number));
        if number % FILE_EVERY == 0 {
            let path = format!("/api/2.0/mlflow-artifacts/artifacts/{place}/{number}.txt");
            if ask(address, "PUT", &path, &content(&run, number)).is_none() {
                return;
            }
            acknowledged.lock().expect("nobody panics").files.push((run.clone(), number));
        }
    }
}

#[test]
fn what_was_acknowledged_outlives_the_server() {
    let kills: u64 = std::env::var("MVL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut random = 7_u64;
    for _ in 0..kills {
        let server = Server::start(folder.path());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, acknowledged) = (server.address.clone(), acknowledged.clone());
                std::thread::spawn(move || write(&address, client, &acknowledged))
            })
            .collect();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(30 + (random >> 33) % 500));
        server.kill();
        clients.into_iter().for_each(|client| client.join().expect("no panic"));
    }

    let server = Server::start(folder.path());
    let acknowledged = acknowledged.lock().expect("nobody panics");
    println!(
        "{kills} kills: {} batches and {} files were acknowledged",
        acknowledged.batches.len(),
        acknowledged.files.len()
    );
    assert!(!acknowledged.batches.is_empty() && !acknowledged.files.is_empty());
    let mut token = String::new();
    let mut runs = BTreeSet::new();
    loop {
        let search = json!({"experiment_ids": ["0"], "max_results": 1000, "page_token": token});
        let page = post(&server.address, "runs/search", &search).expect("runs");
        for run in page["runs"].as_array().into_iter().flatten() {
            runs.insert(run["info"]["run_id"].as_str().expect("an id").to_owned());
        }
        match page["next_page_token"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut token),
            _ => break,
        }
    }
    for run in &runs {
        let history = get(&server.address, &format!("metrics/get-history?run_id={run}&metric_key=m&max_results=25000"));
        let steps: BTreeSet<usize> = history["metrics"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|point| match &point["step"] {
                Value::String(step) => step.parse().expect("a number"),
                step => step.as_u64().unwrap_or(0) as usize,
            })
            .collect();
        let found = get(&server.address, &format!("runs/get?run_id={run}"));
        let params = found["run"]["data"]["params"].as_array().into_iter().flatten();
        let params: BTreeSet<usize> =
            params.map(|param| param["key"].as_str().expect("a key")[1..].parse().expect("a number")).collect();
        assert_eq!(steps, params, "a batch of run {run} is there by half");
        for (_, number) in acknowledged.batches.iter().filter(|(of, _)| of == run) {
            assert!(steps.contains(number), "batch {number} of run {run} was acknowledged and is gone");
        }
    }
    for (run, _) in &acknowledged.batches {
        assert!(runs.contains(run), "run {run} was acknowledged and is gone");
    }
    for (run, number) in &acknowledged.files {
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{number}.txt");
        assert_eq!(ask(&server.address, "GET", &path, b""), Some(content(run, *number)), "file {number} of run {run}");
    }
    server.kill();
}
