//! A run as one line of JSON, to keep elsewhere or to bring along.

use std::collections::{BTreeMap, BTreeSet};

use mvl_store::Digest;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Workspace;
use crate::{ArtifactOwner, Batch, Metric, NewRun, Param, Result, RunSearch, RunStatus, RunUpdate, Tag, TrackError};

/// The version of the form.
const VERSION: u32 = 1;
/// The tags of a run that was brought here: where from, and what finds it again.
const ORIGIN_TAG: &str = "mvl.imported_from";
const IMPORT_KEY_TAG: &str = "mvl.import_key";
/// Metrics in one batch at most.
const METRICS: usize = 1_000;
/// Parameters and tags in one batch at most.
const PAIRS: usize = 100;

/// A run with everything that was logged but the content of its files, which are named by digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortableRun {
    /// The version of this form.
    pub version: u32,
    /// Its id where it was recorded.
    pub run_id: String,
    /// Its experiment's name.
    pub experiment: String,
    /// Its name.
    pub name: String,
    /// Who started it.
    #[serde(default)]
    pub user_id: String,
    /// How it is, in MLflow's words.
    pub status: String,
    /// When it began, in milliseconds since 1970.
    pub start_time: Option<i64>,
    /// When it ended.
    pub end_time: Option<i64>,
    /// Settings.
    pub params: BTreeMap<String, String>,
    /// Notes.
    pub tags: BTreeMap<String, String>,
    /// All points of each metric.
    pub metrics: BTreeMap<String, Vec<PortablePoint>>,
    /// Files: paths, digests and sizes.
    #[serde(default)]
    pub files: Vec<PortableFile>,
}

/// A point of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortablePoint {
    /// The step.
    pub step: i64,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The value; `"NaN"`, `"Infinity"` or `"-Infinity"` where JSON has no number for it.
    pub value: PortableValue,
}

/// A number, or a word for what is none. From JSON it is read to its last digit, which serde_json's own reading of numbers may miss; so
/// it can be read from text only, not from a tree of values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PortableValue {
    /// A finite number.
    Number(f64),
    /// Another.
    Word(String),
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortableFile {
    /// Its path below the run.
    pub path: String,
    /// Its content.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl<'de> Deserialize<'de> for PortableValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if text.get().starts_with('"') {
            return serde_json::from_str(text.get()).map(Self::Word).map_err(D::Error::custom);
        }
        text.get().parse().map(Self::Number).map_err(D::Error::custom)
    }
}

impl From<f64> for PortableValue {
    fn from(value: f64) -> Self {
        match value {
            value if value.is_nan() => Self::Word("NaN".to_owned()),
            value if value.is_infinite() => Self::Word(if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()),
            value => Self::Number(value),
        }
    }
}

impl PortableValue {
    fn number(&self) -> Result<f64> {
        match self {
            Self::Number(value) => Ok(*value),
            Self::Word(word) => match word.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(TrackError::invalid(format!("expected a number, NaN or Infinity, got {word:?}"))),
            },
        }
    }
}

