//! Models of other servers: asked over loopback, ejected while they are away, and hooks.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_infer::ReplicaHealth;
use mvl_serve::models::{FoundVersion, IdentityModels, LoadOptions, ModelDefinition, ModelParts, ModelSource};
use mvl_serve::upstream::{HookConfig, KeySource, TensorConfig, UpstreamModels, UpstreamOptions};
use mvl_serve::{ApiKeys, GatewayOptions, ServiceError};

use crate::served::Served;

/// Identity models here, and models of other servers.
pub(crate) struct HereAndThere(pub(crate) UpstreamModels);

impl ModelSource for HereAndThere {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        if UpstreamModels::takes(source) { self.0.resolve(source) } else { IdentityModels.resolve(source) }
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        match UpstreamModels::takes(&found.address) {
            true => self.0.load(found, options),
            false => IdentityModels.load(found, options),
        }
    }
}

pub(crate) fn identity(model: &str, types: &str, gateway: GatewayOptions) -> Served {
    let served = Served::start(Arc::new(IdentityModels), gateway);
    served.repository.define(ModelDefinition::new(model, format!("identity:{types}"))).expect("new");
    served.repository.load(model).expect("loaded");
    served
}

fn front(options: UpstreamOptions) -> Served {
    let upstream = UpstreamModels::new(options).expect("a thread");
    Served::start(Arc::new(HereAndThere(upstream)), GatewayOptions::default())
}

fn allowed(servers: &[&Served]) -> UpstreamOptions {
    let hosts = servers.iter().map(|served| served.address.to_string()).collect();
    UpstreamOptions { hosts, timeout_ms: 2_000, ..UpstreamOptions::default() }
}

