//! Runs that a tracking server holds, to bring them elsewhere.

use std::io::Write;
use std::time::Duration;

use mvl_core::{ObserverError, RecordFailure, RecordFailureKind};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::address::{self, Credentials};
use super::client::MlflowClient;

/// How long one request may take, downloads of files apart.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a request is made that fails in a way that may pass, and the first pause; each is twice the one before.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(300);
/// Experiments and runs on one page.
const PAGE: u32 = 200;
/// Points of a metric on one page.
const POINTS: u32 = 20_000;
/// Pages of anything, files of a run, and how deep they may lie, before a server is taken for one that means harm.
const MAX_PAGES: usize = 100_000;
const MAX_FILES: usize = 100_000;
const MAX_DEPTH: usize = 64;

/// Reads what an MLflow tracking server holds: experiments, runs, all points of their metrics, files.
///
/// Who we are is read from the variables that MLflow's own clients read. Not read: data sets, logged models, traces, the registry.
#[derive(Debug)]
pub struct MlflowReader {
    client: MlflowClient,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowExperiment {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// A run, without the points of its metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowRun {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who started it.
    pub user: String,
    /// How it is, in MLflow's words.
    pub status: String,
    /// When it began, in milliseconds since 1970.
    pub start_time: Option<i64>,
    /// When it ended.
    pub end_time: Option<i64>,
    /// Settings.
    pub params: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// The names of its metrics.
    pub metrics: Vec<String>,
}

/// A point of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MlflowPoint {
    /// The step.
    pub step: i64,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// The value, which may be infinite or no number.
    pub value: f64,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowFile {
    /// Its path below the run, as the server says it; it is not checked here.
    pub path: String,
    /// Its size in bytes, as the server says.
    pub bytes: u64,
}

/// A page of a metric's points. Values are kept as they are written: serde_json's own reading of numbers may miss the last digit.
#[derive(Deserialize)]
struct History<'a> {
    #[serde(default, borrow)]
    metrics: Vec<RawPoint<'a>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct RawPoint<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    timestamp: Value,
    #[serde(default)]
    step: Value,
}

impl RawPoint<'_> {
    fn read(&self) -> Option<MlflowPoint> {
        let text = self.value.map_or("0", RawValue::get).trim_matches('"'); // proto3 leaves zeros out, and has words for what is no number
        let number = |value: &Value| whole(value).unwrap_or(0);
        Some(MlflowPoint { step: number(&self.step), time_ms: number(&self.timestamp), value: text.parse().ok()? })
    }
}

impl MlflowReader {
    /// For the server at this address.
    ///
    /// # Errors
    /// When that is no `http://` or `https://` address.
    pub fn new(tracking_uri: &str) -> Result<Self, ObserverError> {
        let root = address::parse(tracking_uri)?;
        Ok(Self { client: MlflowClient::new(root, Credentials::from_environment(), TIMEOUT)? })
    }

    /// Scheme, host and port of the server.
    pub fn server(&self) -> &str {
        self.client.server()
    }

    /// The experiments that are not deleted.
    ///
    /// # Errors
    /// When the server does not answer, or with something else.
    pub fn experiments(&self) -> Result<Vec<MlflowExperiment>, RecordFailure> {
        let read = |experiment: &Value| {
            let (id, name) = (text(experiment, "experiment_id")?, text(experiment, "name")?);
            Some(MlflowExperiment { id, name, tags: pairs(&experiment["tags"]) })
        };
        self.pages("experiments/search", json!({"max_results": PAGE}), "experiments", read)
    }

    /// The runs of an experiment that are not deleted, the oldest first.
    ///
    /// # Errors
    /// As for [`experiments`](Self::experiments).
    pub fn runs(&self, experiment_id: &str) -> Result<Vec<MlflowRun>, RecordFailure> {
        let query =
            json!({"experiment_ids": [experiment_id], "max_results": PAGE, "order_by": ["attributes.start_time ASC"]});
        self.pages("runs/search", query, "runs", |run| {
            let (info, data) = (&run["info"], &run["data"]);
            let mut metrics: Vec<String> =
                data["metrics"].as_array().into_iter().flatten().filter_map(|metric| text(metric, "key")).collect();
            metrics.sort();
            metrics.dedup();
            Some(MlflowRun {
                id: text(info, "run_id")?,
                name: text(info, "run_name").unwrap_or_default(),
                user: text(info, "user_id").unwrap_or_default(),
                status: text(info, "status").unwrap_or_else(|| "FINISHED".to_owned()),
                start_time: whole(&info["start_time"]),
                end_time: whole(&info["end_time"]),
                params: pairs(&data["params"]),
                tags: pairs(&data["tags"]),
                metrics,
            })
        })
    }

