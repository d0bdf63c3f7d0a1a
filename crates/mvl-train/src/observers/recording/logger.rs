//! The observer: what of a run its recorder is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mvl_core::{
    Flow, Labels, MAX_PARAMS, MetricDetail, Metrics, ObserverError, PredictedSample, RunBegin, RunFigure, RunRecorder,
    RunStatus, StopReason, TrainingEvent, TrainingObserver,
};
use serde_json::{Value, json};

use super::courier::{RecordingCourier, RunId};
use super::entry::{Content, Entry};
use super::limits::{Params, name, tag};
use crate::observers::mlflow::MlflowRecorder;
use crate::observers::remote::{Dispatch, DispatchConfig, OnServerTrouble, now_ms, unique_id};
use crate::plots::confusion_matrix_svg;

/// How often figures of steps are recorded, when nothing else is said.
const EVERY_STEPS: usize = 10;
/// Notices that are recorded, at most.
const MAX_NOTICES: usize = 1_000;
const DISPATCH: DispatchConfig = DispatchConfig {
    capacity: 10_000,
    gather: Duration::from_secs(1),
    deadline: Duration::from_secs(60),
    delays: (Duration::from_millis(500), Duration::from_secs(30)),
};

/// Makes the recorder of each run.
type Recorders = Box<dyn FnMut() -> Result<Box<dyn RunRecorder>, ObserverError> + Send>;

/// Records a run with a tracker: this house's own, an [MLflow](https://mlflow.org) server, or a
/// [`RunRecorder`] of yours.
///
/// | kept as | is |
/// |---|---|
/// | parameters | all settings under their paths, `train.optimizer.learning_rate`; cut to 6,000 characters |
/// | metrics by step of the run | `loss`, `loss_<part>`, `learning_rate`, `gradient_norm`, `loss_scale`, every [so many steps](Self::with_every_steps) |
/// | metrics by epoch | `train_<figure>`, `valid_<figure>`, `epoch_seconds`, `samples_per_second` |
/// | artifacts | `config.json`, the [files](Self::with_file) asked for, `confusion_matrix.svg` and `.json`, `samples/epoch_<n>/`, `notices.txt`, [`checkpoints/best/`](Self::with_best_checkpoint) |
/// | status | `FINISHED`, `FAILED` (the error is the tag `mvl.error`), `KILLED` when the user stopped it |
///
/// The training step never waits for the tracker: a thread sends what a bounded queue holds. When a server is away, records are
/// kept and sent later; should too many wait, figures of single steps are thinned out, and nothing else. The run's end waits for
/// the rest, at most the [deadline](Self::with_deadline). A resumed run goes on with the same run of the tracker, whose id is this
/// observer's [state](TrainingObserver::state).
///
/// `MLFLOW_EXPERIMENT_NAME` and `MLFLOW_RUN_NAME` are read as MLflow's own clients do.
///
/// # Example
/// ```no_run
/// use mvl_train::RunLogger;
/// let logger = RunLogger::mlflow("http://127.0.0.1:5000")?
///     .with_experiment("flowers")
///     .with_run_name("resnet18, first try")
///     .with_file("runs/flowers/history.jsonl")
///     .with_file("runs/flowers/curves.svg");
/// # drop(logger); // Trainer::with_observer(logger)
/// # Ok::<(), mvl_core::ObserverError>(())
/// ```
pub struct RunLogger {
    name: &'static str,
    recorders: Recorders,
    experiment: String,
    run_name: Option<String>,
    tags: Vec<(String, String)>,
    every_steps: usize,
    files: Vec<PathBuf>,
    best_checkpoint: bool,
    dispatch: Dispatch<Entry>,
    run_id: RunId,
    /// The folder of the best checkpoint of the run under way.
    best: Option<PathBuf>,
    notices: Vec<String>,
}

impl std::fmt::Debug for RunLogger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunLogger")
            .field("name", &self.name)
            .field("experiment", &self.experiment)
            .finish_non_exhaustive()
    }
}

