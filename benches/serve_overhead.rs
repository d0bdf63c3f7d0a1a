//! What does the service add to a model's time? MobileNetV2 at 224×224 on burn, asked over one connection with a photo and with a tensor,
//! beside routes of axum's written by hand that do the same with the same engine. In turns, on the same threads as the client.
//!
//! `cargo bench --workspace --bench serve_overhead`
//!
//! An answer's time by the client's clock, less the forward pass by the server's, is what came on top: decoding and preparing of the
//! photo, the network, waking threads. What the routes by hand need of it as well is none of the service's making; the rest is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use mvl::core::{Classification, Cpu};
use mvl::data::preprocess_encoded;
use mvl::infer::{DataType, Engine, EngineOptions, HostTensor};
use mvl::models::{ClassifierSpec, zoo};
use mvl_benches::{photographs, save_random_classifier};
use mvl_serve::load::{Load, Question};
use mvl_serve::models::{ClassifierModels, LoadOptions, ModelDefinition, ModelSource, Repository};
use mvl_serve::{GatewayOptions, HttpServer, Service, ServiceOptions, router};
use serde_json::{Value, json};

const CLASSES: usize = 1000;
const SIDE: usize = 224;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(3);
const JSON_LENGTH: &str = "inference-header-content-length";

/// The engine of the routes by hand, and how long it has run.
struct ByHand {
    engine: Arc<dyn Engine>,
    spec: ClassifierSpec,
    nanoseconds: AtomicU64,
    passes: AtomicU64,
}