    /// All points of a metric of a run.
    ///
    /// # Errors
    /// As for [`experiments`](Self::experiments).
    pub fn history(&self, run_id: &str, metric: &str) -> Result<Vec<MlflowPoint>, RecordFailure> {
        let (mut points, mut token) = (Vec::new(), String::new());
        let most = POINTS.to_string();
        for _ in 0..MAX_PAGES {
            let mut query = vec![("run_id", run_id), ("metric_key", metric), ("max_results", &most)];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let answer = patiently(|| self.client.text_of("metrics/get-history", &query))?;
            let page: History<'_> =
                serde_json::from_slice(&answer).map_err(|_| self.client.strange("no history of a metric"))?;
            for point in page.metrics {
                points.push(point.read().ok_or_else(|| self.client.strange("a metric that is no number"))?);
            }
            match page.next_page_token.filter(|next| !next.is_empty() && *next != token) {
                Some(next) => token = next,
                None => return Ok(points),
            }
        }
        Err(self.client.strange("pages without end"))
    }

    /// The files of a run.
    ///
    /// # Errors
    /// As for [`experiments`](Self::experiments).
    pub fn files(&self, run_id: &str) -> Result<Vec<MlflowFile>, RecordFailure> {
        let (mut files, mut folders) = (Vec::new(), vec![(String::new(), 0)]);
        while let Some((folder, depth)) = folders.pop() {
            let mut query = vec![("run_id", run_id)];
            if !folder.is_empty() {
                query.push(("path", &folder));
            }
            let answer = patiently(|| self.client.get_with("artifacts/list", &query))?;
            for found in answer["files"].as_array().into_iter().flatten() {
                let path = text(found, "path").ok_or_else(|| self.client.strange("a file without path"))?;
                if found["is_dir"].as_bool().unwrap_or(false) {
                    folders.push((path, depth + 1));
                } else {
                    let bytes = whole(&found["file_size"]).and_then(|bytes| bytes.try_into().ok()).unwrap_or(0);
                    files.push(MlflowFile { path, bytes });
                }
            }
            if depth > MAX_DEPTH || files.len() + folders.len() > MAX_FILES {
                return Err(self.client.strange("files without end"));
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Sends a file of a run to a writer, which must be begun anew after a failure. More bytes than the server said there are is a failure.
    ///
    /// # Errors
    /// As for [`experiments`](Self::experiments), and when the writer fails.
    pub fn download(&self, run_id: &str, file: &MlflowFile, to: &mut dyn Write) -> Result<u64, RecordFailure> {
        self.client.download(run_id, &file.path, file.bytes, to)
    }

    /// All items of a search, over all its pages.
    fn pages<T>(
        &self,
        call: &str,
        mut query: Value,
        items: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, RecordFailure> {
        let (mut found, mut token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let answer = patiently(|| self.client.post(call, query.clone()))?;
            for item in answer[items].as_array().into_iter().flatten() {
                found.push(read(item).ok_or_else(|| self.client.strange("something without its id"))?);
            }
            match next_token(&answer, &token) {
                Some(next) => token = next,
                None => return Ok(found),
            }
            query["page_token"] = json!(token);
        }
        Err(self.client.strange("pages without end"))
    }
}

/// Asks again what fails in a way that may pass; reading twice is reading once.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, RecordFailure>) -> Result<T, RecordFailure> {
    let mut attempt = 1;
    loop {
        match ask() {
            Err(failure) if failure.kind == RecordFailureKind::Passing && attempt < ATTEMPTS => {
                std::thread::sleep(failure.retry_after.unwrap_or(PAUSE * 2_u32.pow(attempt - 1)));
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

/// The token of the next page, if there is one.
fn next_token(answer: &Value, token: &str) -> Option<String> {
    text(answer, "next_page_token").filter(|next| !next.is_empty() && next != token)
}

fn text(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(ToOwned::to_owned)
}

/// A whole number, which JSON of protocol buffers may carry as text.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn pairs(list: &Value) -> Vec<(String, String)> {
    let pair = |pair: &Value| Some((text(pair, "key")?, text(pair, "value").unwrap_or_default()));
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}
