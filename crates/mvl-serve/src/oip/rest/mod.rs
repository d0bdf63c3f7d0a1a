//! The protocol over REST.

mod body;
mod compression;
mod elements;
mod input;
mod numbers;
mod outgoing;
mod statistics;

use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use mvl_infer::TensorSpec;
use serde_json::{Value, json};

use super::memory::SharedMemory;
use crate::extract::{BodyLimit, Headers, InPath, Whole};
use crate::models::{IndexEntry, LoadedModel, ModelDefinition, ModelState};
use crate::service::Service;
use crate::{Caller, ServiceError, Trouble};
pub(crate) use body::{JSON_LENGTH, priority, priority_of, timeout};
pub(crate) use outgoing::{Incoming, Outgoing};
pub(crate) use statistics::to_json as statistics_json;

/// What the protocol's handlers can reach.
#[derive(Debug, Clone)]
pub(crate) struct Oip {
    pub(crate) service: Service,
    pub(crate) memory: Arc<SharedMemory>,
    /// The largest body, also once it is unpacked.
    pub(crate) body_bytes: usize,
}

impl FromRef<Arc<Oip>> for BodyLimit {
    fn from_ref(oip: &Arc<Oip>) -> Self {
        Self(oip.body_bytes)
    }
}

/// The extensions that are offered.
pub(crate) fn extensions(memory: &SharedMemory) -> Vec<&'static str> {
    let mut extensions =
        vec!["binary_tensor_data", "model_configuration", "model_repository", "schedule_policy", "statistics"];
    if memory.is_allowed() {
        extensions.push("system_shared_memory");
    }
    extensions
}

/// Every route under `/v2`.
pub(crate) fn routes(oip: Arc<Oip>) -> Router {
    let both = |router: Router<Arc<Oip>>, path: &str, method: MethodRouter<Arc<Oip>>| {
        let versioned = format!("/v2/models/{{model}}/versions/{{version}}{path}");
        router.route(&format!("/v2/models/{{model}}{path}"), method.clone()).route(&versioned, method)
    };
    let mut router = Router::new()
        .route("/v2", get(server_metadata))
        .route("/v2/", get(server_metadata)) // as the protocol's OpenAPI document writes it
        .route("/v2/health/live", get(|| async { Json(json!({ "live": true })) }))
        .route("/v2/health/ready", get(server_ready))
        .route("/v2/models/stats", get(all_statistics))
        .route("/v2/repository/index", post(index))
        .route("/v2/repository/models/{model}/load", post(load))
        .route("/v2/repository/models/{model}/unload", post(unload))
        .route("/v2/systemsharedmemory/status", get(memory_status))
        .route("/v2/systemsharedmemory/unregister", post(memory_unregister))
        .route("/v2/systemsharedmemory/region/{region}/status", get(memory_status))
        .route("/v2/systemsharedmemory/region/{region}/register", post(memory_register))
        .route("/v2/systemsharedmemory/region/{region}/unregister", post(memory_unregister));
    router = both(router, "", get(model_metadata));
    router = both(router, "/ready", get(model_ready));
    router = both(router, "/config", get(model_config));
    router = both(router, "/stats", get(one_statistics));
    router = both(router, "/infer", post(infer));
    router.method_not_allowed_fallback(wrong_method).with_state(oip)
}

async fn wrong_method(request: Request) -> (StatusCode, Json<Value>) {
    let message = format!("{} is not for {:.200}", request.method(), request.uri().path());
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "error": message })))
}

/// The model and the version in a path.
#[derive(serde::Deserialize)]
struct Which {
    model: String,
    #[serde(default)]
    version: Option<String>,
}

impl Which {
    fn pick(&self, oip: &Oip) -> Result<Arc<LoadedModel>, ServiceError> {
        Ok(oip.service.repository().pick(&self.model, self.version.as_deref())?.model)
    }
}

async fn server_metadata(State(oip): State<Arc<Oip>>) -> Json<Value> {
    Json(json!({ "name": "mvl", "version": env!("CARGO_PKG_VERSION"), "extensions": extensions(&oip.memory) }))
}

/// The protocol's text calls the field "live", kserve's client and server "ready".
async fn server_ready(State(oip): State<Arc<Oip>>) -> Result<Json<Value>, ServiceError> {
    match oip.service.repository().is_ready() {
        true => Ok(Json(json!({ "live": true, "ready": true }))),
        false => {
            Err(ServiceError::new(Trouble::Unavailable, "not every model is ready, or the server is about to end"))
        }
    }
}

