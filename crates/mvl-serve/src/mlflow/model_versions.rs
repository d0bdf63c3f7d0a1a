//! `model-versions/*`

use axum::extract::State;
use axum::http::HeaderMap;
use mvl_track::{NewVersion, VersionSearch};
use serde_json::json;

use super::answer::{VersionJson, nothing, one, page};
use super::app::App;
use super::error::{Answer, ApiError};
use super::paths::safe_path;
use super::places::Place;
use super::request::{Fields, Query};
use super::sources::{Source, checked};

/// The tag in which a logged model keeps the list of versions that were made from it.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

pub(super) async fn create(State(app): State<App>, fields: Fields) -> Answer {
    let text = |name| Ok::<_, ApiError>(fields.filled(name)?.map(ToOwned::to_owned));
    let (name, tags) = (fields.required("name")?.to_owned(), fields.tags("tags")?);
    let source =
        Source { address: fields.required("source")?.to_owned(), run_id: text("run_id")?, model_id: text("model_id")? };
    let Source { address, run_id, model_id } = checked(&app, source).await?;
    let new = NewVersion {
        name,
        source: address,
        storage_location: None,
        run_id,
        run_link: text("run_link")?,
        model_id: model_id.clone(),
        user_id: None,
        description: text("description")?,
        manifest: None,
        tags,
    };
    let version = app.registry.create_version(&new).await?;
    if let Some(model_id) = model_id {
        note_version(&app, &model_id, &version.name, version.version).await?;
    }
    one("model_version", VersionJson::from(&version))
}

/// Adds a version to the list that its logged model keeps.
async fn note_version(app: &App, model_id: &str, name: &str, version: u64) -> Answer<()> {
    let longer = |before: Option<&str>| {
        let mut versions: Vec<serde_json::Value> =
            before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        versions.push(json!({"name": name, "version": version.to_string()}));
        serde_json::Value::Array(versions).to_string()
    };
    Ok(app.tracker.change_logged_model_tag(model_id, VERSIONS_TAG, longer).await?)
}

/// The number of a version, which the API carries as text.
pub(super) fn number(fields: &Fields) -> Answer<u64> {
    parse(fields.required("version")?)
}

fn parse(text: &str) -> Answer<u64> {
    text.parse().map_err(|_| ApiError::invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
}

pub(super) async fn get(State(app): State<App>, fields: Fields) -> Answer {
    let version = app.registry.get_version(fields.required("name")?, number(&fields)?).await?;
    one("model_version", VersionJson::from(&version))
}

pub(super) async fn download_uri(State(app): State<App>, fields: Fields) -> Answer {
    one("artifact_uri", app.registry.version_download_uri(fields.required("name")?, number(&fields)?).await?)
}

pub(super) async fn update(State(app): State<App>, fields: Fields) -> Answer {
    let (name, version) = (fields.required("name")?, number(&fields)?);
    let version = app.registry.update_version(name, version, fields.text("description")?).await?;
    one("model_version", VersionJson::from(&version))
}

pub(super) async fn delete(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.delete_version(fields.required("name")?, number(&fields)?).await?;
    nothing()
}

pub(super) async fn set_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.set_version_tag(fields.required("name")?, number(&fields)?, &fields.tag()?).await?;
    nothing()
}

pub(super) async fn delete_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.delete_version_tag(fields.required("name")?, number(&fields)?, fields.required("key")?).await?;
    nothing()
}

pub(super) async fn transition_stage(State(app): State<App>, fields: Fields) -> Answer {
    let (name, version, stage) = (fields.required("name")?, number(&fields)?, fields.required("stage")?.parse()?);
    let archive = fields.flag("archive_existing_versions")?.unwrap_or_default();
    let version = app.registry.transition_stage(name, version, stage, archive).await?;
    one("model_version", VersionJson::from(&version))
}

pub(super) async fn search(State(app): State<App>, fields: Fields) -> Answer {
    let search = VersionSearch {
        filter: fields.text("filter")?.unwrap_or_default().to_owned(),
        order_by: fields.texts("order_by")?,
        max_results: fields.count("max_results", 200_000, 200_000)?,
        page_token: fields.filled("page_token")?.map(ToOwned::to_owned),
    };
    let found = app.registry.search_versions(&search).await?;
    page("model_versions", found.items.iter().map(VersionJson::from), found.next_page_token)
}

/// A file of a version, for MLflow's UI.
pub(super) async fn get_artifact(State(app): State<App>, query: Query, headers: HeaderMap) -> Answer {
    let needed = |name| {
        query.first(name).ok_or_else(|| ApiError::invalid(format!("Missing value for required parameter '{name}'.")))
    };
    let path = safe_path(needed("path")?)?;
    let location = app.registry.version_download_uri(needed("name")?, parse(needed("version")?)?).await?;
    app.files.send(&Place::at(&location)?.below(&path), &headers).await
}
