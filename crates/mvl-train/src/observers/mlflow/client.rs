//! The part of MLflow's REST interface that is needed here.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use mvl_core::{ObserverError, RecordFailure, RunBatch, RunBegin, RunFigure, RunStatus};
use reqwest::Url;
use serde_json::{Value, json};

use super::address::Credentials;
use crate::observers::remote::{Body, HttpClient, Method};

/// The tag with the name by which a run is found again.
const START_ID_TAG: &str = "mvl.start_id";

/// A tracking server.
#[derive(Debug)]
pub(crate) struct MlflowClient {
    http: HttpClient,
    root: Url,
    credentials: Credentials,
}

/// A run on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteRun {
    pub(crate) id: String,
    /// Where its artifacts are, such as `mlflow-artifacts:/0/<id>/artifacts`.
    pub(crate) artifacts: String,
    /// The parameters it has already; they cannot be changed.
    pub(crate) params: BTreeMap<String, String>,
}

impl MlflowClient {
    /// A client for the server at this address; requests take at most `timeout`.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub(crate) fn new(root: Url, credentials: Credentials, timeout: Duration) -> Result<Self, ObserverError> {
        Ok(Self { http: HttpClient::new(&root, timeout)?, root, credentials })
    }

    /// Scheme, host and port, for people.
    pub(crate) fn server(&self) -> &str {
        self.http.server()
    }

    /// The id of an experiment, which is made if there is none of this name.
    pub(crate) fn experiment(&self, name: &str) -> Result<String, RecordFailure> {
        let found = match self.find_experiment(name) {
            Err(failure) if failure.status == Some(404) => self.post("experiments/create", json!({"name": name})),
            found => found,
        };
        let answer = match found {
            // Somebody else was quicker.
            Err(failure) if failure.what.contains("RESOURCE_ALREADY_EXISTS") => self.find_experiment(name)?,
            found => found?,
        };
        let id = answer.pointer("/experiment/experiment_id").or(answer.get("experiment_id"));
        self.text(id, "no experiment_id")
    }

    fn find_experiment(&self, name: &str) -> Result<Value, RecordFailure> {
        self.get("experiments/get-by-name", "experiment_name", name)
    }

    /// Makes a run.
    pub(crate) fn create_run(&self, experiment: &str, begin: &RunBegin) -> Result<RemoteRun, RecordFailure> {
        let mut tags = tags(&begin.tags);
        tags.push(json!({"key": START_ID_TAG, "value": begin.start_id}));
        let mut run = json!({"experiment_id": experiment, "start_time": begin.time_ms, "tags": tags});
        if let Some(name) = &begin.run_name {
            run["run_name"] = json!(name);
        }
        let answer = self.post("runs/create", run)?;
        self.read_run(answer.get("run"))
    }

    /// A run that was made by this start of a run, if there is one.
    pub(crate) fn find_started(&self, experiment: &str, start_id: &str) -> Result<Option<RemoteRun>, RecordFailure> {
        let filter = format!("tags.`{START_ID_TAG}` = '{start_id}'");
        let query = json!({"experiment_ids": [experiment], "filter": filter, "max_results": 1});
        let answer = self.post("runs/search", query)?;
        answer.pointer("/runs/0").map(|run| self.read_run(Some(run))).transpose()
    }

    /// A run by its id; `None` when there is none or it was deleted.
    pub(crate) fn run(&self, id: &str) -> Result<Option<RemoteRun>, RecordFailure> {
        match self.get("runs/get", "run_id", id) {
            Err(failure) if failure.status == Some(404) => Ok(None),
            Err(failure) => Err(failure),
            Ok(answer) if answer.pointer("/run/info/lifecycle_stage").is_some_and(|stage| stage == "deleted") => {
                Ok(None)
            }
            Ok(answer) => self.read_run(answer.get("run")).map(Some),
        }
    }

    /// Adds figures, parameters and tags to a run.
    pub(crate) fn log_batch(&self, run: &RemoteRun, batch: &RunBatch<'_>) -> Result<(), RecordFailure> {
        let metrics: Vec<_> = batch.figures.iter().map(figure).collect();
        let batch =
            json!({"run_id": run.id, "metrics": metrics, "params": tags(batch.params), "tags": tags(batch.tags)});
        self.post("runs/log-batch", batch).map(|_| ())
    }

    /// Says how a run is.
    pub(crate) fn update_run(
        &self,
        id: &str,
        status: RunStatus,
        end_time_ms: Option<u64>,
    ) -> Result<(), RecordFailure> {
        let mut update = json!({"run_id": id, "status": status.word()});
        if let Some(end_time_ms) = end_time_ms {
            update["end_time"] = json!(end_time_ms);
        }
        self.post("runs/update", update).map(|_| ())
    }

    /// Puts a file below a run, through the server. `None` when the server does not pass artifacts on.
    pub(crate) fn put_artifact(&self, run: &RemoteRun, path: &str, body: Body) -> Option<Result<(), RecordFailure>> {
        let folder = run.artifacts.strip_prefix("mlflow-artifacts:/").filter(|folder| !folder.starts_with('/'))?;
        let parts = ["api", "2.0", "mlflow-artifacts", "artifacts"].into_iter().chain(folder.split('/'));
        let url = self.url(parts.chain(path.split('/')));
        let request = self.credentials.sign(self.http.request(Method::PUT, url, body));
        Some(self.http.send(request).map(|_| ()))
    }

    fn read_run(&self, run: Option<&Value>) -> Result<RemoteRun, RecordFailure> {
        let field = |path: &str| run.and_then(|run| run.pointer(path));
        let id = self.text(field("/info/run_id"), "a run without run_id")?;
        let artifacts = field("/info/artifact_uri").and_then(Value::as_str).unwrap_or_default().to_owned();
        let params = field("/data/params").and_then(Value::as_array).into_iter().flatten();
        let param = |param: &Value| Some((param["key"].as_str()?.to_owned(), param["value"].as_str()?.to_owned()));
        Ok(RemoteRun { id, artifacts, params: params.filter_map(param).collect() })
    }

    /// Sends a run's file to a writer, through the server, wherever it keeps files; at most `bytes` of it.
    pub(crate) fn download(
        &self,
        run_id: &str,
        path: &str,
        bytes: u64,
        to: &mut dyn Write,
    ) -> Result<u64, RecordFailure> {
        let mut url = self.url(["get-artifact"].into_iter());
        url.query_pairs_mut().append_pair("run_uuid", run_id).append_pair("path", path);
        self.http.download(self.credentials.sign(self.http.request_of(url, bytes)), bytes, to)
    }

    fn get(&self, call: &str, name: &str, value: &str) -> Result<Value, RecordFailure> {
        self.get_with(call, &[(name, value)])
    }

    /// What the server answers to a question with these fields.
    pub(crate) fn get_with(&self, call: &str, fields: &[(&str, &str)]) -> Result<Value, RecordFailure> {
        serde_json::from_slice(&self.text_of(call, fields)?).map_err(|_| self.strange("no JSON"))
    }

    /// The same, as the text that it is.
    pub(crate) fn text_of(&self, call: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>, RecordFailure> {
        let mut url = self.url(["api", "2.0", "mlflow"].into_iter().chain(call.split('/')));
        url.query_pairs_mut().extend_pairs(fields);
        self.http.send(self.credentials.sign(self.http.request(Method::GET, url, Body::Empty)))
    }

    /// What the server answers to a request with this body.
    pub(crate) fn post(&self, call: &str, body: Value) -> Result<Value, RecordFailure> {
        let url = self.url(["api", "2.0", "mlflow"].into_iter().chain(call.split('/')));
        self.call(Method::POST, url, Body::Bytes(Bytes::from(body.to_string())))
    }

    fn call(&self, method: Method, url: Url, body: Body) -> Result<Value, RecordFailure> {
        let request = self.http.request(method, url, body).header("content-type", "application/json");
        let answer = self.http.send(self.credentials.sign(request))?;
        serde_json::from_slice(&answer).map_err(|_| self.strange("no JSON"))
    }

    fn url<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts); // percent-encoded where they must be
        }
        url
    }

    fn text(&self, value: Option<&Value>, missing: &str) -> Result<String, RecordFailure> {
        value.and_then(Value::as_str).map(ToOwned::to_owned).ok_or_else(|| self.strange(missing))
    }

    /// An answer that no MLflow server gives.
    pub(crate) fn strange(&self, what: &str) -> RecordFailure {
        RecordFailure::refused(format!("is that an MLflow server? {} answered with {what}", self.server()))
    }
}

fn tags(pairs: &[(String, String)]) -> Vec<Value> {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// As MLflow reads it: what is no number in words, since JSON has none for it.
fn figure(figure: &RunFigure) -> Value {
    let value = match figure.value {
        value if value.is_nan() => json!("NaN"),
        value if value.is_infinite() => json!(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        value => json!(value),
    };
    json!({"key": figure.name, "value": value, "timestamp": figure.time_ms, "step": figure.step})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_no_numbers_are_words() {
        let value = |value| figure(&RunFigure { name: "loss".to_owned(), value, time_ms: 1, step: 2 })["value"].clone();
        assert_eq!(value(0.1 + 0.2), json!(0.30000000000000004));
        assert_eq!(value(f64::NAN), json!("NaN"));
        assert_eq!(value(f64::NEG_INFINITY), json!("-Infinity"));
    }
}