fn body(number: usize) -> String {
    format!(r#"{{"id":"x","inputs":[{{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[{number},-1.5]}}]}}"#)
}

const INFER: &str = "/v2/models/far/infer";

#[test]
fn an_upstream_that_dies_is_ejected_and_another_answers() {
    let [first, second] = [(); 2].map(|()| identity("m", "FP32", GatewayOptions::default()));
    let front = front(allowed(&[&first, &second]));
    let source = format!("oip:http://{}/m,http://{}/v2/models/m/versions/1", first.address, second.address);
    front.repository.define(ModelDefinition::new("far", source)).expect("new");
    front.repository.load("far").expect("loaded");
    let asked = front.get("/v2/models/far").json();
    assert_eq!((&asked["platform"], &asked["inputs"][0]["shape"]), (&"upstream".into(), &serde_json::json!([-1, -1])));
    let ask = |number: usize| {
        let reply = front.post(INFER, body(number).as_bytes());
        assert_eq!(reply.status, 200, "{number}: {reply:?}");
        assert_eq!(reply.json()["outputs"][0]["data"], serde_json::json!([number as f64, -1.5]), "{number}");
    };
    (0..40).for_each(ask);
    let passes = |served: &Served| served.repository.versions("m").expect("loaded")[0].batcher.statistics().passes;
    assert!(passes(&first) + passes(&second) >= 40);
    drop(second);
    let model = front.repository.versions("far").expect("loaded").remove(0);
    let is_out = || model.batcher.replicas().iter().any(|replica| replica.health == ReplicaHealth::Ejected);
    // Which of both takes a request is a matter of chance, so it is asked until the dead one has.
    let begun = std::time::Instant::now();
    for number in 40.. {
        ask(number);
        if is_out() {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", model.batcher.replicas());
    }
    (0..40).for_each(ask);
    assert_eq!(model.batcher.statistics().failure.count, 0, "nobody noticed");
    // An input that is wrong there is wrong here.
    let reply = front.post(INFER, body(1).replace("FP32", "INT32").as_bytes());
    assert_eq!(reply.status, 400, "{reply:?}");
    drop(first);
    let reply = front.post(INFER, body(1).as_bytes());
    assert!(matches!(reply.status, 500 | 503), "nobody is left: {reply:?}");
}

#[test]
fn servers_are_asked_only_where_it_is_allowed_and_with_their_key() {
    let key = "a key of twenty four";
    let keys = ApiKeys::default().with(key).expect("a key");
    let far = identity("m", "FP32,BYTES", GatewayOptions { keys, ..GatewayOptions::default() });
    let host = far.address.to_string();
    let address = format!("oip:http://{host}/m");
    let create = |front: &Served, source: &str| {
        let new = serde_json::json!({ "name": "far", "source": source }).to_string();
        front.post("/v1/models", new.as_bytes())
    };
    let closed = front(UpstreamOptions::default());
    for source in [
        &address,
        "oip:http://169.254.169.254/latest",
        "oip:http://localhost/x",
        "hook:none",
        "oip:http://",
        "oip:https://:1/",
    ] {
        let reply = create(&closed, source);
        assert!(matches!(reply.status, 400 | 403 | 404) && reply.error().is_some(), "{source}: {reply:?}");
    }
    let open = front(allowed(&[&far]));
    let reply = create(&open, &address);
    assert!(reply.status == 400 && reply.error().is_some_and(|error| error.contains("API key")), "{reply:?}");
    for path in ["", "m/n", "v2/models/", "m/versions"] {
        assert_eq!(create(&open, &format!("oip:http://{host}/{path}")).status, 400, "{path}");
    }
    let upstream = UpstreamModels::new(allowed(&[&far])).expect("a thread").with_key(&host, key);
    let front = Served::start(Arc::new(HereAndThere(upstream)), GatewayOptions::default());
    assert_eq!(create(&front, &address).status, 201);
    let body = r#"{"inputs":[{"name":"INPUT1","shape":[1,1],"datatype":"BYTES","data":["ä"]},{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[2]}]}"#;
    let reply = front.post(INFER, body.as_bytes());
    assert_eq!(reply.json()["outputs"][1]["data"], serde_json::json!(["ä"]), "{reply:?}");
}

/// What a server says to a request, and after what pause.
type Turn = (&'static str, String, Duration);

/// A server that answers every request after a pause with the same body, so many times.
fn says(status: &'static str, body: String, pause: Duration) -> String {
    says_in_turn(vec![(status, body, pause); 8])
}

/// A server that answers one request after the other as it is told to.
fn says_in_turn(turns: Vec<Turn>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (stream, (status, body, pause)) in listener.incoming().zip(turns) {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 65_536]);
                std::thread::sleep(pause);
                let length = body.len();
                let _ =
                    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
            });
        }
    });
    format!("http://{address}/hook")
}

