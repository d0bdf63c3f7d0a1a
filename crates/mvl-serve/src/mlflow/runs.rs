//! `runs/*`: life of a run, its tags, parameters and search.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use mvl_track::{NewRun, Page, Param, Run, RunSearch, RunStatus, RunUpdate, Tag};
use serde_json::Value;

use super::answer::{RunInfoJson, RunJson, nothing, one, page};
use super::app::App;
use super::error::{Answer, ApiError};
use super::experiments::view;
use super::request::Fields;

/// The tag in which MLflow keeps the list of models that a run logged.
const MODELS_TAG: &str = "mlflow.log-model.history";
/// How long a tag may be.
const TAG_CHARACTERS: usize = 8000;

pub(super) async fn create(State(app): State<App>, fields: Fields) -> Answer {
    let run = app.tracker.create_run(NewRun {
        experiment_id: fields.filled("experiment_id")?.unwrap_or("0").to_owned(),
        user_id: fields.text("user_id")?.unwrap_or_default().to_owned(),
        run_name: fields.filled("run_name")?.map(ToOwned::to_owned),
        start_time: fields.int("start_time")?,
        tags: fields.tags("tags")?,
    });
    one("run", RunJson::from(&run.await?))
}

pub(super) async fn get(State(app): State<App>, fields: Fields) -> Answer {
    let run = app.tracker.get_run(fields.run_id()?).await?;
    one("run", RunJson::from(&run))
}

pub(super) async fn update(State(app): State<App>, fields: Fields) -> Answer {
    let update = RunUpdate {
        status: status(&fields)?,
        end_time: fields.int("end_time")?,
        run_name: fields.filled("run_name")?.map(ToOwned::to_owned),
    };
    let info = app.tracker.update_run(fields.run_id()?, &update).await?;
    one("run_info", RunInfoJson::from(&info))
}

/// A status by name or by number.
fn status(fields: &Fields) -> Answer<Option<RunStatus>> {
    const NUMBERED: [RunStatus; 5] =
        [RunStatus::Running, RunStatus::Scheduled, RunStatus::Finished, RunStatus::Failed, RunStatus::Killed];
    if let Ok(Some(text)) = fields.text("status")
        && let Ok(status) = text.parse()
    {
        return Ok(Some(status));
    }
    let Some(number) = fields.int("status")? else { return Ok(None) };
    let found = number.checked_sub(1).and_then(|index| NUMBERED.get(usize::try_from(index).ok()?));
    found.copied().map(Some).ok_or_else(|| fields.wrong("status"))
}

pub(super) async fn delete(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.delete_run(fields.run_id()?).await?;
    nothing()
}

pub(super) async fn restore(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.restore_run(fields.run_id()?).await?;
    nothing()
}

pub(super) async fn set_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.set_tag(fields.run_id()?, &fields.tag()?).await?;
    nothing()
}

pub(super) async fn delete_tag(State(app): State<App>, fields: Fields) -> Answer {
    app.tracker.delete_tag(fields.run_id()?, fields.required("key")?).await?;
    nothing()
}

pub(super) async fn log_param(State(app): State<App>, fields: Fields) -> Answer {
    let Tag { key, value } = fields.tag()?;
    app.tracker.log_param(fields.run_id()?, &Param { key, value }).await?;
    nothing()
}

pub(super) async fn search(State(app): State<App>, fields: Fields) -> Answer {
    let found = find(&app, &fields).await?;
    page("runs", found.items.iter().map(RunJson::from), found.next_page_token)
}

/// The runs that a search finds.
pub(super) async fn find(app: &App, fields: &Fields) -> Answer<Page<Run>> {
    let search = RunSearch {
        experiment_ids: fields.texts("experiment_ids")?,
        filter: fields.text("filter")?.unwrap_or_default().to_owned(),
        view: view(fields, "run_view_type")?,
        order_by: fields.texts("order_by")?,
        max_results: fields.count("max_results", 1000, 50_000)?,
        page_token: fields.filled("page_token")?.map(ToOwned::to_owned),
    };
    Ok(app.tracker.search_runs(&search).await?)
}

/// The older way to say that a run made a model: a list in a tag.
pub(super) async fn log_model(State(app): State<App>, fields: Fields) -> Answer {
    let (run_id, text) = (fields.run_id()?, fields.required("model_json")?);
    let Ok(Value::Object(mut model)) = serde_json::from_str(text) else {
        return Err(ApiError::invalid(format!("Malformed model info. \n {text} \n is not a valid JSON.")));
    };
    let missing: Vec<_> = ["artifact_path", "flavors", "utc_time_created", "run_id"]
        .into_iter()
        .filter(|field| !model.contains_key(*field))
        .collect();
    if !missing.is_empty() {
        return Err(ApiError::invalid(format!("Model json is missing mandatory fields: {}", missing.join(", "))));
    }
    // What the signature says is in the model's own files, and long.
    model.retain(|field, _| !matches!(field.as_str(), "saved_input_example_info" | "signature" | "metadata"));

    let model = Value::Object(model);
    app.tracker.change_tag(run_id, MODELS_TAG, |before| longer(before, &model)).await?;
    Ok(Json(serde_json::json!({})).into_response())
}

/// The list in a tag with one model more.
fn longer(before: Option<&str>, model: &Value) -> String {
    let mut models: Vec<Value> = before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    models.push(model.clone());
    loop {
        let value = spaced(&models);
        if value.chars().count() <= TAG_CHARACTERS || models.len() == 1 {
            return value;
        }
        models.remove(0); // a tag that is cut would be no JSON: the oldest goes
    }
}

/// JSON as Python writes it, with a space after every comma and colon.
fn spaced(value: &[Value]) -> String {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            writer.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
            writer.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
            writer.write_all(b": ")
        }
    }
    let mut bytes = Vec::new();
    let written = serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut bytes, Spaced));
    written.ok().and_then(|()| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_spaced_as_python_does() {
        let value = serde_json::json!({"a": [1, "b,c: d"], "e": {}});
        assert_eq!(spaced(&[value]), r#"[{"a": [1, "b,c: d"], "e": {}}]"#);
    }
}
