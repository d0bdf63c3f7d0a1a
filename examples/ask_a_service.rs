//! A service in your own program, and the client that asks it: for a picture, for a tensor, and for a model that is not there.
//!
//! Run: `cargo run --release -p mvl-examples --example ask_a_service`
//! Prints, in a second: an ankle boot, two numbers that came back, and a refusal with its status.

use std::sync::Arc;

use anyhow::Context;
use mvl::infer::HostTensor;
use mvl::prelude::*;
use mvl::serve::client::{Client, ClientError, InferRequest, PredictOptions};
use mvl::serve::models::{ClassifierModels, ModelDefinition, Repository};
use mvl::serve::{GatewayOptions, HttpServer, Service, ServiceOptions, router};
use mvl_examples::asset;

/// One model on a port of this machine that is free; `mvl serve` is the same with a config.
async fn serve() -> anyhow::Result<String> {
    let models = ClassifierModels::<Cpu>::new(zoo()); // saved models, runs, names of the zoo
    let repository = Arc::new(Repository::new(Arc::new(models), None));
    repository.define(ModelDefinition::new("clothes", asset("clothes")))?;
    let service = Service::new(repository);
    service.blocking(|repository| repository.load("clothes")).await?;

    let server = HttpServer::bind(GatewayOptions { address: ([127, 0, 0, 1], 0).into(), ..Default::default() }).await?;
    let address = format!("http://{}", server.address());
    tokio::spawn(server.run(router(service, &ServiceOptions::default()), std::future::pending()));
    Ok(address)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = Client::new(&serve().await?)?; // .with_key(…)? where the server asks who you are

    let picture = std::fs::read(asset("ankle_boot.png")).context("the picture")?;
    let seen = client.predict("clothes", picture, &PredictOptions::top(2)).await?;
    for class in &seen.predictions[0] {
        println!("{:5.1} %  {}", 100.0 * class.probability, class.label);
    }

    // What the model itself takes: tensors, here two pictures that are all grey.
    let takes = client.model_metadata("clothes", None).await?;
    println!("{} takes {} {:?}", takes.name, takes.inputs[0].name, takes.inputs[0].wire_shape());
    let grey = HostTensor::from_f32(vec![2, 1, 28, 28], &[0.0; 2 * 28 * 28]);
    let answer = client.infer(&InferRequest::new("clothes").with_input("images", grey)).await?;
    let logits = answer.output("logits").context("the model gives logits")?;
    println!("version {} gave logits of shape {:?}", answer.version.as_deref().unwrap_or("?"), logits.shape());

    match client.predict("hats", "no picture", &PredictOptions::default()).await {
        Err(ClientError::Refused { status: 404, message, .. }) => println!("refused: {message}"),
        other => anyhow::bail!("expected that there are no hats, got {other:?}"),
    }
    Ok(())
}
