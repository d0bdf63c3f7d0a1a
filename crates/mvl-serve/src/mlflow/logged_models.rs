//! `logged-models/*`

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use mvl_track::{DatasetFilter, LoggedModelSearch, LoggedModelStatus, ModelOrder, NewLoggedModel};

use super::answer::{LoggedModelJson, nothing, one, page};
use super::app::App;
use super::error::{Answer, ApiError, code};
use super::paths::safe_path;
use super::places::Place;
use super::request::{Fields, Query};

pub(super) async fn create(State(app): State<App>, fields: Fields) -> Answer {
    let text = |name| Ok::<_, ApiError>(fields.filled(name)?.map(ToOwned::to_owned));
    let model = app.tracker.create_logged_model(NewLoggedModel {
        experiment_id: fields.required("experiment_id")?.to_owned(),
        name: text("name")?,
        source_run_id: text("source_run_id")?,
        model_type: text("model_type")?,
        tags: fields.tags("tags")?,
        params: fields.params("params")?,
    });
    one("model", LoggedModelJson::from(&model.await?))
}

pub(super) async fn get(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let deleted = query.first("allow_deleted").is_some_and(|allow| allow.eq_ignore_ascii_case("true"));
    let model = match deleted {
        true => app.tracker.get_logged_model_or_deleted(&id).await?,
        false => app.tracker.get_logged_model(&id).await?,
    };
    one("model", LoggedModelJson::from(&model))
}

pub(super) async fn finalize(State(app): State<App>, Path(id): Path<String>, fields: Fields) -> Answer {
    if fields.required("model_id")? != id {
        return Err(ApiError::invalid(format!("expected the model_id of the path, {id:?}, got another one")));
    }
    let model = app.tracker.finalize_logged_model(&id, status(&fields)?).await?;
    one("model", LoggedModelJson::from(&model))
}

/// A status by name or by number.
fn status(fields: &Fields) -> Answer<LoggedModelStatus> {
    if let Ok(Some(text)) = fields.text("status")
        && let Ok(status) = text.parse()
    {
        return Ok(status);
    }
    match fields.int("status")?.ok_or_else(|| fields.missing("status"))? {
        0 => Ok(LoggedModelStatus::Unspecified),
        1 => Ok(LoggedModelStatus::Pending),
        2 => Ok(LoggedModelStatus::Ready),
        3 => Ok(LoggedModelStatus::Failed),
        _ => Err(fields.wrong("status")),
    }
}

pub(super) async fn delete(State(app): State<App>, Path(id): Path<String>) -> Answer {
    app.tracker.delete_logged_model(&id).await?;
    nothing()
}

pub(super) async fn set_tags(State(app): State<App>, Path(id): Path<String>, fields: Fields) -> Answer {
    app.tracker.set_logged_model_tags(&id, &fields.tags("tags")?).await?;
    nothing()
}

pub(super) async fn delete_tag(State(app): State<App>, Path((id, key)): Path<(String, String)>) -> Answer {
    app.tracker.delete_logged_model_tag(&id, &key).await?;
    nothing()
}

pub(super) async fn log_params(State(app): State<App>, Path(id): Path<String>, fields: Fields) -> Answer {
    app.tracker.log_logged_model_params(&id, &fields.params("params")?).await?;
    nothing()
}

pub(super) async fn search(State(app): State<App>, fields: Fields) -> Answer {
    let experiment_ids = fields.texts("experiment_ids")?;
    if experiment_ids.is_empty() {
        return Err(fields.missing("experiment_ids"));
    }
    let search = LoggedModelSearch {
        experiment_ids,
        filter: fields.text("filter")?.unwrap_or_default().to_owned(),
        datasets: fields.objects("datasets")?.iter().map(dataset).collect::<Answer<_>>()?,
        order_by: fields.objects("order_by")?.iter().map(order).collect::<Answer<_>>()?,
        max_results: match fields.count("max_results", 50, 50_000)? {
            0 => 50, // absent, as proto3 has it
            count => count,
        },
        page_token: fields.filled("page_token")?.map(ToOwned::to_owned),
    };
    let found = app.tracker.search_logged_models(&search).await?;
    page("models", found.items.iter().map(LoggedModelJson::from), found.next_page_token)
}

fn dataset(fields: &Fields) -> Answer<DatasetFilter> {
    let dataset_digest = fields.filled("dataset_digest")?.map(ToOwned::to_owned);
    Ok(DatasetFilter { dataset_name: fields.required("dataset_name")?.to_owned(), dataset_digest })
}

fn order(fields: &Fields) -> Answer<ModelOrder> {
    Ok(ModelOrder {
        field_name: fields.required("field_name")?.to_owned(),
        descending: !fields.flag("ascending")?.unwrap_or(true),
        dataset_name: fields.filled("dataset_name")?.map(ToOwned::to_owned),
        dataset_digest: fields.filled("dataset_digest")?.map(ToOwned::to_owned),
    })
}

pub(super) async fn list_files(State(app): State<App>, Path(id): Path<String>, fields: Fields) -> Answer {
    let folder = fields.filled("artifact_directory_path")?.map(safe_path).transpose()?.unwrap_or_default();
    let model = app.tracker.get_logged_model(&id).await?;
    app.files.list_below(&Place::at(&model.artifact_location)?, &folder, &model.artifact_location).await
}

pub(super) async fn get_file(
    State(app): State<App>,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let path = query.first("artifact_file_path").filter(|path| !path.is_empty()).ok_or_else(|| {
        let message = "Request must include the \"artifact_file_path\" query parameter.";
        ApiError::new(StatusCode::BAD_REQUEST, code::BAD_REQUEST, message)
    })?;
    let path = safe_path(path)?;
    let model = app.tracker.get_logged_model(&id).await?;
    app.files.send(&Place::at(&model.artifact_location)?.below(&path), &headers).await
}
