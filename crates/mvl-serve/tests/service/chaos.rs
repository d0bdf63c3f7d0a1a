//! Requests while versions, canaries and replicas come and go and the store fails: no wrong answer, none lost, memory flat.
//!
//! `MVL_CHAOS_REQUESTS` says how many; `cargo xtask prove serve-chaos` asks 100,000 times and kills a replica every ten seconds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use mvl_core::Cpu;
use mvl_infer::{Engine, EngineError, HostTensor, Signature};
use mvl_models::zoo;
use mvl_serve::models::{
    ClassifierModels, FoundVersion, LoadOptions, ModelDefinition, ModelParts, ModelSource, Repository,
};
use mvl_serve::{GatewayOptions, ServiceError, Trouble};
use tokio::net::TcpStream;

use crate::served::{Served, save_model};

/// Versions that take turns.
const VERSIONS: usize = 4;
/// Different pictures that are asked about.
const PICTURES: usize = 8;
const PIXELS: usize = 28 * 28;
/// How far an answer may be from the version's own, whatever it shared its forward pass with.
const TOLERANCE: f32 = 1e-4;
const CONNECTIONS: usize = 8;
const REPLICAS: usize = 2;

/// An engine that panics in the middle of its next forward pass, once it is told to die.
struct Mortal {
    engine: Arc<dyn Engine>,
    dies: Arc<AtomicBool>,
}

impl Engine for Mortal {
    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn platform(&self) -> &str {
        self.engine.platform()
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let outputs = self.engine.run(inputs);
        if self.dies.swap(false, Ordering::SeqCst) {
            std::panic::resume_unwind(Box::new("killed")); // a panic that prints nothing
        }
        outputs
    }
}

/// Saved nets whose current version is a number, in a store that fails at times.
struct Unsteady {
    models: ClassifierModels<Cpu>,
    folder: PathBuf,
    current: AtomicUsize,
    /// Nobody answers.
    away: AtomicBool,
    /// What is read is cut short.
    torn: AtomicBool,
    dies: Arc<AtomicBool>,
    /// An engine of each version, for replicas that come later.
    engines: Mutex<Vec<(String, Arc<dyn Engine>)>>,
}

impl Unsteady {
    fn mortal(&self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        Arc::new(Mortal { engine, dies: self.dies.clone() })
    }
}

impl ModelSource for Unsteady {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(ServiceError::new(Trouble::Unavailable, "the store is away"));
        }
        let version = source.parse().unwrap_or_else(|_| self.current.load(Ordering::SeqCst));
        let address = self.folder.join(version.to_string());
        Ok(FoundVersion::fixed(version.to_string(), address.to_str().expect("a plain path")))
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        let mut found = found.clone();
        if self.torn.load(Ordering::SeqCst) {
            found.address += "-torn";
        }
        let parts = self.models.load(&found, options)?;
        let mut engines = self.engines.lock().expect("nobody panics with it");
        engines.retain(|(version, _)| *version != found.version);
        engines.push((found.version, parts.replicas[0].clone()));
        Ok(ModelParts { replicas: parts.replicas.into_iter().map(|engine| self.mortal(engine)).collect(), ..parts })
    }
}

/// The n-th picture, normalised.
fn picture(n: usize) -> Vec<f32> {
    (0..PIXELS).map(|i| ((i * (n + 3)) % 29) as f32 / 14.5 - 1.0).collect()
}

/// What every version answers to every picture, alone.
fn truths(source: &Unsteady) -> Vec<Vec<Vec<f32>>> {
    let of_version = |version: usize| {
        let found = source.resolve(&version.to_string()).expect("it is there");
        let engine = source
            .load(&found, &ModelDefinition::new("m", "current").load_options())
            .expect("it is whole")
            .replicas
            .remove(0);
        let answer = |n| {
            let input = HostTensor::from_f32(vec![1, 1, 28, 28], &picture(n));
            engine.run(vec![input]).expect("it answers")[0].to_f32().expect("numbers").to_vec()
        };
        (0..PICTURES).map(answer).collect()
    };
    let truths: Vec<Vec<Vec<f32>>> = (1..=VERSIONS).map(of_version).collect();
    for (a, first) in truths.iter().enumerate() {
        for second in &truths[..a] {
            let apart = (0..PICTURES).all(|n| distance(&first[n], &second[n]) > 100.0 * TOLERANCE);
            assert!(apart, "versions can be told apart by every answer");
        }
    }
    truths
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    right: AtomicU64,
    wrong: AtomicU64,
    /// Refused with 503, before anything was done: the client is told to come again.
    refused: AtomicU64,
    lost: Mutex<Vec<String>>,
}