impl RunLogger {
    /// For an MLflow tracking server at this address, see [`MlflowRecorder`].
    ///
    /// # Errors
    /// When that is no `http://` or `https://` address. Whether a server is there shows when the run begins.
    pub fn mlflow(tracking_uri: &str) -> Result<Self, ObserverError> {
        MlflowRecorder::new(tracking_uri)?;
        let uri = tracking_uri.to_owned();
        Ok(Self::new("mlflow", move || Ok(Box::new(MlflowRecorder::new(&uri)?))))
    }

    /// For the MLflow tracking server that `MLFLOW_TRACKING_URI` names.
    ///
    /// # Errors
    /// When it is not set, or no `http://` or `https://` address.
    pub fn mlflow_from_environment() -> Result<Self, ObserverError> {
        MlflowRecorder::from_environment()?;
        Ok(Self::new("mlflow", || Ok(Box::new(MlflowRecorder::from_environment()?))))
    }

    /// For any tracker: `recorder` makes one for each run. The name is the observer's, in messages and in checkpoints.
    pub fn new(
        name: &'static str,
        recorder: impl FnMut() -> Result<Box<dyn RunRecorder>, ObserverError> + Send + 'static,
    ) -> Self {
        Self {
            name,
            recorders: Box::new(recorder),
            experiment: variable("MLFLOW_EXPERIMENT_NAME").unwrap_or_else(|| "Default".to_owned()),
            run_name: variable("MLFLOW_RUN_NAME"),
            tags: Vec::new(),
            every_steps: EVERY_STEPS,
            files: Vec::new(),
            best_checkpoint: false,
            dispatch: Dispatch::new(name, DISPATCH),
            run_id: RunId::default(),
            best: None,
            notices: Vec::new(),
        }
    }

    /// Sets the experiment that the run belongs to; it is made if there is none of this name. `Default` otherwise.
    #[must_use]
    pub fn with_experiment(mut self, name: impl Into<String>) -> Self {
        self.experiment = name.into();
        self
    }

    /// Sets the run's name; MLflow makes one up otherwise.
    #[must_use]
    pub fn with_run_name(mut self, name: impl Into<String>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    /// Records figures of every so many steps, 10 if nothing is said; 0 counts as 1.
    #[must_use]
    pub fn with_every_steps(mut self, steps: usize) -> Self {
        self.every_steps = steps.max(1);
        self
    }

    /// Records a file as an artifact, under its own name, after each epoch and at the end; while it is not there it is left out.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Whether the best checkpoint is recorded when the run ends. It may be large, and the end waits for it no longer than the
    /// [deadline](Self::with_deadline).
    #[must_use]
    pub fn with_best_checkpoint(mut self, record: bool) -> Self {
        self.best_checkpoint = record;
        self
    }

    /// Sets how long the end of the run waits for the server, 60 s if nothing is said.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.dispatch.config.deadline = deadline;
        self
    }

    /// Sets how many steps and pictures may wait for the server before they are thinned out, 10,000 if nothing is said.
    #[must_use]
    pub fn with_capacity(mut self, records: usize) -> Self {
        self.dispatch.config.capacity = records;
        self
    }

    /// Sets what happens when records are not taken; people are told, if nothing is said.
    #[must_use]
    pub fn with_on_trouble(mut self, policy: OnServerTrouble) -> Self {
        self.dispatch.reporter.policy = policy;
        self
    }

    /// Sets where notices of trouble go; standard error, if nothing is said.
    #[must_use]
    pub fn with_notices(mut self, tell: impl FnMut(&str) + Send + 'static) -> Self {
        self.dispatch.reporter.notices = Box::new(tell);
        self
    }

    /// The id of the run, once there is one.
    #[must_use]
    pub fn run_id(&self) -> Option<String> {
        self.run_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&mut self, resumed: bool, settings: &Value) -> Result<(), ObserverError> {
        self.best = None;
        self.notices.clear();
        let earlier = self.run_id().filter(|_| resumed);
        self.run_id = Arc::new(earlier.clone().into()); // checkpoints keep it, even while the server is away
        self.dispatch.open(RecordingCourier::new((self.recorders)()?, self.run_id.clone()))?;
        self.dispatch.push(Entry::Begin(RunBegin {
            experiment: self.experiment.clone(),
            run_name: self.run_name.clone(),
            tags: self.all_tags(),
            time_ms: now_ms(),
            resumed: earlier,
            start_id: unique_id(),
        }));
        let params = Params::of(settings);
        if !params.cut.is_empty() {
            let cut = params.cut.join(", ");
            self.dispatch.reporter.notice(&format!("long parameters were cut, config.json has all: {cut}"));
        }
        for some in params.list.chunks(MAX_PARAMS) {
            self.dispatch.push(Entry::Params(some.to_vec()));
        }
        self.record_text("config.json", format!("{settings:#}\n"));
        Ok(())
    }

