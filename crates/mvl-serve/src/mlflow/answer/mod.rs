//! MLflow's JSON for what the tracker and the registry know. Whole numbers are JSON numbers, NaN is a string, empty lists are left out.

mod experiment;
mod list;
mod logged_model;
mod metric;
mod number;
mod registry;
mod run;

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;

pub(super) use experiment::ExperimentJson;
use list::Listed;
pub(super) use list::{File, Files};
pub(super) use logged_model::LoggedModelJson;
pub(super) use metric::MetricJson;
pub(super) use registry::{RegisteredModelJson, VersionJson};
pub(super) use run::{RunInfoJson, RunJson};

use super::error::Answer;

/// The answer `{}`.
pub(super) fn nothing() -> Answer {
    Ok(Json(serde_json::Map::new()).into_response())
}

/// The answer `{name: value}`.
pub(super) fn one(name: &'static str, value: impl Serialize) -> Answer {
    struct One<T>(&'static str, T);
    impl<T: Serialize> Serialize for One<T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(self.0, &self.1)])
        }
    }
    Ok(Json(One(name, value)).into_response())
}

/// The answer of a page: a list, unless it is empty, and the token of the next page, if there is one.
pub(super) fn page<T: Serialize>(
    name: &'static str,
    items: impl IntoIterator<Item = T>,
    next: Option<String>,
) -> Answer {
    Ok(Json(Listed { name, items: items.into_iter().collect(), next_page_token: next }).into_response())
}
