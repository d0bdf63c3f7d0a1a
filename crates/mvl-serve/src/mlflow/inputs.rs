//! What runs read and made: data sets and logged models.

use axum::extract::State;
use mvl_track::{Dataset, DatasetInput, DatasetSummary, ModelInput, ModelOutput};
use serde::Serialize;

use super::answer::{nothing, page};
use super::app::App;
use super::error::{Answer, ApiError};
use super::request::Fields;

/// Experiments whose data sets may be asked for at once.
const EXPERIMENTS: usize = 20;

pub(super) async fn log_inputs(State(app): State<App>, fields: Fields) -> Answer {
    let datasets = fields.objects("datasets")?.iter().map(input).collect::<Answer<Vec<_>>>()?;
    let models = fields.objects("models")?;
    let models = models.iter().map(|model| Ok(ModelInput { model_id: model.required("model_id")?.to_owned() }));
    let models = models.collect::<Answer<Vec<_>>>()?;
    app.tracker.log_inputs(fields.required("run_id")?, &datasets, &models).await?;
    nothing()
}

fn input(fields: &Fields) -> Answer<DatasetInput> {
    let dataset = fields.object("dataset")?.ok_or_else(|| fields.missing("dataset"))?;
    let text = |name| Ok::<_, ApiError>(dataset.text(name)?.unwrap_or_default().to_owned());
    let optional = |name| Ok::<_, ApiError>(dataset.filled(name)?.map(ToOwned::to_owned));
    Ok(DatasetInput {
        dataset: Dataset {
            name: dataset.required("name")?.to_owned(),
            digest: dataset.required("digest")?.to_owned(),
            source_type: text("source_type")?,
            source: text("source")?,
            schema: optional("schema")?,
            profile: optional("profile")?,
        },
        tags: fields.tags("tags")?,
    })
}

pub(super) async fn log_outputs(State(app): State<App>, fields: Fields) -> Answer {
    let run_id = fields.required("run_id")?;
    if !fields.has("models")? {
        return Err(fields.missing("models"));
    }
    let models = fields.objects("models")?;
    let models = models.iter().map(|model| {
        Ok(ModelOutput {
            model_id: model.required("model_id")?.to_owned(),
            step: model.int("step")?.unwrap_or_default(),
        })
    });
    app.tracker.log_outputs(run_id, &models.collect::<Answer<Vec<_>>>()?).await?;
    nothing()
}

#[derive(Serialize)]
struct Summary {
    experiment_id: String,
    name: String,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

impl From<DatasetSummary> for Summary {
    fn from(DatasetSummary { experiment_id, name, digest, context }: DatasetSummary) -> Self {
        Self { experiment_id, name, digest, context }
    }
}

pub(super) async fn search_datasets(State(app): State<App>, fields: Fields) -> Answer {
    let experiments = fields.texts("experiment_ids")?;
    if experiments.is_empty() {
        return Err(ApiError::invalid("SearchDatasets request must specify at least one experiment_id."));
    }
    if experiments.len() > EXPERIMENTS {
        return Err(ApiError::invalid(format!(
            "SearchDatasets request cannot specify more than {EXPERIMENTS} experiment_ids. Received {} experiment_ids.",
            experiments.len()
        )));
    }
    page("dataset_summaries", app.tracker.search_datasets(&experiments).await?.into_iter().map(Summary::from), None)
}