    /// The user's tags, and those that MLflow's own clients set.
    fn all_tags(&self) -> Vec<(String, String)> {
        let program = std::env::args().next().unwrap_or_default();
        let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut tags = vec![
            ("mlflow.source.name".to_owned(), program),
            ("mlflow.source.type".to_owned(), "LOCAL".to_owned()),
            ("mvl.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        tags.extend(variable("USER").map(|user| ("mlflow.user".to_owned(), user)));
        tags.retain(|(known, _)| self.tags.iter().all(|(own, _)| own != known));
        tags.extend(self.tags.iter().map(|(name_, value)| (name(name_), tag(value))));
        tags
    }

    fn record(&self, path: impl Into<String>, content: Content) {
        self.dispatch.push(Entry::Artifact { path: path.into(), content });
    }

    fn record_text(&self, path: impl Into<String>, text: String) {
        self.record(path, Content::Bytes(Bytes::from(text)));
    }

    fn record_files(&self) {
        for file in &self.files {
            if let Some(name) = file.file_name() {
                self.record(name.to_string_lossy(), Content::File(file.clone()));
            }
        }
    }

    fn step(&self, event: &TrainingEvent<'_>) {
        let TrainingEvent::StepFinished { global_step, loss, parts, learning_rate, gradient_norm, loss_scale, .. } =
            *event
        else {
            return;
        };
        if !global_step.is_multiple_of(self.every_steps) {
            return;
        }
        let time_ms = now_ms();
        let figure = |name: String, value| RunFigure { name, value, time_ms, step: global_step };
        let always = [("loss", Some(loss)), ("learning_rate", Some(learning_rate))];
        let sometimes = [("gradient_norm", gradient_norm), ("loss_scale", loss_scale)];
        let named = always.into_iter().chain(sometimes);
        let mut metrics: Vec<_> = named.filter_map(|(name, value)| Some(figure(name.to_owned(), value?))).collect();
        metrics.extend(parts.iter().map(|&(part, value)| figure(name(&format!("loss_{part}")), value)));
        self.dispatch.push(Entry::Figures { metrics, of_step: true });
    }

    fn epoch(&self, event: &TrainingEvent<'_>) {
        let TrainingEvent::EpochFinished { epoch, train, valid, samples, train_time, time, .. } = *event else {
            return;
        };
        let time_ms = now_ms();
        let figure = |name: String, value| RunFigure { name, value, time_ms, step: epoch };
        let all = |pass: &str, metrics: &Metrics| -> Vec<RunFigure> {
            metrics.iter().map(|(known, value)| figure(name(&format!("{pass}_{known}")), value)).collect()
        };
        let mut metrics = all("train", train);
        metrics.extend(valid.into_iter().flat_map(|valid| all("valid", valid)));
        metrics.push(figure("epoch_seconds".to_owned(), time.as_secs_f64()));
        if !train_time.is_zero() {
            metrics.push(figure("samples_per_second".to_owned(), samples as f64 / train_time.as_secs_f64()));
        }
        self.dispatch.push(Entry::Figures { metrics, of_step: false });
        self.record_files();
    }

    fn details(&self, details: &[MetricDetail]) {
        for detail in details {
            if let MetricDetail::ConfusionMatrix { labels, matrix } = detail {
                let svg = confusion_matrix_svg(matrix, &Labels::new(labels.iter().cloned()), "Validation");
                self.record_text("confusion_matrix.svg", svg);
                let classes = matrix.classes();
                let rows =
                    (0..classes).map(|truth| (0..classes).map(|got| matrix.count(truth, got)).collect::<Vec<_>>());
                let counts = json!({"labels": labels, "counts": rows.collect::<Vec<_>>()});
                self.record_text("confusion_matrix.json", counts.to_string());
            }
        }
    }

    fn samples(&self, epoch: usize, samples: &[PredictedSample]) {
        let folder = format!("samples/epoch_{epoch:04}");
        let mut table = Vec::new();
        for (number, sample) in samples.iter().enumerate() {
            let file = format!("{number:03}.png");
            self.record(format!("{folder}/{file}"), Content::Picture(sample.image.clone()));
            let PredictedSample { truth, prediction, right, .. } = sample;
            table.push(json!({"file": file, "truth": truth, "prediction": prediction, "right": right}));
        }
        self.record_text(format!("{folder}/predictions.json"), format!("{:#}\n", Value::from(table)));
    }

    fn record_best(&mut self) {
        let Some(folder) = &self.best else { return };
        match fs::read_dir(folder) {
            Ok(files) => {
                for file in files.flatten().filter(|file| file.file_type().is_ok_and(|kind| kind.is_file())) {
                    let path = format!("checkpoints/best/{}", file.file_name().to_string_lossy());
                    self.record(path, Content::File(file.path()));
                }
            }
            Err(error) => {
                let notice = format!("the best checkpoint is not recorded: cannot list {}: {error}", folder.display());
                self.dispatch.reporter.notice(&notice);
            }
        }
    }

    /// Everything that is recorded last, however the run ended.
    fn end(&mut self, status: RunStatus, end_tags: &[(&str, String)]) -> Result<(), ObserverError> {
        if !self.dispatch.is_open() {
            return Ok(());
        }
        let tags: Vec<_> = end_tags.iter().map(|(name, value)| ((*name).to_owned(), tag(value))).collect();
        if !tags.is_empty() {
            self.dispatch.push(Entry::Tags(tags));
        }
        self.record_files();
        if !self.notices.is_empty() {
            self.record_text("notices.txt", self.notices.join("\n") + "\n");
        }
        if self.best_checkpoint {
            self.record_best();
        }
        self.dispatch.push(Entry::End { status, time_ms: now_ms() });
        self.dispatch.close()
    }
}

impl TrainingObserver for RunLogger {
    fn name(&self) -> &str {
        self.name
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { start_epoch, start_step, settings, .. } => {
                self.begin(start_epoch > 0 || start_step > 0, settings)?;
            }
            TrainingEvent::StepFinished { .. } => self.step(event),
            TrainingEvent::EpochFinished { .. } => self.epoch(event),
            TrainingEvent::ValidationFinished { details, .. } => self.details(details),
            TrainingEvent::SamplesPredicted { epoch, samples } => self.samples(epoch, samples),
            TrainingEvent::CheckpointSaved { path, best: true, .. } => self.best = Some(path.to_owned()),
            TrainingEvent::Notice { message } if self.notices.len() < MAX_NOTICES => {
                self.notices.push(message.to_owned());
            }
            TrainingEvent::RunFinished { reason, .. } => {
                let status = if *reason == StopReason::Interrupted { RunStatus::Killed } else { RunStatus::Finished };
                let why = json!(reason).to_string();
                self.end(status, &[("mvl.stop_reason", why)])?;
            }
            TrainingEvent::RunFailed { error } => self.end(RunStatus::Failed, &[("mvl.error", error.to_owned())])?,
            _ => {}
        }
        self.dispatch.settle()?;
        Ok(Flow::Continue)
    }

    fn state(&self) -> Option<Value> {
        self.run_id().map(|id| json!({"run_id": id}))
    }

    fn restore(&mut self, state: &Value) -> Result<(), ObserverError> {
        let id =
            state["run_id"].as_str().ok_or_else(|| ObserverError::new(format!("expected a run_id, got {state}")))?;
        self.run_id = Arc::new(Some(id.to_owned()).into());
        Ok(())
    }
}

impl Drop for RunLogger {
    /// A run that ended in no ordinary way, such as a panic, has failed.
    fn drop(&mut self) {
        if let Err(error) = self.end(RunStatus::Failed, &[("mvl.error", "the run was broken off".to_owned())]) {
            self.dispatch.reporter.notice(&error.to_string());
        }
    }
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
