//! `[observers]`: who watches a run, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::switch::{Switch, switch};

/// The observers of a run beside its history and curves; all are off unless the recipe asks for them.
///
/// Each key with options takes `true` as well, for the options that are usual. Secrets are never written here: see
/// [`MlflowOptions`] and [`WebhookOptions`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObserversConfig {
    /// Each epoch as a row of `metrics.csv`.
    pub csv: bool,
    /// Which class is taken for which, as `confusion_matrix.svg`, `.json` and `.csv`.
    pub confusion_matrix: bool,
    /// Fills the terminal, in place of the progress bar; feature `dashboard`.
    pub dashboard: bool,
    /// Scalars, pictures, histograms and settings in `tensorboard/`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub tensorboard: Option<TensorBoardOptions>,
    /// Speeds in `throughput.jsonl`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub throughput: Option<ThroughputOptions>,
    /// Learning rates and norms of gradients in `learning_rate.csv` and `.svg`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<LearningRateOptions>,
    /// Samples with what was predicted for them in `samples/`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub predicted_samples: Option<PredictedSamplesOptions>,
    /// Ends a run whose numbers are none any more.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub nan_guard: Option<NanGuardOptions>,
    /// Shows figures to Prometheus; feature `remote`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusOptions>,
    /// Records the run on an MLflow server; feature `remote`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub mlflow: Option<MlflowOptions>,
    /// Posts messages to a chat or a program; feature `remote`.
    #[serde(deserialize_with = "switch", skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookOptions>,
}

/// `observers.tensorboard`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TensorBoardOptions {
    /// Steps between scalars; 1.
    pub every_steps: usize,
}

/// `observers.throughput`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThroughputOptions {
    /// Steps between lines, 0 for none but those of epochs; 100.
    pub every_steps: usize,
}

/// `observers.learning_rate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearningRateOptions {
    /// Steps between rows; 1.
    pub every_steps: usize,
}

/// `observers.predicted_samples`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PredictedSamplesOptions {
    /// How many samples, 16; more where `train.watch.predicted_samples` asks for more.
    pub count: usize,
    /// Epochs between pictures; 1.
    pub every_epochs: usize,
}

/// `observers.nan_guard`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NanGuardOptions {
    /// Bad steps in a row that end the run; 1.
    pub patience: usize,
    /// A loss so many times its median is bad as well; not looked for when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explosion: Option<f64>,
    /// Figures of validation that must be numbers; `loss`.
    pub figures: Vec<String>,
    /// Whether the run fails, where it is stopped otherwise.
    pub fail: bool,
}

/// `observers.prometheus`; an address alone may be written in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrometheusOptions {
    /// Where to listen; `127.0.0.1:9464`.
    pub address: String,
    /// Seconds to wait for a last visit when the run has ended; 0.
    pub linger_seconds: f64,
}

/// `observers.mlflow`. Who we are comes from the environment: `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`, or
/// `MLFLOW_TRACKING_TOKEN`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlflowOptions {
    /// The server's address; `MLFLOW_TRACKING_URI` when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The experiment; `MLFLOW_EXPERIMENT_NAME` or `Default` when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// The run's name; `MLFLOW_RUN_NAME` when it is left out, or one that MLflow makes up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// Tags of the run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Steps between figures; 10.
    pub every_steps: usize,
    /// Whether the best checkpoint is recorded at the end.
    pub best_checkpoint: bool,
    /// What to do when the server takes nothing.
    pub on_trouble: OnTrouble,
}

/// `observers.webhook`. `MVL_WEBHOOK_SECRET` signs messages, `MVL_WEBHOOK_AUTHORIZATION` is sent as the header `Authorization`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookOptions {
    /// Where to post; `MVL_WEBHOOK_URL` when it is left out, which is the place for an address that is a secret itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What is told: `run_started`, `epoch_finished`, `best_checkpoint`, `notice`, `run_finished`, `run_failed`; all but the second
    /// and third when it is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// How messages are written.
    pub format: MessageFormat,
    /// What messages call the run; the name of its folder when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// What to do when messages are not taken.
    pub on_trouble: OnTrouble,
}

/// How messages are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum MessageFormat {
    /// Fields, for programs.
    #[default]
    Json,
    /// A sentence, as Slack, Mattermost and Teams take it.
    Slack,
    /// A sentence, as Discord takes it.
    Discord,
    /// A sentence in a field of this name: `{ text = "message" }`.
    Text(String),
}

/// What to do when a server takes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTrouble {
    /// Tell and go on.
    #[default]
    Notice,
    /// Fail; `train.on_observer_error` says whether the run ends then.
    Error,
}

impl Default for TensorBoardOptions {
    fn default() -> Self {
        Self { every_steps: 1 }
    }
}

impl Default for ThroughputOptions {
    fn default() -> Self {
        Self { every_steps: 100 }
    }
}