impl ByHand {
    /// Prepares and runs where it may take its time.
    async fn run(
        self: Arc<Self>,
        prepare: impl FnOnce(&ClassifierSpec) -> Option<HostTensor> + Send + 'static,
    ) -> Result<Vec<HostTensor>, StatusCode> {
        let run = move || {
            let images = prepare(&self.spec).ok_or(StatusCode::BAD_REQUEST)?;
            let begun = Instant::now();
            let outputs = self.engine.run(vec![images]);
            self.nanoseconds.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
            self.passes.fetch_add(1, Ordering::Relaxed);
            outputs.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
    }
}

async fn photo_by_hand(State(by_hand): State<Arc<ByHand>>, photo: Bytes) -> Result<Json<Value>, StatusCode> {
    let prepare = move |spec: &ClassifierSpec| {
        let prepared = preprocess_encoded(&spec.preprocess, &photo, "the photo").ok()?;
        let [channels, height, width] = prepared.shape;
        Some(HostTensor::from_f32(vec![1, channels, height, width], &prepared.values))
    };
    let outputs = by_hand.clone().run(prepare).await?;
    let probabilities = outputs[1].to_f32().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let classes = Classification::new(probabilities).top(5);
    let class = |class: mvl::core::ScoredClass| {
        let label = by_hand.spec.labels.display(class.index);
        json!({ "label": label, "index": class.index, "probability": class.probability })
    };
    let predictions: Vec<Value> = classes.into_iter().map(class).collect();
    Ok(Json(json!({ "model": "m", "version": "1", "predictions": [predictions] })))
}

async fn tensor_by_hand(
    State(by_hand): State<Arc<ByHand>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    let length = headers.get(JSON_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let length = length.filter(|&length| length <= body.len()).ok_or(StatusCode::BAD_REQUEST)?;
    let asked: Value = serde_json::from_slice(&body[..length]).map_err(|_| StatusCode::BAD_REQUEST)?;
    let shape: Option<Vec<usize>> = serde_json::from_value(asked["inputs"][0]["shape"].clone()).ok();
    let prepare = move |_: &ClassifierSpec| HostTensor::new(DataType::Fp32, shape?, body.slice(length..)).ok();
    let outputs = by_hand.run(prepare).await?;
    let data = outputs[1].to_f32().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let output = json!({ "name": "probabilities", "shape": [1, data.len()], "datatype": "FP32", "data": data });
    Ok(Json(json!({ "model_name": "m", "model_version": "1", "outputs": [output] })))
}

/// A server, with what its model did so far: seconds, and forward passes.
struct Server {
    name: &'static str,
    address: String,
    model: Box<dyn Fn() -> (f64, u64)>,
}

async fn serve_both(source: &str) -> anyhow::Result<[Server; 2]> {
    let models = ClassifierModels::<Cpu>::new(zoo());
    let found = models.resolve(source)?;
    let parts = models.load(&found, &LoadOptions { replicas: 1, engine: EngineOptions::default() })?;
    let repository = Arc::new(Repository::new(Arc::new(models), None));
    repository.define(ModelDefinition::new("m", source))?;
    let service = Service::new(repository.clone());
    service.blocking(|repository| repository.load("m")).await?;
    let options = GatewayOptions { address: ([127, 0, 0, 1], 0).into(), ..GatewayOptions::default() };
    let server = HttpServer::bind(options).await?;
    let address = server.address().to_string();
    tokio::spawn(server.run(router(service, &ServiceOptions::default()), std::future::pending()));
    let model = move || {
        let models = repository.loaded(None);
        let infer = models[0].batcher.statistics().infer;
        (infer.time.as_secs_f64(), infer.count)
    };
    let ours = Server { name: "service", address, model: Box::new(model) };

    let by_hand = Arc::new(ByHand {
        engine: parts.replicas[0].clone(),
        spec: parts.classifier.context("a classifier")?,
        nanoseconds: AtomicU64::new(0),
        passes: AtomicU64::new(0),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let routes = Router::new()
        .route("/v1/models/m:predict", post(photo_by_hand))
        .route("/v2/models/m/infer", post(tensor_by_hand))
        .with_state(by_hand.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let model = move || {
        let seconds = by_hand.nanoseconds.load(Ordering::Relaxed) as f64 / 1e9;
        (seconds, by_hand.passes.load(Ordering::Relaxed))
    };
    Ok([ours, Server { name: "by hand", address, model: Box::new(model) }])
}

/// The model's milliseconds, and those beyond it, of one round.
async fn ask(server: &Server, question: &Question) -> anyhow::Result<[f64; 2]> {
    let load = Load {
        authority: server.address.clone(),
        questions: vec![question.clone()],
        connections: 1,
        warm_up: Duration::ZERO, // so that client and server count the same answers
        duration: ROUND,
        rate: None,
    };
    let before = (server.model)();
    let report = load.run().await?;
    ensure!(report.broken == 0 && report.statuses.keys().eq([&200]), "{}: {report:?}", server.name);
    let after = (server.model)();
    let model = 1e3 * (after.0 - before.0) / (after.1 - before.1) as f64;
    Ok([model, report.mean_ms - model])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("model");
    save_random_classifier::<Cpu>("mobilenet_v2", CLASSES, &source)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(compare(source.to_str().context("a path in UTF-8")?))
}

async fn compare(source: &str) -> anyhow::Result<()> {
    let servers = serve_both(source).await?;
    let elements = 3 * SIDE * SIDE;
    let tensor = json!({
        "inputs": [{
            "name": "images", "shape": [1, 3, SIDE, SIDE], "datatype": "FP32", "parameters": { "binary_data_size": 4 * elements }
        }],
        "outputs": [{ "name": "probabilities" }],
    });
    let mut body = serde_json::to_vec(&tensor)?;
    let length = body.len().to_string();
    body.resize(body.len() + 4 * elements, 0);
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let photo = Question {
        body: Some(photographs::jpeg(0)?.into()),
        path: "/v1/models/m:predict".to_owned(),
        headers: vec![header("content-type", "image/jpeg")],
    };
    let tensor = Question {
        body: Some(body.into()),
        path: "/v2/models/m/infer".to_owned(),
        headers: vec![header("content-type", "application/octet-stream"), header(JSON_LENGTH, &length)],
    };
    println!("burn, one connection, milliseconds: medians of {ROUNDS} rounds in turns");
    println!(
        "{:>8}  {:>8}  {:>9}  {:>16}  {:>16}",
        "question", "model", "beyond it", "of it by hand", "the service's own"
    );
    let mut said = Vec::new();
    for (name, question) in [("photo", photo), ("tensor", tensor)] {
        for server in &servers {
            ask(server, &question).await?; // the first passes are slow
        }
        let (mut models, mut beyond, mut by_hand, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let [[model, ours], [_, theirs]] = [ask(&servers[0], &question).await?, ask(&servers[1], &question).await?];
            models.push(model);
            beyond.push(ours);
            by_hand.push(theirs);
            own.push(ours - theirs);
        }
        let (least, most) =
            own.iter().fold((f64::MAX, f64::MIN), |(least, most), &own| (least.min(own), most.max(own)));
        let [model, beyond, by_hand, own] = [models, beyond, by_hand, own].map(median);
        println!("{name:>8}  {model:>8.2}  {beyond:>9.2}  {by_hand:>16.2}  {own:>6.2} ({least:.2}..{most:.2})");
        said.push(format!("{:.1} % {name}s (beyond the model {:.1} %)", 100.0 * own / model, 100.0 * beyond / model));
    }
    println!("serve overhead: {}", said.join(", "));
    Ok(())
}