impl Workspace {
    /// Everything about a run.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn export_run(&self, run_id: &str) -> Result<PortableRun> {
        let run = self.tracker.get_run(run_id).await?;
        let experiment = self.tracker.get_experiment(&run.info.experiment_id).await?;
        let mut metrics = BTreeMap::new();
        for key in run.data.metrics.iter().map(|metric| metric.key.clone()).collect::<BTreeSet<_>>() {
            let history = self.tracker.metric_history(run_id, &key, None, None).await?;
            let point = |metric: Metric| PortablePoint {
                step: metric.step,
                time: metric.timestamp,
                value: metric.value.into(),
            };
            metrics.insert(key, history.items.into_iter().map(point).collect());
        }
        let files = self.artifacts_below(&ArtifactOwner::Run(run_id.to_owned()), "").await?;
        let file = |file: crate::Artifact| PortableFile {
            path: file.path,
            digest: file.digest.map(|digest| digest.to_string()).unwrap_or_default(),
            bytes: file.bytes,
        };
        Ok(PortableRun {
            version: VERSION,
            run_id: run.info.run_id,
            experiment: experiment.name,
            name: run.info.run_name,
            user_id: run.info.user_id,
            status: run.info.status.as_str().to_owned(),
            start_time: run.info.start_time,
            end_time: run.info.end_time,
            params: run.data.params.into_iter().map(|param| (param.key, param.value)).collect(),
            tags: run.data.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            metrics,
            files: files.into_iter().map(file).collect(),
        })
    }

    /// Records a run that was exported, under a new id, which is answered. Its files are not brought along.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) when it is no run.
    pub async fn import_run(&self, run: &PortableRun) -> Result<String> {
        let points = run.points()?;
        let id = self.begin_import(run, &[]).await?;
        self.fill_import(&id, run, &points).await?;
        Ok(id)
    }

    /// Records a run of another tracker, whose name `origin` is. A run that was brought from there before is gone on with, so that doing
    /// it twice comes to the same as doing it once, also where the first time was broken off. Its files are not brought along.
    ///
    /// # Errors
    /// As for [`import_run`](Self::import_run).
    pub async fn import_run_once(&self, run: &PortableRun, origin: &str) -> Result<String> {
        let points = run.points()?;
        let key = Digest::of(format!("{origin}\n{}", run.run_id).as_bytes()).to_hex();
        let experiment = self.experiment(&run.experiment).await?;
        let filter = format!("tags.`{IMPORT_KEY_TAG}` = '{key}'");
        let search = RunSearch { max_results: 1, ..RunSearch::of([experiment]).filter(filter) };
        let known = self.tracker.search_runs(&search).await?.items.into_iter().next();
        let id = match known {
            Some(known) => known.info.run_id,
            None => {
                let origin = Tag::new(ORIGIN_TAG, origin);
                self.begin_import(run, &[origin, Tag::new(IMPORT_KEY_TAG, key)]).await?
            }
        };
        self.fill_import(&id, run, &points).await?;
        Ok(id)
    }

    async fn begin_import(&self, run: &PortableRun, tags: &[Tag]) -> Result<String> {
        let new = NewRun {
            experiment_id: self.experiment(&run.experiment).await?,
            user_id: run.user_id.clone(),
            run_name: Some(run.name.clone()).filter(|name| !name.is_empty()),
            start_time: run.start_time,
            tags: [&[Tag::new("mvl.imported", &run.run_id)], tags].concat(),
        };
        Ok(self.tracker.create_run(new).await?.info.run_id)
    }

    async fn fill_import(&self, id: &str, run: &PortableRun, points: &[Metric]) -> Result<()> {
        let tags: Vec<Tag> = run.tags.iter().map(|(key, value)| Tag::new(key, value)).collect();
        for tags in tags.chunks(PAIRS) {
            self.tracker.log_batch(id, &Batch { tags: tags.to_vec(), ..Batch::default() }).await?;
        }
        let params: Vec<Param> = run.params.iter().map(|(key, value)| Param::new(key, value)).collect();
        for params in params.chunks(PAIRS) {
            self.tracker.log_batch(id, &Batch { params: params.to_vec(), ..Batch::default() }).await?;
        }
        for metrics in points.chunks(METRICS) {
            self.tracker.log_batch(id, &Batch { metrics: metrics.to_vec(), ..Batch::default() }).await?;
        }
        let status: RunStatus = run.status.parse()?;
        let ended = RunUpdate { status: Some(status), end_time: run.end_time, run_name: None };
        self.tracker.update_run(id, &ended).await.map(drop)
    }
}

impl PortableRun {
    /// All points of all metrics; everything about the run is checked before the first is recorded.
    fn points(&self) -> Result<Vec<Metric>> {
        if self.version != VERSION {
            let what = format!("expected a run in form {VERSION}, got {}: update mvl", self.version);
            return Err(TrackError::invalid(what));
        }
        self.status.parse::<RunStatus>()?;
        let mut points = Vec::new();
        for (key, history) in &self.metrics {
            for point in history {
                points.push(Metric::new(key.as_str(), point.value.number()?, point.time, point.step));
            }
        }
        Ok(points)
    }

    /// A run without anything, to be filled by whoever reads it from elsewhere.
    #[must_use]
    pub fn empty(run_id: impl Into<String>, experiment: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            run_id: run_id.into(),
            experiment: experiment.into(),
            name: name.into(),
            user_id: String::new(),
            status: RunStatus::Finished.as_str().to_owned(),
            start_time: None,
            end_time: None,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            metrics: BTreeMap::new(),
            files: Vec::new(),
        }
    }
}
