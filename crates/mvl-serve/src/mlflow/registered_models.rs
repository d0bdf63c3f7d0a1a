//! `registered-models/*`

use axum::extract::State;
use mvl_track::{ModelSearch, Stage};

use super::answer::{RegisteredModelJson, VersionJson, nothing, one, page};
use super::app::App;
use super::error::Answer;
use super::request::Fields;

pub(super) async fn create(State(app): State<App>, fields: Fields) -> Answer {
    let (name, tags, description) = (fields.required("name")?, fields.tags("tags")?, fields.filled("description")?);
    let model = app.registry.create_model(name, &tags, description).await?;
    one("registered_model", RegisteredModelJson::from(&model))
}

pub(super) async fn get(State(app): State<App>, fields: Fields) -> Answer {
    let model = app.registry.get_model(fields.required("name")?).await?;
    one("registered_model", RegisteredModelJson::from(&model))
}

pub(super) async fn rename(State(app): State<App>, fields: Fields) -> Answer {
    let model = app.registry.rename_model(fields.required("name")?, fields.required("new_name")?).await?;
    one("registered_model", RegisteredModelJson::from(&model))
}

pub(super) async fn update(State(app): State<App>, fields: Fields) -> Answer {
    let model = app.registry.update_model(fields.required("name")?, fields.filled("description")?).await?;
    one("registered_model", RegisteredModelJson::from(&model))
}

pub(super) async fn delete(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.delete_model(fields.required("name")?).await?;
    nothing()
}

pub(super) async fn set_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.set_model_tag(fields.required("name")?, &fields.tag()?).await?;
    nothing()
}

pub(super) async fn delete_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.registry.delete_model_tag(fields.required("name")?, fields.required("key")?).await?;
    nothing()
}

pub(super) async fn search(State(app): State<App>, fields: Fields) -> Answer {
    let search = ModelSearch {
        filter: fields.text("filter")?.unwrap_or_default().to_owned(),
        order_by: fields.texts("order_by")?,
        max_results: fields.count("max_results", 100, 1000)?,
        page_token: fields.filled("page_token")?.map(ToOwned::to_owned),
    };
    let found = app.registry.search_models(&search).await?;
    page("registered_models", found.items.iter().map(RegisteredModelJson::from), found.next_page_token)
}

pub(super) async fn latest_versions(State(app): State<App>, fields: Fields) -> Answer {
    let stages = fields.texts("stages")?;
    let stages = stages.iter().map(|stage| stage.parse()).collect::<Result<Vec<Stage>, _>>()?;
    let found = app.registry.latest_versions(fields.required("name")?, &stages).await?;
    page("model_versions", found.iter().map(VersionJson::from), None)
}
