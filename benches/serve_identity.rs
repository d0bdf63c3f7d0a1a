//! What does the service add to a request? An identity model over REST, asked over 16 connections, beside a route of axum's written by
//! hand that does the same: reads the tensor from JSON and writes it into an answer. In turns, on the same threads as the client.
//!
//! `cargo bench --workspace --bench serve_identity`
//!
//! With `MVL_FURNACE=target/furnace/release/furnace-identity` furnace-server takes its turns too, in a process of its own;
//! `cargo xtask prove serve-identity` builds it and does that.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use mvl_serve::load::{Load, LoadReport, Question};
use mvl_serve::models::{IdentityModels, ModelDefinition, Repository};
use mvl_serve::{GatewayOptions, HttpServer, Service, ServiceOptions, router};
use serde::{Deserialize, Serialize};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Asked {
    id: Option<String>,
    inputs: Vec<Tensor>,
}

#[derive(Deserialize, Serialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    data: Vec<f32>,
}

#[derive(Serialize)]
struct Answered {
    model_name: &'static str,
    model_version: &'static str,
    id: Option<String>,
    outputs: Vec<Tensor>,
}

async fn by_hand(Json(mut asked): Json<Asked>) -> Json<Answered> {
    asked.inputs[0].name = "OUTPUT0".to_owned();
    Json(Answered { model_name: "echo", model_version: "1", id: asked.id, outputs: asked.inputs })
}

/// Serves `echo` in both ways; gives the addresses.
async fn serve_both() -> anyhow::Result<[String; 2]> {
    let repository = Arc::new(Repository::new(Arc::new(IdentityModels), None));
    repository.define(ModelDefinition::new("echo", "identity:FP32"))?;
    let service = Service::new(repository);
    service.blocking(|repository| repository.load("echo")).await?;
    let server =
        HttpServer::bind(GatewayOptions { address: ([127, 0, 0, 1], 0).into(), ..GatewayOptions::default() }).await?;
    let ours = server.address().to_string();
    tokio::spawn(server.run(router(service, &ServiceOptions::default()), std::future::pending()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let theirs = listener.local_addr()?.to_string();
    let routes = Router::new().route("/v2/models/echo/infer", post(by_hand));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok([ours, theirs])
}

/// furnace-server in a process of its own, which is ended when this is dropped.
struct Furnace {
    process: Child,
    address: String,
}

impl Furnace {
    /// The program that `MVL_FURNACE` names, if it does.
    fn start() -> anyhow::Result<Option<Self>> {
        let Some(program) = std::env::var_os("MVL_FURNACE") else { return Ok(None) };
        let free = || anyhow::Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let (http, grpc) = (free()?, free()?);
        let process = Command::new(&program).args([http.to_string(), grpc.to_string()]).stdout(Stdio::null()).spawn();
        let process = process.with_context(|| format!("cannot run {}", program.display()))?;
        let furnace = Self { process, address: format!("127.0.0.1:{http}") };
        for _ in 0..100 {
            if std::net::TcpStream::connect(&furnace.address).is_ok() {
                return Ok(Some(furnace));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("furnace-server does not listen on {}", furnace.address)
    }
}

impl Drop for Furnace {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() -> anyhow::Result<()> {
    let furnace = Furnace::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let [ours, by_hand] = serve_both().await?;
        let mut servers = vec![("service", ours, "echo"), ("by hand", by_hand, "echo")];
        servers.extend(furnace.iter().map(|furnace| ("furnace", furnace.address.clone(), "fp32")));
        println!("{:>9}  {:>8}  {:>10}  {:>7}  {:>16}", "elements", "server", "answers/s", "share", "p50 / p99 ms");
        let mut shares = Vec::new();
        for elements in [1, 64, 1024, 16_384] {
            shares.push(measure(&servers, elements).await?);
        }
        let least = |of: fn(&Shares) -> Option<f64>| {
            shares.iter().map(of).try_fold(f64::MAX, |least, share| Some(least.min(share?)))
        };
        let by_hand = least(|shares| Some(shares.of_by_hand)).unwrap_or_default();
        let furnace = least(|shares| shares.of_furnace).map_or(String::new(), |times| format!(", {times:.2}x furnace"));
        println!("serve identity: at least {by_hand:.0} % of the route by hand{furnace}");
        anyhow::Ok(())
    })
}

/// What the service answers beside the others.
struct Shares {
    /// In percent.
    of_by_hand: f64,
    /// Times as much.
    of_furnace: Option<f64>,
}

/// Asks the servers in turns, and prints the medians of each, with its share of what the route by hand answers.
async fn measure(servers: &[(&str, String, &str)], elements: usize) -> anyhow::Result<Shares> {
    let data: Vec<f32> = (0..elements).map(|n| n as f32 * 0.37 - 5.0).collect();
    let tensor = serde_json::json!({ "name": "INPUT0", "shape": [1, elements], "datatype": "FP32", "data": data });
    let body = Bytes::from(serde_json::to_vec(&serde_json::json!({ "id": "1", "inputs": [tensor] }))?);
    let flat = serde_json::json!({ "name": "INPUT0", "shape": [elements], "datatype": "FP32", "data": data });
    let flat = Bytes::from(serde_json::to_vec(&serde_json::json!({ "id": "1", "inputs": [flat] }))?);
    let mut reports: Vec<Vec<LoadReport>> = vec![Vec::new(); servers.len()];
    for _ in 0..ROUNDS {
        for ((name, address, model), reports) in servers.iter().zip(&mut reports) {
            let question = Question {
                // furnace's models take tensors of one axis here
                body: Some(if *name == "furnace" { flat.clone() } else { body.clone() }),
                path: format!("/v2/models/{model}/infer"),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            };
            let load = Load {
                authority: address.clone(),
                questions: vec![question],
                connections: CONNECTIONS,
                warm_up: Duration::from_millis(200),
                duration: ROUND,
                rate: None,
            };
            let report = load.run().await?;
            anyhow::ensure!(report.broken == 0 && report.statuses.keys().eq([&200]), "{name}: {report:?}");
            reports.push(report);
        }
    }
    // What the machine is at besides comes and goes, so that each round is compared with the one beside it.
    let share = |server: usize, of: usize| {
        let rounds = reports[server].iter().zip(&reports[of]);
        median(rounds.map(|(one, other)| one.per_second / other.per_second).collect())
    };
    for (server, (name, ..)) in servers.iter().enumerate() {
        let of = |figure: fn(&LoadReport) -> f64| median(reports[server].iter().map(figure).collect());
        let (per_second, share) = (of(|report| report.per_second), 100.0 * share(server, 1));
        let (p50_ms, p99_ms) = (of(|report| report.p50_ms), of(|report| report.p99_ms));
        println!("{elements:>9}  {name:>8}  {per_second:>10.0}  {share:>6.1}%  {p50_ms:>7.2} / {p99_ms:>6.2}");
    }
    Ok(Shares { of_by_hand: 100.0 * share(0, 1), of_furnace: (servers.len() > 2).then(|| share(0, 2)) })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