impl Default for LearningRateOptions {
    fn default() -> Self {
        Self { every_steps: 1 }
    }
}

impl Default for PredictedSamplesOptions {
    fn default() -> Self {
        Self { count: 16, every_epochs: 1 }
    }
}

impl Default for NanGuardOptions {
    fn default() -> Self {
        Self { patience: 1, explosion: None, figures: vec!["loss".to_owned()], fail: false }
    }
}

impl Default for PrometheusOptions {
    fn default() -> Self {
        Self { address: "127.0.0.1:9464".to_owned(), linger_seconds: 0.0 }
    }
}

impl Default for MlflowOptions {
    fn default() -> Self {
        Self {
            uri: None,
            experiment: None,
            run_name: None,
            tags: BTreeMap::new(),
            every_steps: 10,
            best_checkpoint: false,
            on_trouble: OnTrouble::default(),
        }
    }
}

impl Switch for TensorBoardOptions {}
impl Switch for ThroughputOptions {}
impl Switch for LearningRateOptions {}
impl Switch for PredictedSamplesOptions {}
impl Switch for NanGuardOptions {}
impl Switch for MlflowOptions {}
impl Switch for WebhookOptions {}

impl Switch for PrometheusOptions {
    const EXPECTED: &'static str = "true, false, an address or a table of options";

    fn from_word(word: &str) -> Option<Self> {
        Some(Self { address: word.to_owned(), ..Self::default() })
    }
}

impl MlflowOptions {
    /// The server's address.
    pub(crate) fn address(&self) -> Option<String> {
        self.uri.clone().or_else(|| variable("MLFLOW_TRACKING_URI"))
    }
}

impl WebhookOptions {
    /// Where to post.
    pub(crate) fn address(&self) -> Option<String> {
        self.url.clone().or_else(|| variable("MVL_WEBHOOK_URL"))
    }
}

/// A variable of the environment that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl ObserversConfig {
    /// Everything that is wrong, each with its key; empty when all of them can be made.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let counts = [
            ("tensorboard.every_steps", self.tensorboard.as_ref().map(|options| options.every_steps)),
            ("learning_rate.every_steps", self.learning_rate.as_ref().map(|options| options.every_steps)),
            ("predicted_samples.count", self.predicted_samples.as_ref().map(|options| options.count)),
            ("predicted_samples.every_epochs", self.predicted_samples.as_ref().map(|options| options.every_epochs)),
            ("nan_guard.patience", self.nan_guard.as_ref().map(|options| options.patience)),
            ("mlflow.every_steps", self.mlflow.as_ref().map(|options| options.every_steps)),
        ];
        let zero = |&(key, count): &(&str, Option<usize>)| {
            (count == Some(0)).then(|| format!("{key}: expected at least 1, got 0"))
        };
        problems.extend(counts.iter().filter_map(zero));
        if let Some(ratio) = self.nan_guard.as_ref().and_then(|guard| guard.explosion)
            && !(ratio > 1.0 && ratio.is_finite())
        {
            problems.push(format!("nan_guard.explosion: expected a number above 1, got {ratio}"));
        }
        if self.dashboard && !cfg!(feature = "dashboard") {
            problems.push(not_built("dashboard", "no dashboard", "dashboard"));
        }
        problems.extend(self.prometheus.iter().flat_map(prometheus_problems));
        problems.extend(self.mlflow.iter().flat_map(mlflow_problems));
        problems.extend(self.webhook.iter().flat_map(webhook_problems));
        problems
    }
}

fn not_built(key: &str, what: &str, feature: &str) -> String {
    format!("{key}: this build has {what}: build with `cargo build --release --features {feature}`, or leave it out")
}

/// What an observer that talks to servers needs.
fn no_remote(key: &str) -> Option<Vec<String>> {
    (!cfg!(feature = "remote")).then(|| vec![not_built(key, "no observers that talk to servers", "remote")])
}

fn prometheus_problems(options: &PrometheusOptions) -> Vec<String> {
    if let Some(problem) = no_remote("prometheus") {
        return problem;
    }
    let (mut problems, address) = (Vec::new(), &options.address);
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) {
        problems.push(format!("prometheus.address: expected an address such as 127.0.0.1:9464, got {address:?}"));
    }
    let seconds = options.linger_seconds;
    if std::time::Duration::try_from_secs_f64(seconds).is_err() {
        problems.push(format!("prometheus.linger_seconds: expected 0 or more, got {seconds}"));
    }
    problems
}

fn mlflow_problems(options: &MlflowOptions) -> Vec<String> {
    if let Some(problem) = no_remote("mlflow") {
        return problem;
    }
    let Some(address) = options.address() else {
        return vec!["mlflow.uri: expected the server's address, here or in MLFLOW_TRACKING_URI".to_owned()];
    };
    if options.uri.as_deref().is_some_and(names_a_user) {
        let instead = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD";
        return vec![format!("mlflow.uri: user and password do not belong in a recipe, they come from {instead}")];
    }
    check_address("mlflow.uri", address)
}

