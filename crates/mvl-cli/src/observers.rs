//! Makes the observers that a run's config asks for.

use anyhow::Context;
use mvl::core::TrainingObserver;
use mvl::train::{
    ConfusionMatrixPlot, CsvLog, Curves, History, LearningRateMonitor, NanGuard, ProgressBar, SamplePredictions,
    TensorBoard, Throughput, TrainConfig,
};
use serde_json::{Value, json};

use crate::config::{NanGuardOptions, RunConfig};
use crate::job::{CURVES_FILE, HISTORY_FILE};

type Observer = Box<dyn TrainingObserver>;

/// The observers of a run: what every run has first, then those of `[observers]`. Nothing is written yet.
///
/// # Errors
/// When a port is taken.
pub(crate) fn observers(config: &RunConfig) -> anyhow::Result<Vec<Observer>> {
    let (wanted, file) = (&config.observers, |name: &str| config.run_dir.join(name));
    let mut all: Vec<Observer> = vec![
        progress(wanted.dashboard),
        Box::new(History::new(file(HISTORY_FILE))),
        Box::new(Curves::new(file(CURVES_FILE)).with_history(file(HISTORY_FILE))),
    ];
    if wanted.csv {
        all.push(Box::new(CsvLog::new(file("metrics.csv"))));
    }
    if let Some(options) = &wanted.tensorboard {
        all.push(Box::new(TensorBoard::new(file("tensorboard")).with_every(options.every_steps)));
    }
    if let Some(options) = &wanted.throughput {
        all.push(Box::new(Throughput::new(file("throughput.jsonl")).with_every(options.every_steps)));
    }
    if let Some(options) = &wanted.learning_rate {
        all.push(Box::new(LearningRateMonitor::new(file("learning_rate.csv")).with_every(options.every_steps)));
    }
    if wanted.confusion_matrix {
        all.push(Box::new(ConfusionMatrixPlot::new(&config.run_dir)));
    }
    if let Some(options) = &wanted.predicted_samples {
        all.push(Box::new(SamplePredictions::new(file("samples")).with_every(options.every_epochs)));
    }
    if let Some(options) = &wanted.nan_guard {
        all.push(Box::new(nan_guard(options)));
    }
    // Those that send files come after those that write them.
    #[cfg(feature = "remote")]
    all.extend(remote::observers(config).context("cannot watch the run as [observers] asks")?);
    Ok(all)
}

/// The settings of the loop, which shows as many predicted samples as are drawn.
pub(crate) fn train_config(config: &RunConfig) -> TrainConfig {
    let mut train = config.train.clone();
    let drawn = config.observers.predicted_samples.as_ref().map_or(0, |options| options.count);
    train.watch.predicted_samples = train.watch.predicted_samples.max(drawn);
    train
}

/// What observers are told of the run beside what the trainer tells: everything but the loop's own settings, and nothing of
/// observers, whose addresses are nobody else's business.
///
/// # Errors
/// When a setting has no form in JSON.
pub(crate) fn settings(config: &RunConfig) -> anyhow::Result<Value> {
    let mut run = serde_json::to_value(config).context("cannot tell observers of the run's settings")?;
    if let Some(run) = run.as_object_mut() {
        run.remove("train");
        run.remove("observers");
        run.remove("tracking");
    }
    Ok(json!({ "run": run }))
}

#[cfg(feature = "dashboard")]
fn progress(dashboard: bool) -> Observer {
    if dashboard { Box::new(mvl::train::Dashboard::new()) } else { Box::new(ProgressBar::new()) }
}

/// A config that asks for a dashboard was refused.
#[cfg(not(feature = "dashboard"))]
fn progress(_dashboard: bool) -> Observer {
    Box::new(ProgressBar::new())
}

fn nan_guard(options: &NanGuardOptions) -> NanGuard {
    let mut guard = NanGuard::new().with_patience(options.patience).with_figures(&options.figures);
    if let Some(ratio) = options.explosion {
        guard = guard.with_explosion(ratio);
    }
    if options.fail { guard.failing() } else { guard }
}