/// A question in the protocol's binary form.
fn question(n: usize, host: &str) -> Request<Full<Bytes>> {
    let head = format!(
        r#"{{"inputs":[{{"name":"images","shape":[1,1,28,28],"datatype":"FP32","parameters":{{"binary_data_size":{}}}}}],"outputs":[{{"name":"logits"}}]}}"#,
        4 * PIXELS
    );
    let values = picture(n).into_iter().flat_map(f32::to_le_bytes);
    let body: Vec<u8> = head.bytes().chain(values).collect();
    Request::post("/v2/models/m/infer")
        .header("host", host)
        .header("inference-header-content-length", head.len())
        .body(Full::new(body.into()))
        .expect("a request")
}

/// Asks over one connection until enough was asked.
async fn ask(host: String, total: u64, number: usize, counts: Arc<Counts>, truths: Arc<Vec<Vec<Vec<f32>>>>) {
    let connect = || async {
        let stream = TcpStream::connect(&host).await.map_err(|error| error.to_string())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok::<_, String>(sender)
    };
    let mut sender: Option<SendRequest<Full<Bytes>>> = None;
    let mut turn = number;
    while counts.asked.fetch_add(1, Ordering::SeqCst) < total {
        let n = turn % PICTURES;
        turn += 1;
        let answered = async {
            let mut connection = match sender.take() {
                Some(connection) => connection,
                None => connect().await?,
            };
            let response = connection.send_request(question(n, &host)).await.map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
            sender = Some(connection);
            Ok::<_, String>((status, body))
        };
        match answered.await {
            Ok((200, body)) => {
                let right = read(&body)
                    .is_some_and(|(version, logits)| distance(&logits, &truths[version - 1][n]) <= TOLERANCE);
                let count = if right { &counts.right } else { &counts.wrong };
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok((503, body)) if !String::from_utf8_lossy(&body).contains("failed") => {
                counts.refused.fetch_add(1, Ordering::SeqCst);
            }
            Ok((status, body)) => {
                let text = format!("{status} {}", String::from_utf8_lossy(&body));
                counts.lost.lock().expect("nobody panics with it").push(text);
            }
            Err(error) => counts.lost.lock().expect("nobody panics with it").push(error),
        }
    }
}

/// The version that answered, and its logits.
fn read(body: &[u8]) -> Option<(usize, Vec<f32>)> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let version = json["model_version"].as_str()?.parse().ok()?;
    let data = json["outputs"][0]["data"].as_array()?;
    let logits: Option<Vec<f32>> = data.iter().map(|value| value.as_f64().map(|value| value as f32)).collect();
    (1..=VERSIONS).contains(&version).then_some((version, logits?)).filter(|(_, logits)| logits.len() == 2)
}

/// What went on beside the requests.
#[derive(Debug, Default)]
struct Events {
    switches: usize,
    failed_loads: usize,
    canaries: usize,
    kills: usize,
    replaced: usize,
}

/// One round of trouble: a reload from a store that may fail, a change of traffic.
fn disturb(round: usize, source: &Unsteady, repository: &Repository, events: &mut Events) {
    source.current.store(1 + round % VERSIONS, Ordering::SeqCst);
    source.away.store(round % 5 == 3, Ordering::SeqCst);
    source.torn.store(round % 5 == 4, Ordering::SeqCst);
    for (_, came) in repository.poll() {
        match came {
            Ok(_) => events.switches += 1,
            Err(_) => events.failed_loads += 1,
        }
    }
    let other = (1 + (round + 2) % VERSIONS).to_string();
    let changed = match round % 6 {
        0 => repository.set_canary("m", &other, 30),
        1 => repository.rollback("m").map(drop),
        2 => repository.set_shadow("m", &other, 50),
        3 => repository.promote_canary("m").map(drop),
        4 => repository.set_canary("m", &other, 5),
        _ => repository.set_shadow("m", &other, 0),
    };
    events.canaries += usize::from(changed.is_ok());
    source.away.store(false, Ordering::SeqCst);
    source.torn.store(false, Ordering::SeqCst);
}