fn webhook_problems(options: &WebhookOptions) -> Vec<String> {
    if let Some(problem) = no_remote("webhook") {
        return problem;
    }
    let mut problems = match options.address() {
        None => vec!["webhook.url: expected an address, here or in MVL_WEBHOOK_URL".to_owned()],
        Some(_) if options.url.as_deref().is_some_and(names_a_user) => {
            vec!["webhook.url: user and password do not belong in a recipe, use MVL_WEBHOOK_URL".to_owned()]
        }
        Some(address) => check_address("webhook.url", address),
    };
    for (place, event) in options.events.iter().enumerate() {
        problems.extend(event_problem(event).map(|problem| format!("webhook.events[{place}]: {problem}")));
    }
    problems
}

/// Whether an address has a user, and so perhaps a password, before its host.
fn names_a_user(address: &str) -> bool {
    let authority = address.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// An address that is no server's. It may be a secret, so it is not repeated.
fn check_address(key: &str, address: String) -> Vec<String> {
    let is_server = ["http://", "https://"].iter().any(|scheme| {
        address.strip_prefix(scheme).is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty())
    });
    if is_server { Vec::new() } else { vec![format!("{key}: expected an http:// or https:// address")] }
}

/// The event of this name.
#[cfg(feature = "remote")]
pub(crate) fn event_by_name(name: &str) -> Result<mvl::train::WebhookEvent, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

/// What is wrong with the name of an event.
#[cfg(feature = "remote")]
fn event_problem(name: &str) -> Option<String> {
    event_by_name(name).err()
}

/// A build without webhooks has said so already.
#[cfg(not(feature = "remote"))]
fn event_problem(_name: &str) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ObserversConfig {
        toml::from_str(text).expect("well formed")
    }

    const ALL: &str = r#"
        csv = true
        tensorboard = { every_steps = 10 }
        throughput = true
        learning_rate = true
        confusion_matrix = true
        predicted_samples = { count = 8 }
        nan_guard = { patience = 2, explosion = 10.0 }
        dashboard = false
        prometheus = "127.0.0.1:9000"
        mlflow = { uri = "http://127.0.0.1:5000", experiment = "photos", tags = { team = "a" } }
        webhook = { url = "https://example.com/hook", events = ["run_finished"], format = { text = "message" } }
    "#;

    #[test]
    fn everything_is_read_and_comes_back_as_written() {
        let config = read(ALL);
        assert_eq!(config.tensorboard, Some(TensorBoardOptions { every_steps: 10 }));
        assert_eq!(config.throughput, Some(ThroughputOptions { every_steps: 100 }));
        assert_eq!(config.predicted_samples, Some(PredictedSamplesOptions { count: 8, every_epochs: 1 }));
        assert_eq!(config.prometheus.as_ref().map(|options| options.address.as_str()), Some("127.0.0.1:9000"));
        let written = toml::to_string(&config).expect("plain data");
        assert_eq!(read(&written), config, "{written}");
        assert_eq!(read(""), ObserversConfig::default());
        if cfg!(feature = "remote") {
            assert_eq!(config.problems(), [""; 0]);
        }
    }

    #[test]
    #[cfg(feature = "remote")]
    fn every_problem_is_listed_at_once() {
        let config = read(
            r#"
            tensorboard = { every_steps = 0 }
            predicted_samples = { count = 0, every_epochs = 0 }
            nan_guard = { patience = 0, explosion = 0.5 }
            prometheus = { address = "9464", linger_seconds = -1.0 }
            mlflow = { uri = "http://me:secret@host/" }
            webhook = { url = "mailto:me", events = ["run_finished", "run_finnished"] }
            "#,
        );
        let problems = config.problems();
        let expected = [
            "tensorboard.every_steps: expected at least 1, got 0",
            "predicted_samples.count: expected at least 1, got 0",
            "predicted_samples.every_epochs: expected at least 1, got 0",
            "nan_guard.patience: expected at least 1, got 0",
            "nan_guard.explosion: expected a number above 1, got 0.5",
            "prometheus.address: expected an address such as 127.0.0.1:9464, got \"9464\"",
            "prometheus.linger_seconds: expected 0 or more, got -1",
            "mlflow.uri: user and password do not belong in a recipe, they come from MLFLOW_TRACKING_USERNAME and \
             MLFLOW_TRACKING_PASSWORD",
            "webhook.url: expected an http:// or https:// address",
            "webhook.events[1]: unknown variant `run_finnished`, expected one of `run_started`",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem}");
        }
        assert!(!problems.concat().contains("secret"));
    }

    #[test]
    #[cfg(not(feature = "remote"))]
    fn what_is_not_built_in_is_a_problem() {
        let problems = read(ALL).problems();
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].starts_with("prometheus: this build has no observers that talk to servers: build with"));
    }
}