async fn model_ready(State(oip): State<Arc<Oip>>, InPath(which): InPath<Which>) -> Result<Json<Value>, ServiceError> {
    let model = which.pick(&oip)?;
    Ok(Json(json!({ "name": model.name, "ready": true })))
}

fn specs(specs: &[TensorSpec]) -> Vec<Value> {
    let spec =
        |spec: &TensorSpec| json!({ "name": spec.name, "datatype": spec.datatype.name(), "shape": spec.wire_shape() });
    specs.iter().map(spec).collect()
}

async fn model_metadata(
    State(oip): State<Arc<Oip>>,
    InPath(which): InPath<Which>,
) -> Result<Json<Value>, ServiceError> {
    let model = which.pick(&oip)?;
    let versions = oip.service.repository().versions(&which.model)?;
    let versions: Vec<&str> = versions.iter().map(|model| model.version.as_str()).collect();
    Ok(Json(json!({
        "name": model.name,
        "versions": versions,
        "platform": model.batcher.platform(),
        "inputs": specs(&model.signature().inputs),
        "outputs": specs(&model.signature().outputs),
    })))
}

/// Triton's model configuration, as far as it has counterparts here. Dimensions are without the batch's.
async fn model_config(State(oip): State<Arc<Oip>>, InPath(which): InPath<Which>) -> Result<Json<Value>, ServiceError> {
    let model = which.pick(&oip)?;
    Ok(Json(config_of(&model)))
}

pub(crate) fn config_of(model: &LoadedModel) -> Value {
    let signature = model.signature();
    let tensor = |spec: &TensorSpec| {
        let shape = spec.wire_shape();
        let dims = if signature.batched { &shape[1..] } else { &shape[..] };
        let kind = match spec.datatype.name() {
            "BYTES" => "STRING",
            name => name,
        };
        json!({ "name": spec.name, "data_type": format!("TYPE_{kind}"), "dims": dims })
    };
    let options = model.batcher.options();
    json!({
        "name": model.name,
        "platform": model.batcher.platform(),
        "backend": "mvl",
        "max_batch_size": if signature.batched { options.max_rows } else { 0 },
        "input": signature.inputs.iter().map(tensor).collect::<Vec<_>>(),
        "output": signature.outputs.iter().map(tensor).collect::<Vec<_>>(),
        "dynamic_batching": {
            "max_queue_delay_microseconds": u64::try_from(options.max_delay.as_micros()).unwrap_or(u64::MAX),
        },
        "instance_group": [{ "count": model.batcher.replicas().len() }],
    })
}

async fn infer(
    State(oip): State<Arc<Oip>>,
    InPath(which): InPath<Which>,
    Headers(headers): Headers,
    Whole(body): Whole,
) -> Result<Response, ServiceError> {
    let body = compression::decompressed(&headers, body, oip.body_bytes)?;
    let json_length =
        match headers.get(body::JSON_LENGTH) {
            None => None,
            Some(length) => Some(length.to_str().ok().and_then(|length| length.parse().ok()).ok_or_else(|| {
                ServiceError::invalid("expected Inference-Header-Content-Length to be a count of bytes")
            })?),
        };
    let pick = || oip.service.repository().pick(&which.model, which.version.as_deref());
    let (mut request, picked) = if json_length == Some(0) {
        let picked = pick()?;
        (body::parse_raw(body, picked.model.signature())?, picked)
    } else {
        let span = tracing::info_span!(target: "mvl_serve::request", "decode", bytes = body.len());
        (span.in_scope(|| body::parse(&body, json_length, &oip.memory))?, pick()?)
    };
    let answer = oip.service.infer_with(picked, std::mem::take(&mut request.call)).await?;
    let written = body::write(&request, &answer, &oip.memory)?;
    let kind = if written.json_length.is_some() { "application/octet-stream" } else { "application/json" };
    let mut response = compression::compressed(&headers, written.body)?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(length) = written.json_length {
        response.headers_mut().insert(body::JSON_LENGTH, length.into());
    }
    Ok(response)
}

async fn all_statistics(State(oip): State<Arc<Oip>>, caller: Caller) -> Json<Value> {
    let mut statistics = oip.service.repository().loaded(None);
    statistics.retain(|model| caller.may_use(&model.name));
    Json(json!({ "model_stats": statistics.iter().map(|model| statistics_json(model)).collect::<Vec<_>>() }))
}

