//! Ensembles: what they answer is what their steps answer by hand, and what is wrong with one is told when it is loaded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_core::{Channels, Cpu, Image};
use mvl_data::encode_png;
use mvl_infer::{Engine, EngineError, HostTensor, IdentityEngine, Signature};
use mvl_models::zoo;
use mvl_serve::client::{Client, InferRequest};
use mvl_serve::ensemble::{EnsembleConfig, EnsembleModels};
use mvl_serve::models::{
    ClassifierModels, FixedModels, FoundVersion, IdentityModels, LoadOptions, ModelDefinition, ModelParts, ModelSource,
};
use mvl_serve::upstream::{UpstreamModels, UpstreamOptions};
use mvl_serve::{GatewayOptions, PictureLimits, ServiceError};
use serde_json::{Value, json};

use crate::served::{Served, save_model};
use crate::upstream::identity;

/// Every kind of source.
struct All {
    ensembles: Arc<EnsembleModels>,
    upstream: UpstreamModels,
    saved: ClassifierModels<Cpu>,
    fixed: FixedModels,
}

impl All {
    fn of(&self, address: &str) -> &dyn ModelSource {
        match address {
            _ if address.starts_with(EnsembleModels::SCHEME) => &*self.ensembles,
            _ if UpstreamModels::takes(address) => &self.upstream,
            _ if address.starts_with(IdentityModels::SCHEME) => &IdentityModels,
            "sleeps" => &self.fixed,
            _ => &self.saved,
        }
    }
}

impl ModelSource for All {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        self.of(source).resolve(source)
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        self.of(&found.address).load(found, options)
    }
}

/// Gives back what it gets, after a while.
struct Sleeps(IdentityEngine, Duration);

impl Engine for Sleeps {
    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn platform(&self) -> &str {
        "sleeps"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        std::thread::sleep(self.1);
        Ok(inputs)
    }
}

const PASS: Duration = Duration::from_millis(120);

/// A service with `cats` (a saved model), `echo`, `sleeps`, what else is named, and the ensembles.
fn served(ensembles: Value, more: &[(&str, String)], hosts: Vec<String>) -> (Served, tempfile::TempDir) {
    let ensembles: BTreeMap<String, EnsembleConfig> = serde_json::from_value(ensembles).expect("ensembles");
    let ensembles = Arc::new(EnsembleModels::new(ensembles, PictureLimits::default()));
    let upstream = UpstreamModels::new(UpstreamOptions { hosts, ..UpstreamOptions::default() }).expect("a thread");
    let engine: Arc<dyn Engine> = Arc::new(Sleeps(IdentityEngine::new(&[mvl_infer::DataType::Fp32]), PASS));
    let fixed = FixedModels::new(vec![("sleeps".to_owned(), engine)]);
    let source = All { ensembles: ensembles.clone(), upstream, saved: ClassifierModels::new(zoo()), fixed };
    let served = Served::start(Arc::new(source), GatewayOptions::default());
    ensembles.attach(&served.repository);
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let saved = folder.path().to_str().expect("a plain path").to_owned();
    let own = [("cats", saved), ("echo", "identity:FP32".to_owned()), ("sleeps", "sleeps".to_owned())];
    for (name, source) in own.iter().chain(more) {
        served.repository.define(ModelDefinition::new(*name, source)).expect("new");
        served.repository.load(name).expect("loaded");
    }
    (served, folder)
}

fn load(served: &Served, name: &str) -> Result<(), ServiceError> {
    served.repository.add(ModelDefinition::new(name, format!("ensemble:{name}")))
}

fn pictures() -> Vec<Vec<u8>> {
    let picture = |seed: usize| {
        let pixels = (0..30 * 40).map(|place| ((place * 7 + seed * 31) % 256) as u8).collect();
        encode_png(&Image::new(30, 40, Channels::Gray, pixels).expect("a picture"))
    };
    (0..3).map(picture).collect()
}