#[test]
fn hooks_answer_in_the_form_of_the_protocol_or_are_found_out() {
    let tensor = |name: &str| TensorConfig { name: name.to_owned(), datatype: "FP32".to_owned(), shape: vec![-1, 2] };
    let answer = |name: &str, data: &str| {
        format!(r#"{{"outputs":[{{"name":"{name}","datatype":"FP32","shape":[1,2],"data":{data}}}]}}"#)
    };
    let now = Duration::ZERO;
    let cases = [
        ("good", says("200 OK", answer("y", "[4,5]"), now), 200),
        ("other", says("200 OK", answer("z", "[4,5]"), now), 500),
        ("short", says("200 OK", answer("y", "[4]"), now), 500),
        ("html", says("200 OK", "<html>".to_owned(), now), 500),
        ("refuses", says("422 No", r#"{"error":"too blue"}"#.to_owned(), now), 400),
        ("elsewhere", says("302 Found\r\nlocation: http://127.0.0.1:1/", String::new(), now), 500),
        ("slow", says("200 OK", answer("y", "[4,5]"), Duration::from_secs(3)), 500),
    ];
    let hooks: BTreeMap<_, _> = cases
        .iter()
        .map(|(name, url, _)| {
            let hook = HookConfig {
                urls: vec![url.clone()],
                inputs: vec![tensor("x")],
                outputs: vec![tensor("y")],
                batched: true,
            };
            ((*name).to_owned(), hook)
        })
        .collect();
    let front = front(UpstreamOptions { hooks, timeout_ms: 400, ..UpstreamOptions::default() });
    for (name, _, status) in &cases {
        // Loading warms it up, which asks it: what is found out then is told then.
        let new =
            serde_json::json!({ "name": name, "source": format!("hook:{name}"), "max_batch_size": 1 }).to_string();
        let begun = Instant::now();
        let reply = front.post("/v1/models", new.as_bytes());
        assert!(begun.elapsed() < Duration::from_millis(2_500), "{name}: {:?}", begun.elapsed());
        match status {
            200 => assert_eq!(reply.status, 201, "{name}: {reply:?}"),
            _ => assert_eq!(reply.status, *status, "{name}: {reply:?}"),
        }
    }
    let body = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#;
    let reply = front.post("/v2/models/good/infer", body.as_bytes());
    assert_eq!(reply.json()["outputs"][0]["data"], serde_json::json!([4.0, 5.0]), "{reply:?}");
    for hook in [
        HookConfig { urls: vec![], inputs: vec![], outputs: vec![], batched: false },
        HookConfig {
            urls: vec!["x".into()],
            inputs: vec![TensorConfig { shape: vec![2], ..tensor("x") }],
            outputs: vec![tensor("y")],
            batched: true,
        },
        HookConfig {
            urls: vec!["x".into()],
            inputs: vec![TensorConfig { datatype: "FP8".into(), ..tensor("x") }],
            outputs: vec![tensor("y")],
            batched: true,
        },
        HookConfig {
            urls: vec!["x".into()],
            inputs: vec![TensorConfig { shape: vec![-2], ..tensor("x") }],
            outputs: vec![tensor("y")],
            batched: false,
        },
    ] {
        hook.signature().expect_err("not as it should be");
    }
}

#[test]
fn keys_come_from_files_for_servers_and_hooks_alike_and_are_never_shown() {
    let key = "a key of twenty four";
    let keys = ApiKeys::default().with(key).expect("a key");
    let far = identity("m", "FP32", GatewayOptions { keys, ..GatewayOptions::default() });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{key}\n")).expect("written");
    let host = far.address.to_string();
    let tensor = |name: &str| TensorConfig { name: name.to_owned(), datatype: "FP32".to_owned(), shape: vec![-1, 2] };
    let hook = HookConfig {
        urls: vec![format!("http://{host}/v2/models/m/infer")],
        inputs: vec![tensor("INPUT0")],
        outputs: vec![tensor("OUTPUT0")],
        batched: true,
    };
    let options = UpstreamOptions {
        hooks: BTreeMap::from([("m".to_owned(), hook)]),
        keys: BTreeMap::from([(host.clone(), KeySource::File(file.clone()))]),
        ..allowed(&[&far])
    };
    assert_eq!(options.problems(), Vec::<String>::new());
    let create = |front: &Served, name: &str, source: &str| {
        let new = serde_json::json!({ "name": name, "source": source }).to_string();
        front.post("/v1/models", new.as_bytes())
    };
    let models = UpstreamModels::new(options.clone()).expect("a thread");
    let shown = format!("{models:?} {options:?}");
    assert!(!shown.contains(key) && shown.contains("File("), "{shown}");
    let keyed = Served::start(Arc::new(HereAndThere(models)), GatewayOptions::default());
    for (name, source) in [("far", format!("oip:http://{host}/m")), ("hooked", "hook:m".to_owned())] {
        let reply = create(&keyed, name, &source);
        assert_eq!(reply.status, 201, "{name}: {reply:?}");
        let reply = keyed.post(&format!("/v2/models/{name}/infer"), body(7).as_bytes());
        assert_eq!(reply.json()["outputs"][0]["data"], serde_json::json!([7.0, -1.5]), "{name}: {reply:?}");
    }
    // A key that has gone, is another, or is for another server: told without showing it.
    for (place, content, says) in [
        (&file, None, "cannot read a server's key"),
        (&file, Some("a key of somebody else"), "not one of this server's"),
    ] {
        match content {
            Some(content) => std::fs::write(place, content).expect("written"),
            None => std::fs::remove_file(place).expect("removed"),
        }
        let reply = create(&keyed, "more", &format!("oip:http://{host}/m"));
        let error = reply.error().unwrap_or_default();
        assert!(reply.status == 400 && error.contains(says) && !error.contains("somebody"), "{reply:?}");
    }
    let wrong = UpstreamOptions {
        keys: BTreeMap::from([
            ("gpu1".to_owned(), KeySource::File(file)),
            ("gpu1:80".to_owned(), KeySource::Variable("MVL_TEST_NO_SUCH_KEY".to_owned())),
        ]),
        ..UpstreamOptions::default()
    };
    let problems = wrong.problems();
    assert!(problems[0].starts_with("keys.gpu1: expected a server such as gpu1:8000"), "{problems:?}");
    assert!(problems[1].starts_with("keys.gpu1:80: ") && problems[1].contains("MVL_TEST_NO_SUCH_KEY"), "{problems:?}");
}

#[test]
fn a_callers_short_deadline_and_a_busy_server_take_no_replica_out() {
    let tensor = |name: &str| TensorConfig { name: name.to_owned(), datatype: "FP32".to_owned(), shape: vec![-1, 2] };
    let fine: Turn = (
        "200 OK",
        r#"{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[4,5]}]}"#.to_owned(),
        Duration::ZERO,
    );
    let slow: Turn = (fine.0, fine.1.clone(), Duration::from_millis(400));
    let late = ("504 Late", r#"{"error":"the deadline passed"}"#.to_owned(), Duration::ZERO);
    let busy = ("503 Busy\r\nretry-after: 2", r#"{"error":"busy"}"#.to_owned(), Duration::ZERO);
    // Two for the warm-up, four of the kind (three failures would take a replica out), one more.
    let cases = [("slow", slow, 504), ("late", late, 504), ("busy", busy, 503)];
    let hooks = cases.clone().map(|(name, turn, _)| {
        let turns = [vec![fine.clone(); 2], vec![turn; 4], vec![fine.clone()]].concat();
        let (urls, inputs, outputs) = (vec![says_in_turn(turns)], vec![tensor("x")], vec![tensor("y")]);
        (name.to_owned(), HookConfig { urls, inputs, outputs, batched: true })
    });
    let front = front(UpstreamOptions { hooks: hooks.into(), timeout_ms: 5_000, ..UpstreamOptions::default() });
    for (name, _, status) in cases {
        let mut model = ModelDefinition::new(name, format!("hook:{name}"));
        model.batching.max_rows = 1;
        front.repository.add(model).expect("loaded");
        let ask = |timeout_ms: u64| {
            let body = format!(
                r#"{{"parameters":{{"timeout":{}}},"inputs":[{{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}}]}}"#,
                timeout_ms * 1000
            );
            front.post(&format!("/v2/models/{name}/infer"), body.as_bytes())
        };
        let model = front.repository.versions(name).expect("loaded").remove(0);
        for _ in 0..4 {
            let reply = ask(200);
            assert_eq!(reply.status, status, "{name}: {reply:?}");
            assert_eq!(reply.header("retry-after"), (status == 503).then_some("2"), "{name}: {reply:?}");
            while model.batcher.replicas()[0].running.is_some() {
                std::thread::sleep(Duration::from_millis(1)); // it gives up a moment after the caller
            }
        }
        let report = model.batcher.replicas()[0];
        assert_eq!((report.health, report.failures), (ReplicaHealth::Healthy, 0), "{name}: {report:?}");
        assert_eq!(ask(4_000).status, 200, "{name}");
    }
}
