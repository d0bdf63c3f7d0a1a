//! `/v1`: models to create, list and inspect, and pictures to predict.

use axum::extract::{DefaultBodyLimit, FromRef, FromRequest, Multipart, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ModelDescription, NewModel, Pictures, Question, TOP};
use crate::extract::{BodyLimit, InPath, Whole};
use crate::gateway::Asked;
use crate::oip::rest::priority_of;
use crate::{Caller, ServiceError, Trouble};

/// Every route under `/v1`.
pub(crate) fn routes(pictures: Pictures) -> Router {
    let one = get(inspect).delete(delete).post(act);
    let BodyLimit(limit) = FromRef::from_ref(&pictures);
    Router::new()
        .route("/v1/models", get(list).post(create))
        .route("/v1/models/{model}", one.clone())
        .route("/v1/models/{model}/versions/{version}", axum::routing::post(act))
        .route("/v1/models/{model}/stream", get(super::stream::open))
        .layer(DefaultBodyLimit::max(limit)) // of forms
        .with_state(pictures)
}

async fn list(State(pictures): State<Pictures>, caller: Caller) -> Result<Json<Value>, ServiceError> {
    Ok(Json(json!({ "models": pictures.described(&caller)? })))
}

async fn inspect(
    State(pictures): State<Pictures>,
    InPath(model): InPath<String>,
) -> Result<Json<ModelDescription>, ServiceError> {
    ModelDescription::of(pictures.service().repository(), &model).map(Json)
}

async fn create(
    State(pictures): State<Pictures>,
    caller: Caller,
    Whole(body): Whole,
) -> Result<Response, ServiceError> {
    let new: NewModel = read_json(&body)?;
    let told = pictures.create(&caller, new).await?;
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

async fn delete(State(pictures): State<Pictures>, InPath(model): InPath<String>) -> Result<StatusCode, ServiceError> {
    pictures.service().blocking(move |repository| repository.remove(&model)).await.map(|()| StatusCode::NO_CONTENT)
}

fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body)
        .map_err(|error| ServiceError::invalid(format!("the request is not as expected: {error}")))
}

#[derive(Deserialize)]
struct ActPath {
    model: String,
    #[serde(default)]
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictQuery {
    #[serde(default = "top")]
    top: usize,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    priority: Option<u64>,
}

pub(super) fn top() -> usize {
    TOP
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    source: String,
    percent: u8,
}

/// `POST /v1/models/NAME:predict`, `:load`, `:unload`, `:canary`, `:shadow`, `:promote`, `:rollback`.
async fn act(
    State(pictures): State<Pictures>,
    InPath(path): InPath<ActPath>,
    query: Result<Query<PredictQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Result<Response, ServiceError> {
    // The verb stands behind the last part of the path.
    let (last, in_version) = match &path.version {
        Some(version) => (version.as_str(), true),
        None => (path.model.as_str(), false),
    };
    let (last, verb) = last.rsplit_once(':').ok_or_else(|| {
        ServiceError::not_found(
            "expected a verb behind the name: predict, load, unload, canary, shadow, promote, rollback",
        )
    })?;
    let (model, version) =
        if in_version { (path.model.clone(), Some(last.to_owned())) } else { (last.to_owned(), None) };
    if verb == "predict" {
        let Query(query) = query.map_err(|error| ServiceError::invalid(error.body_text()))?;
        let question = Question {
            model,
            version,
            top: query.top,
            priority: priority_of(query.priority.unwrap_or(0)),
            timeout: query.timeout_ms.map(std::time::Duration::from_millis),
        };
        // What is not there is told before a picture is looked at.
        let picked = pictures.service().repository().pick(&question.model, question.version.as_deref())?;
        let within = question.timeout.unwrap_or(picked.model.batcher.options().timeout);
        let _held = Asked::held(request.extensions()); // until the answer is there
        let answer = async { pictures.look(&question, pictures_of(&pictures, request).await?).await };
        // Fetching, decoding and waiting for both take of the time too.
        let late = |_| ServiceError::new(Trouble::Late, "the deadline passed before the answer was there");
        return Ok(Json(tokio::time::timeout(within, answer).await.map_err(late)??).into_response());
    }
    if in_version {
        return Err(ServiceError::not_found(format!("a version has no verb {verb:?}; expected predict")));
    }
    let Whole(body) = Whole::from_request(request, &pictures).await?;
    let service = pictures.service();
    let name = model.clone();
    match verb {
        "load" => drop(service.blocking(move |repository| repository.load(&name)).await?),
        "unload" => service.blocking(move |repository| repository.unload(&name)).await?,
        "promote" => drop(service.blocking(move |repository| repository.promote_canary(&name)).await?),
        "rollback" => drop(service.blocking(move |repository| repository.rollback(&name)).await?),
        "canary" => {
            let Shared { source, percent } = read_json(&body)?;
            service.check_source(&source).await?;
            service.blocking(move |repository| repository.set_canary(&name, &source, percent)).await?;
        }
        "shadow" => {
            let Shared { source, percent } = read_json(&body)?;
            service.check_source(&source).await?;
            service.blocking(move |repository| repository.set_shadow(&name, &source, percent)).await?;
        }
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(ServiceError::not_found(format!("a model has no verb {shown:?}")));
        }
    }
    Ok(Json(ModelDescription::of(service.repository(), &model)?).into_response())
}

/// Pictures in base64, or where they lie.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PicturesInJson {
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    images: Vec<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    urls: Vec<String>,
}

/// The pictures of a request: its body, the files of a form, or base64 in JSON.
async fn pictures_of(pictures: &Pictures, request: Request) -> Result<Vec<Bytes>, ServiceError> {
    let (kind, held) = (kind_of(request.headers()), Asked::held(request.extensions()));
    if kind == "multipart/form-data" {
        return files_of(request).await;
    }
    let Whole(body) = Whole::from_request(request, pictures).await?;
    if kind != "application/json" {
        // Whatever it is called, what it is shows when it is decoded.
        return if body.is_empty() {
            Err(ServiceError::invalid("expected a picture, got no body"))
        } else {
            Ok(vec![body])
        };
    }
    let PicturesInJson { image, images, url, urls } = read_json(&body)?;
    let urls: Vec<String> = url.into_iter().chain(urls).collect();
    if !urls.is_empty() {
        return match image.is_none() && images.is_empty() {
            true => pictures.fetched(&urls, held.as_ref()).await,
            false => Err(ServiceError::invalid("expected pictures or their URLs, got both")),
        };
    }
    let texts = image.into_iter().chain(images);
    let decoded = texts.map(|text| {
        // Browsers write data:image/jpeg;base64,…
        let encoded = match text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            Some((_, encoded)) => encoded,
            None => &text,
        };
        let bytes = STANDARD.decode(encoded.trim_end());
        bytes.map(Bytes::from).map_err(|error| ServiceError::invalid(format!("expected pictures in base64: {error}")))
    });
    decoded.collect()
}

fn kind_of(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn files_of(request: Request) -> Result<Vec<Bytes>, ServiceError> {
    let wrong = |error: &dyn std::fmt::Display| ServiceError::invalid(format!("the form cannot be read: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| wrong(&error))?;
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| wrong(&error))? {
        files.push(field.bytes().await.map_err(|error| wrong(&error))?);
    }
    Ok(files)
}