#[test]
fn an_ensemble_gives_what_its_steps_give_by_hand() {
    let far = identity("m", "FP32", GatewayOptions::default());
    let steps = json!({
        "pipeline": {
            "inputs": ["picture"],
            "outputs": ["labels", "scores", "indices", "far", "softened"],
            "steps": [
                { "kind": "label", "model": "cats", "top": 2, "inputs": { "probabilities": "p" },
                  "outputs": { "labels": "labels", "scores": "scores", "indices": "indices" } },
                { "kind": "prepare", "model": "cats", "inputs": { "pictures": "picture" }, "outputs": { "images": "images" } },
                { "model": "cats", "inputs": { "images": "images" }, "outputs": { "probabilities": "p", "logits": "l" } },
                { "model": "far", "inputs": { "INPUT0": "p" }, "outputs": { "OUTPUT0": "far" } },
                { "kind": "softmax", "inputs": { "logits": "l" }, "outputs": { "probabilities": "softened" } }
            ]
        }
    });
    let source = format!("oip:http://{}/m", far.address);
    let (served, _folder) = served(steps, &[("far", source)], vec![far.address.to_string()]);
    load(&served, "pipeline").expect("right");
    let pictures = pictures();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = Client::new(&format!("http://{}", served.address)).expect("an address");
        let metadata = client.model_metadata("pipeline", None).await.expect("told");
        let shapes: Vec<_> = metadata.outputs.iter().map(mvl_infer::TensorSpec::wire_shape).collect();
        assert_eq!(shapes, [vec![-1, 2], vec![-1, 2], vec![-1, 2], vec![-1, -1], vec![-1, -1]]);
        let request = InferRequest::new("pipeline").with_input("picture", HostTensor::from_texts(vec![3], &pictures));
        let answer = client.infer(&request).await.expect("answered");
        // By hand: the picture service, which has its own way to the same model.
        let seen = client.predict_all("cats", &pictures, &Default::default()).await.expect("seen");
        let classes: Vec<_> = seen.predictions.iter().flatten().collect();
        let labels = answer.output("labels").expect("there").to_texts().expect("texts");
        assert_eq!(labels, classes.iter().map(|class| class.label.as_bytes()).collect::<Vec<_>>());
        let scores = answer.output("scores").expect("there").to_f32().expect("numbers");
        assert_eq!(scores, classes.iter().map(|class| class.probability).collect::<Vec<_>>());
        // And what went through the other server, and through the softmax.
        let far = answer.output("far").expect("there").to_f32().expect("numbers");
        let softened = answer.output("softened").expect("there").to_f32().expect("numbers");
        for (row, classes) in far.chunks(2).zip(&seen.predictions) {
            classes.iter().for_each(|class| assert_eq!(row[class.index], class.probability));
        }
        far.iter().zip(softened).for_each(|(far, soft)| assert!((far - soft).abs() < 1e-6, "{far} {soft}"));
        // A picture that is none, and the step that says so.
        let bad = InferRequest::new("pipeline").with_input("picture", HostTensor::from_texts(vec![1], &["no picture"]));
        let error = client.infer(&bad).await.expect_err("no picture");
        assert!(error.status() == Some(400) && error.to_string().contains("step 1 (prepare \"cats\")"), "{error}");
        let none = InferRequest::new("pipeline").with_input("picture", HostTensor::from_texts(vec![0], &[] as &[&str]));
        assert_eq!(client.infer(&none).await.expect_err("no rows").status(), Some(400));
        // A model that is gone is not there for the ensemble either, and is again once it is back.
        client.unload("cats").await.expect("unloaded");
        let error = client.clone().without_retries().infer(&request).await.expect_err("a step is gone");
        assert_eq!(error.status(), Some(503), "{error}");
        client.load("cats").await.expect("loaded");
        client.infer(&request).await.expect("answered");
    });
    let page = served.get("/metrics").body;
    assert!(page.contains(r#"mvl_serve_requests_total{model="pipeline",version="1",outcome="answered"} 2"#), "{page}");
}

#[test]
fn steps_run_at_once_are_batched_by_their_models_and_end_with_the_client() {
    let steps = json!({ "both": {
        "inputs": ["x"], "outputs": ["a", "b"],
        "steps": [
            { "model": "sleeps", "inputs": { "INPUT0": "x" }, "outputs": { "OUTPUT0": "a" } },
            { "model": "sleeps", "inputs": { "INPUT0": "x" }, "outputs": { "OUTPUT0": "b" } },
        ] },
        "chain": {
        "inputs": ["x"], "outputs": ["b"],
        "steps": [
            { "model": "both", "inputs": { "x": "x" }, "outputs": { "a": "a" } },
            { "model": "sleeps", "inputs": { "INPUT0": "a" }, "outputs": { "OUTPUT0": "b" } },
        ] } });
    let (served, _folder) = served(steps, &[], Vec::new());
    load(&served, "both").expect("right");
    load(&served, "chain").expect("an ensemble of ensembles");
    let model = served.repository.versions("sleeps").expect("loaded").remove(0);
    model.batcher.clear_statistics();
    let body = |timeout: u64| {
        let input = r#"[{"name":"x","shape":[1,1],"datatype":"FP32","data":[3]}]"#;
        format!(r#"{{"parameters":{{"timeout":{timeout}}},"inputs":{input}}}"#)
    };
    // Four requests at once: the first row alone, the others' together.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let reply = served.post("/v2/models/both/infer", body(0).as_bytes());
                assert_eq!(reply.json()["outputs"][1]["data"], json!([3.0]), "{reply:?}");
            });
        }
    });
    let statistics = model.batcher.statistics();
    assert!(statistics.rows == 8 && statistics.passes <= 4, "{statistics:?}");
    assert_eq!(served.post("/v2/models/chain/infer", body(0).as_bytes()).json()["outputs"][0]["data"], json!([3.0]));
    // The deadline goes with the steps: the first pass is over in time, the second is not begun.
    model.batcher.clear_statistics();
    let begun = Instant::now();
    let timeout = u64::try_from(PASS.as_micros()).expect("a while") * 3 / 2;
    let reply = served.post("/v2/models/chain/infer", body(timeout).as_bytes());
    assert!(matches!(reply.status, 503 | 504), "{reply:?}");
    assert!(begun.elapsed() < PASS * 2, "{:?}", begun.elapsed());
    // A client that leaves.
    std::thread::sleep(PASS);
    model.batcher.clear_statistics();
    let chain = served.repository.versions("chain").expect("loaded").remove(0);
    assert_eq!(chain.batcher.statistics().success.count, 1);
    // The late one counts as failed or as left, whichever clock was first.
    chain.batcher.clear_statistics();
    let mut gone = Vec::new();
    for _ in 0..3 {
        let body = body(0);
        let mut stream = served.connect();
        let head = format!(
            "POST /v2/models/chain/infer HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n{body}",
            served.address,
            body.len()
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).expect("sent");
        gone.push(stream);
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(gone);
    std::thread::sleep(PASS * 3);
    let chain = chain.batcher.statistics();
    assert_eq!((chain.success.count, chain.failure.count, chain.cancelled), (0, 0, 3), "{chain:?}");
    assert!(model.batcher.statistics().rows <= 2, "what was under way: {:?}", model.batcher.statistics());
}