async fn one_statistics(
    State(oip): State<Arc<Oip>>,
    InPath(which): InPath<Which>,
) -> Result<Json<Value>, ServiceError> {
    if which.version.is_some() {
        let model = which.pick(&oip)?;
        return Ok(Json(json!({ "model_stats": [statistics_json(&model)] })));
    }
    which.pick(&oip)?;
    let statistics = oip.service.repository().loaded(Some(&which.model));
    Ok(Json(json!({ "model_stats": statistics.iter().map(|model| statistics_json(model)).collect::<Vec<_>>() })))
}

/// A JSON body that may be left out.
fn optional_json(body: &[u8]) -> Result<Value, ServiceError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ServiceError::invalid(format!("the request is not as expected: {error}")))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(ServiceError::invalid("expected a JSON object")),
    }
}

/// Triton's words for a state.
pub(crate) fn state_words(entry: &IndexEntry) -> (&'static str, String) {
    match &entry.state {
        ModelState::Loading => ("LOADING", String::new()),
        ModelState::Ready => ("READY", String::new()),
        ModelState::Unloaded => ("UNAVAILABLE", "unloaded".to_owned()),
        ModelState::Unavailable(reason) => ("UNAVAILABLE", reason.clone()),
    }
}

async fn index(State(oip): State<Arc<Oip>>, caller: Caller, Whole(body): Whole) -> Result<Json<Value>, ServiceError> {
    let ready_only = optional_json(&body)?.get("ready") == Some(&Value::Bool(true));
    let entries = oip.service.repository().index().into_iter().filter(|entry| caller.may_use(&entry.name));
    let lines = entries.filter(|entry| !ready_only || entry.state == ModelState::Ready).map(|entry| {
        let (state, reason) = state_words(&entry);
        let mut line = json!({ "name": entry.name });
        if let Some(version) = entry.version {
            line["version"] = version.into();
        }
        line["state"] = state.into();
        if !reason.is_empty() {
            line["reason"] = reason.into();
        }
        line
    });
    Ok(Json(lines.collect()))
}

/// A model that is not known may be loaded from a source in the parameters, if a source is what it asks for.
async fn load(
    State(oip): State<Arc<Oip>>,
    InPath(which): InPath<Which>,
    Whole(body): Whole,
) -> Result<Json<Value>, ServiceError> {
    let body = optional_json(&body)?;
    let source = body.pointer("/parameters/source").and_then(Value::as_str).map(ToOwned::to_owned);
    if body.pointer("/parameters/config").is_some() {
        return Err(ServiceError::unsupported("a model's configuration is read from the server's config file alone"));
    }
    if let Some(source) = &source {
        oip.service.check_source(source).await?;
    }
    let loading = oip.service.blocking(move |repository| match source {
        Some(source) => repository.add(ModelDefinition::new(which.model, source)),
        None => repository.load(&which.model).map(drop),
    });
    loading.await.map(|()| Json(json!({})))
}

async fn unload(State(oip): State<Arc<Oip>>, InPath(which): InPath<Which>) -> Result<Json<Value>, ServiceError> {
    oip.service.blocking(move |repository| repository.unload(&which.model)).await.map(|()| Json(json!({})))
}

#[derive(serde::Deserialize)]
struct RegionPath {
    #[serde(default)]
    region: Option<String>,
}

async fn memory_status(
    State(oip): State<Arc<Oip>>,
    InPath(path): InPath<RegionPath>,
) -> Result<Json<Value>, ServiceError> {
    Ok(Json(json!(oip.memory.status(path.region.as_deref())?)))
}

async fn memory_register(
    State(oip): State<Arc<Oip>>,
    InPath(path): InPath<RegionPath>,
    Whole(body): Whole,
) -> Result<Json<Value>, ServiceError> {
    let body = optional_json(&body)?;
    let key = body.get("key").and_then(Value::as_str).ok_or_else(|| ServiceError::invalid("expected a key"))?;
    let bytes = body.get("byte_size").and_then(Value::as_u64);
    let bytes = bytes.ok_or_else(|| ServiceError::invalid("expected byte_size, a count of bytes"))?;
    let offset = body.get("offset").map_or(Some(0), Value::as_u64);
    let offset = offset.ok_or_else(|| ServiceError::invalid("expected offset to be a count of bytes"))?;
    let region = path.region.ok_or_else(|| ServiceError::new(Trouble::Invalid, "expected a region's name"))?;
    oip.memory.register(&region, key, offset, bytes).map(|()| Json(json!({})))
}

async fn memory_unregister(
    State(oip): State<Arc<Oip>>,
    InPath(path): InPath<RegionPath>,
) -> Result<Json<Value>, ServiceError> {
    oip.memory.unregister(path.region.as_deref()).map(|()| Json(json!({})))
}