#[cfg(feature = "remote")]
mod remote {
    //! Those that talk to servers.

    use std::time::Duration;

    use anyhow::Context;
    use mvl::train::{OnServerTrouble, PrometheusExporter, RunLogger, Webhook, WebhookFormat};

    use super::Observer;
    use crate::config::{
        MessageFormat, MlflowOptions, OnTrouble, PrometheusOptions, RunConfig, WebhookOptions, event_by_name, variable,
    };
    use crate::job::{CONFIG_FILE, CURVES_FILE, HISTORY_FILE};

    pub(super) fn observers(config: &RunConfig) -> anyhow::Result<Vec<Observer>> {
        let (wanted, mut all) = (&config.observers, Vec::<Observer>::new());
        if let Some(options) = &wanted.prometheus {
            all.push(Box::new(prometheus(options)?));
        }
        if let Some(options) = &wanted.mlflow {
            all.push(Box::new(mlflow(options, config)?));
        }
        if let Some(options) = &wanted.webhook {
            all.push(Box::new(webhook(options, config)?));
        }
        Ok(all)
    }

    fn prometheus(options: &PrometheusOptions) -> anyhow::Result<PrometheusExporter> {
        let linger = Duration::try_from_secs_f64(options.linger_seconds)?;
        Ok(PrometheusExporter::bind(&options.address)?.with_linger(linger))
    }

    fn mlflow(options: &MlflowOptions, config: &RunConfig) -> anyhow::Result<RunLogger> {
        let address = options.address().context("no address of an MLflow server")?;
        let mut logger = RunLogger::mlflow(&address)?
            .with_every_steps(options.every_steps)
            .with_best_checkpoint(options.best_checkpoint)
            .with_on_trouble(policy(options.on_trouble));
        if let Some(experiment) = &options.experiment {
            logger = logger.with_experiment(experiment);
        }
        if let Some(name) = &options.run_name {
            logger = logger.with_run_name(name);
        }
        for (name, value) in &options.tags {
            logger = logger.with_tag(name, value);
        }
        for file in [CONFIG_FILE, HISTORY_FILE, CURVES_FILE] {
            logger = logger.with_file(config.run_dir.join(file));
        }
        Ok(logger)
    }

    fn webhook(options: &WebhookOptions, config: &RunConfig) -> anyhow::Result<Webhook> {
        let address = options.address().context("no address of a webhook")?;
        let folder = || config.run_dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut webhook =
            Webhook::new(&address)?.with_format(format(&options.format)).with_on_trouble(policy(options.on_trouble));
        if let Some(name) = options.run_name.clone().or_else(folder) {
            webhook = webhook.with_run_name(name);
        }
        if !options.events.is_empty() {
            let events: Result<Vec<_>, String> = options.events.iter().map(|name| event_by_name(name)).collect();
            webhook = webhook.with_events(events.map_err(anyhow::Error::msg)?);
        }
        if let Some(secret) = variable("MVL_WEBHOOK_SECRET") {
            webhook = webhook.with_secret(&secret);
        }
        if let Some(value) = variable("MVL_WEBHOOK_AUTHORIZATION") {
            webhook = webhook.with_header("Authorization", &value)?;
        }
        Ok(webhook)
    }

    fn format(format: &MessageFormat) -> WebhookFormat {
        match format {
            MessageFormat::Json => WebhookFormat::Json,
            MessageFormat::Slack => WebhookFormat::slack(),
            MessageFormat::Discord => WebhookFormat::discord(),
            MessageFormat::Text(field) => WebhookFormat::Text { field: field.clone() },
        }
    }

    fn policy(on_trouble: OnTrouble) -> OnServerTrouble {
        match on_trouble {
            OnTrouble::Notice => OnServerTrouble::Notice,
            OnTrouble::Error => OnServerTrouble::Error,
        }
    }
}