#[test]
fn what_is_wrong_is_told_when_it_is_loaded() {
    let step = |model: &str, from: &str, to: &str| json!({ "model": model, "inputs": { "INPUT0": from }, "outputs": { "OUTPUT0": to } });
    let ensembles = json!({
        "circle": { "inputs": ["x"], "outputs": ["b"], "steps": [step("echo", "b", "a"), step("echo", "a", "b"), step("echo", "x", "c")] },
        "unknown": { "inputs": ["x"], "outputs": ["a"], "steps": [step("nobody", "x", "a")] },
        "types": { "inputs": ["x"], "outputs": ["a"], "steps": [
            { "kind": "prepare", "model": "echo", "inputs": { "pictures": "x" }, "outputs": { "images": "i" } },
            { "kind": "prepare", "model": "cats", "inputs": { "pictures": "x" }, "outputs": { "images": "j" } },
            step("echo", "j", "a"), { "kind": "softmax", "model": "cats", "inputs": { "logits": "x" }, "outputs": {} } ] },
        "self": { "inputs": ["x"], "outputs": ["a"], "steps": [step("self", "x", "a")] },
        "good": { "inputs": ["x"], "outputs": ["a"], "steps": [step("inner", "x", "a")] },
    });
    let (served, _folder) = served(ensembles, &[("inner", "identity:FP32".to_owned())], Vec::new());
    for (name, expected) in [
        ("circle", &["step 0 (model \"echo\"), step 1 (model \"echo\") wait for each other"][..]),
        ("unknown", &["no model \"nobody\""]),
        (
            "types",
            &["takes tensors, not pictures", "FP32[-1, -1], but \"j\" is FP32[-1, 1, 28, 28]", "softmax has no model"],
        ),
        ("self", &["ensembles ask each other: self → self"]),
        ("none", &["there is no ensemble \"none\""]),
    ] {
        let error = load(&served, name).expect_err(name).to_string();
        expected.iter().for_each(|expected| assert!(error.contains(expected), "{name}: {expected}: {error}"));
    }
    load(&served, "good").expect("right");
    // A canary that leads an ensemble back to itself ends.
    served.repository.set_canary("inner", "ensemble:good", 100).expect("it fits");
    let body = r#"{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[3]}]}"#;
    let reply = served.post("/v2/models/good/infer", body.as_bytes());
    assert!(reply.status >= 400, "{reply:?}");
    let json = json!({ "e": { "inputs": [], "outputs": [], "steps": [], "more": 1 } });
    serde_json::from_value::<BTreeMap<String, EnsembleConfig>>(json).expect_err("an unknown key");
}