/// Every other time a forward pass panics; else a replica is taken out in the middle of what it does, and another put in its place.
fn kill(source: &Unsteady, repository: &Repository, events: &mut Events) {
    if events.kills.is_multiple_of(2) {
        source.dies.store(true, Ordering::SeqCst);
    } else {
        for model in repository.loaded(Some("m")) {
            let engines = source.engines.lock().expect("nobody panics with it");
            let Some((_, engine)) = engines.iter().find(|(version, _)| *version == model.version) else { continue };
            let replicas = model.batcher.replicas();
            model.batcher.add_replica(source.mortal(engine.clone()));
            events.replaced += usize::from(model.batcher.remove_replica(replicas[0].id, false));
        }
    }
    events.kills += 1;
}

/// Memory of this process in MiB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / f64::from(1 << 20)
}

#[test]
fn no_answer_is_wrong_or_lost() {
    let total: u64 = std::env::var("MVL_CHAOS_REQUESTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    let is_long = total >= 20_000;
    let (kill_every, disturb_every) = match is_long {
        true => (Duration::from_secs(10), Duration::from_millis(500)),
        false => (Duration::from_millis(100), Duration::from_millis(30)),
    };
    let folder = tempfile::tempdir().expect("a folder");
    for version in 1..=VERSIONS {
        let whole = folder.path().join(version.to_string());
        save_model(&whole, &format!("v{version}"));
        let torn = folder.path().join(format!("{version}-torn"));
        std::fs::create_dir(&torn).expect("a folder");
        for entry in std::fs::read_dir(&whole).expect("files").flatten() {
            let bytes = std::fs::read(entry.path()).expect("a file");
            let cut = if entry.file_name() == "weights.bpk" { bytes.len() / 2 } else { bytes.len() };
            std::fs::write(torn.join(entry.file_name()), &bytes[..cut]).expect("written");
        }
    }
    let source = Arc::new(Unsteady {
        models: ClassifierModels::new(zoo()),
        folder: folder.path().to_owned(),
        current: AtomicUsize::new(1),
        away: AtomicBool::new(false),
        torn: AtomicBool::new(false),
        dies: Arc::default(),
        engines: Mutex::default(),
    });
    let truths = Arc::new(truths(&source));
    let served = Served::start(source.clone(), GatewayOptions::default());
    served
        .repository
        .define(ModelDefinition { replicas: REPLICAS, ..ModelDefinition::new("m", "current") })
        .expect("new");
    served.repository.load("m").expect("loaded");

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let counts = Arc::new(Counts::default());
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|n| runtime.spawn(ask(served.address.to_string(), total, n, counts.clone(), truths.clone())))
        .collect();
    let (mut events, mut memory, mut round) = (Events::default(), Vec::new(), 0);
    let (mut killed, mut disturbed) = (Instant::now(), Instant::now());
    while !asking.iter().all(tokio::task::JoinHandle::is_finished) {
        std::thread::sleep(Duration::from_millis(5));
        if killed.elapsed() >= kill_every {
            killed = Instant::now();
            kill(&source, &served.repository, &mut events);
        }
        if disturbed.elapsed() >= disturb_every {
            disturbed = Instant::now();
            disturb(round, &source, &served.repository, &mut events);
            round += 1;
            memory.push(resident());
        }
    }
    for task in asking {
        runtime.block_on(task).expect("a connection's work does not panic");
    }

    let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
    let lost = counts.lost.lock().expect("nobody panics with it");
    let (right, wrong, refused) = (count(&counts.right), count(&counts.wrong), count(&counts.refused));
    assert_eq!(right + wrong + refused + lost.len() as u64, total);
    assert_eq!((wrong, lost.as_slice()), (0, &[] as &[String]), "{events:?}");
    assert!(events.switches > 2 && events.failed_loads > 0 && events.canaries > 2 && events.kills > 1, "{events:?}");
    let [early, late] = [&memory[memory.len() / 4..memory.len() / 2], &memory[3 * memory.len() / 4..]].map(mean);
    println!(
        "chaos: {total} requests, {right} answered right, {wrong} wrong, {} lost, {refused} refused at once; {} versions \
         switched, {} loads failed, {} changes of traffic, {} replicas killed; memory {early:.0} MiB in the second \
         quarter, {late:.0} MiB in the last",
        lost.len(),
        events.switches,
        events.failed_loads,
        events.canaries,
        events.kills,
    );
    if is_long {
        assert!(late <= early * 1.1 + 4.0, "memory grows from {early:.0} to {late:.0} MiB");
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
