//! Every route, as a table.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post, put};

use super::app::App;
use super::{
    ServeOptions, aliases, batches, experiments, graphql, guard, inputs, logged_models, metrics, model_versions, pages,
    proxy, registered_models, run_files, runs, unsupported,
};

/// The API and the pages beside it, behind their guard; other services mount theirs next to it.
pub fn router(options: ServeOptions) -> Router {
    let app = App::new(options);
    let second = api().merge(ajax());
    Router::new()
        .route("/", get(pages::front))
        .route("/health", get(pages::health))
        .route("/version", get(pages::version))
        .route("/graphql", post(graphql::answer))
        .route("/get-artifact", get(run_files::get_artifact))
        .route("/model-versions/get-artifact", get(model_versions::get_artifact))
        .nest("/api/2.0", api())
        .nest("/ajax-api/2.0", second)
        .route("/api/3.0/mlflow/server-info", get(pages::server_info))
        .route("/ajax-api/3.0/mlflow/server-info", get(pages::server_info))
        .fallback(pages::nowhere)
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

/// MLflow's REST reference.
fn api() -> Router<App> {
    Router::new().merge(tracking()).merge(models()).merge(registry()).merge(artifacts())
}

fn tracking() -> Router<App> {
    Router::new()
        .route("/mlflow/experiments/create", post(experiments::create))
        .route("/mlflow/experiments/get", get(experiments::get))
        .route("/mlflow/experiments/get-by-name", get(experiments::get_by_name))
        .route("/mlflow/experiments/update", post(experiments::update))
        .route("/mlflow/experiments/delete", post(experiments::delete))
        .route("/mlflow/experiments/restore", post(experiments::restore))
        .route("/mlflow/experiments/search", post(experiments::search).get(experiments::search))
        .route("/mlflow/experiments/set-experiment-tag", post(experiments::set_tag))
        .route("/mlflow/experiments/delete-experiment-tag", post(experiments::delete_tag))
        .route("/mlflow/runs/create", post(runs::create))
        .route("/mlflow/runs/get", get(runs::get))
        .route("/mlflow/runs/update", post(runs::update))
        .route("/mlflow/runs/delete", post(runs::delete))
        .route("/mlflow/runs/restore", post(runs::restore))
        .route("/mlflow/runs/search", post(runs::search))
        .route("/mlflow/runs/set-tag", post(runs::set_tag))
        .route("/mlflow/runs/delete-tag", post(runs::delete_tag))
        .route("/mlflow/runs/log-parameter", post(runs::log_param))
        .route("/mlflow/runs/log-metric", post(metrics::log))
        .route("/mlflow/runs/log-batch", post(batches::log))
        .route("/mlflow/runs/log-model", post(runs::log_model))
        .route("/mlflow/runs/log-inputs", post(inputs::log_inputs))
        .route("/mlflow/runs/outputs", post(inputs::log_outputs))
        .route("/mlflow/metrics/get-history", get(metrics::history))
        .route("/mlflow/metrics/get-history-bulk-interval", get(metrics::interval))
}

fn models() -> Router<App> {
    Router::new()
        .route("/mlflow/logged-models", post(logged_models::create))
        .route("/mlflow/logged-models/search", post(logged_models::search))
        .route(
            "/mlflow/logged-models/{model}",
            get(logged_models::get).patch(logged_models::finalize).delete(logged_models::delete),
        )
        .route("/mlflow/logged-models/{model}/tags", patch(logged_models::set_tags))
        .route("/mlflow/logged-models/{model}/tags/{key}", delete(logged_models::delete_tag))
        .route("/mlflow/logged-models/{model}/params", post(logged_models::log_params))
        .route("/mlflow/logged-models/{model}/artifacts/directories", get(logged_models::list_files))
}

fn registry() -> Router<App> {
    Router::new()
        .route("/mlflow/registered-models/create", post(registered_models::create))
        .route("/mlflow/registered-models/get", get(registered_models::get))
        .route("/mlflow/registered-models/rename", post(registered_models::rename))
        .route("/mlflow/registered-models/update", patch(registered_models::update))
        .route("/mlflow/registered-models/delete", delete(registered_models::delete))
        .route("/mlflow/registered-models/search", get(registered_models::search))
        .route("/mlflow/registered-models/set-tag", post(registered_models::set_tag))
        .route("/mlflow/registered-models/delete-tag", delete(registered_models::delete_tag))
        .route(
            "/mlflow/registered-models/get-latest-versions",
            post(registered_models::latest_versions).get(registered_models::latest_versions),
        )
        .route("/mlflow/registered-models/alias", post(aliases::set).get(aliases::get).delete(aliases::delete))
        .route("/mlflow/model-versions/create", post(model_versions::create))
        .route("/mlflow/model-versions/get", get(model_versions::get))
        .route("/mlflow/model-versions/get-download-uri", get(model_versions::download_uri))
        .route("/mlflow/model-versions/update", patch(model_versions::update))
        .route("/mlflow/model-versions/delete", delete(model_versions::delete))
        .route("/mlflow/model-versions/search", get(model_versions::search))
        .route("/mlflow/model-versions/set-tag", post(model_versions::set_tag))
        .route("/mlflow/model-versions/delete-tag", delete(model_versions::delete_tag))
        .route("/mlflow/model-versions/transition-stage", post(model_versions::transition_stage))
}

fn artifacts() -> Router<App> {
    Router::new()
        .route("/mlflow/artifacts/list", get(run_files::list))
        .route("/mlflow/artifacts/presigned-upload-url", post(unsupported::presigned_upload))
        .route("/mlflow/artifacts/presigned-download-url", post(unsupported::presigned_download))
        .route("/mlflow-artifacts/artifacts", get(proxy::list))
        .route("/mlflow-artifacts/artifacts/{*path}", put(proxy::upload).get(proxy::download).delete(proxy::delete))
        .route("/mlflow-artifacts/mpu/create/{*path}", post(unsupported::multipart))
        .route("/mlflow-artifacts/mpu/complete/{*path}", post(unsupported::multipart))
        .route("/mlflow-artifacts/mpu/abort/{*path}", post(unsupported::multipart))
        .route("/mlflow-artifacts/presigned/{*path}", get(unsupported::presigned))
}

/// What MLflow's UI asks for beside the reference.
fn ajax() -> Router<App> {
    Router::new()
        .route("/mlflow/metrics/get-history-bulk", get(metrics::bulk))
        .route("/mlflow/experiments/search-datasets", post(inputs::search_datasets))
        .route("/mlflow/upload-artifact", post(run_files::upload))
        .route("/mlflow/logged-models/{model}/artifacts/files", get(logged_models::get_file))
}
