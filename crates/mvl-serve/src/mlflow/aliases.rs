//! `registered-models/alias`

use axum::extract::State;

use super::answer::{VersionJson, nothing, one};
use super::app::App;
use super::error::Answer;
use super::model_versions::number;
use super::request::Fields;

pub(super) async fn set(State(app): State<App>, fields: Fields) -> Answer {
    let (name, alias) = (fields.required("name")?, fields.required("alias")?);
    app.registry.set_alias(name, alias, number(&fields)?).await?;
    nothing()
}

pub(super) async fn get(State(app): State<App>, fields: Fields) -> Answer {
    let version = app.registry.version_by_alias(fields.required("name")?, fields.required("alias")?).await?;
    one("model_version", VersionJson::from(&version))
}

pub(super) async fn delete(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.delete_alias(fields.required("name")?, fields.required("alias")?).await?;
    nothing()
}
