//! What does the service add to a request? An identity model over REST, asked over 16 connections, beside a route of axum's written by
//! hand that does the same: reads the tensor from JSON and writes it into an answer. In turns, on the same threads as the client.
//!
//! `cargo bench --workspace --bench serve_identity`

use std::sync::Arc;
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use mvl_serve::load::{Load, LoadReport, Question};
use mvl_serve::models::{IdentityModels, ModelDefinition, Repository};
use mvl_serve::{GatewayOptions, HttpServer, Service, ServiceOptions, router};
use serde::{Deserialize, Serialize};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
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

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let addresses = serve_both().await?;
        println!(
            "{:>9}  {:>12}  {:>12}  {:>6}  {:>16}",
            "elements", "service /s", "by hand /s", "share", "p50 / p99 ms"
        );
        for elements in [1, 64, 1024, 16_384] {
            let data: Vec<f32> = (0..elements).map(|n| n as f32 * 0.37 - 5.0).collect();
            let tensor =
                serde_json::json!({ "name": "INPUT0", "shape": [1, elements], "datatype": "FP32", "data": data });
            let body = serde_json::to_vec(&serde_json::json!({ "id": "1", "inputs": [tensor] }))?;
            let question = Question {
                body: Some(Bytes::from(body)),
                path: "/v2/models/echo/infer".to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            };
            let mut reports: [Vec<LoadReport>; 2] = Default::default();
            for _ in 0..ROUNDS {
                for (address, reports) in addresses.iter().zip(&mut reports) {
                    let load = Load {
                        authority: address.clone(),
                        questions: vec![question.clone()],
                        connections: CONNECTIONS,
                        warm_up: Duration::from_millis(200),
                        duration: ROUND,
                        rate: None,
                    };
                    let report = load.run().await?;
                    anyhow::ensure!(report.broken == 0 && report.statuses.keys().eq([&200]), "{report:?}");
                    reports.push(report);
                }
            }
            let [ours, theirs] = reports.map(|mut reports| {
                reports.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
                reports.swap_remove(ROUNDS / 2)
            });
            println!(
                "{elements:>9}  {:>12.0}  {:>12.0}  {:>5.1}%  {:>7.2} / {:>6.2}",
                ours.per_second,
                theirs.per_second,
                100.0 * ours.per_second / theirs.per_second,
                ours.p50_ms,
                ours.p99_ms
            );
        }
        anyhow::Ok(())
    })
}
