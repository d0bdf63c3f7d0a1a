//! `experiments/*`

use axum::extract::State;
use mvl_track::{ExperimentSearch, ViewType};

use super::answer::{ExperimentJson, nothing, one, page};
use super::app::App;
use super::error::{Answer, ApiError};
use super::request::Fields;

pub(super) async fn create(State(app): State<App>, fields: Fields) -> Answer {
    let (name, location, tags) = (fields.required("name")?, fields.filled("artifact_location")?, fields.tags("tags")?);
    one("experiment_id", app.tracker.create_experiment(name, location, &tags).await?)
}

pub(super) async fn get(State(app): State<App>, fields: Fields) -> Answer {
    let experiment = app.tracker.get_experiment(fields.required("experiment_id")?).await?;
    one("experiment", ExperimentJson::from(experiment))
}

pub(super) async fn get_by_name(State(app): State<App>, fields: Fields) -> Answer {
    let name = fields.required("experiment_name")?;
    let found = app.tracker.get_experiment_by_name(name).await?;
    let found = found.ok_or_else(|| ApiError::missing(format!("Could not find experiment with name '{name}'")))?;
    one("experiment", ExperimentJson::from(found))
}

pub(super) async fn update(State(app): State<App>, fields: Fields) -> Answer {
    let (id, name) = (fields.required("experiment_id")?, fields.required("new_name")?);
    app.tracker.rename_experiment(id, name).await?;
    nothing()
}

pub(super) async fn delete(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.delete_experiment(fields.required("experiment_id")?).await?;
    nothing()
}

pub(super) async fn restore(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.restore_experiment(fields.required("experiment_id")?).await?;
    nothing()
}

pub(super) async fn set_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.set_experiment_tag(fields.required("experiment_id")?, &fields.tag()?).await?;
    nothing()
}

pub(super) async fn delete_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.delete_experiment_tag(fields.required("experiment_id")?, fields.required("key")?).await?;
    nothing()
}

pub(super) async fn search(State(app): State<App>, fields: Fields) -> Answer {
    let search = ExperimentSearch {
        filter: fields.text("filter")?.unwrap_or_default().to_owned(),
        view: view(&fields, "view_type")?,
        order_by: fields.texts("order_by")?,
        // MLflow asks for a number here, though not where runs are searched.
        max_results: match fields.count("max_results", 0, 50_000)? {
            0 => {
                return Err(ApiError::invalid(
                    "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer",
                ));
            }
            count => count,
        },
        page_token: fields.filled("page_token")?.map(ToOwned::to_owned),
    };
    let found = app.tracker.search_experiments(&search).await?;
    page("experiments", found.items.into_iter().map(ExperimentJson::from), found.next_page_token)
}

/// Which stages are meant: by name or by number.
pub(super) fn view(fields: &Fields, name: &str) -> Answer<ViewType> {
    if let Ok(Some(text)) = fields.text(name) {
        match text {
            "ACTIVE_ONLY" => return Ok(ViewType::ActiveOnly),
            "DELETED_ONLY" => return Ok(ViewType::DeletedOnly),
            "ALL" => return Ok(ViewType::All),
            _ => {}
        }
    }
    match fields.int(name)? {
        None | Some(0 | 1) => Ok(ViewType::ActiveOnly),
        Some(2) => Ok(ViewType::DeletedOnly),
        Some(3) => Ok(ViewType::All),
        Some(_) => Err(fields.wrong(name)),
    }
}
