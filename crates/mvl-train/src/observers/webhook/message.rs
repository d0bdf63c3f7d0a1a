//! What is said of an event, to programs and to people.

use bytes::Bytes;
use mvl_core::{Metrics, StopReason, TrainingEvent};
use serde_json::{Map, Value, json};

use crate::observers::remote::{Parcel, now_ms, unique_id};

/// An event that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookEvent {
    /// A run begins or is resumed.
    RunStarted,
    /// An epoch is done.
    EpochFinished,
    /// The best checkpoint so far is on disk.
    BestCheckpoint,
    /// Something that people should know of.
    Notice,
    /// A run is over, in an ordinary way.
    RunFinished,
    /// A run ends with an error.
    RunFailed,
}

impl WebhookEvent {
    /// Its name in messages, such as `epoch_finished`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunStarted => "run_started",
            Self::EpochFinished => "epoch_finished",
            Self::BestCheckpoint => "best_checkpoint",
            Self::Notice => "notice",
            Self::RunFinished => "run_finished",
            Self::RunFailed => "run_failed",
        }
    }

    /// Which one this is, if it can be told.
    pub(super) fn of(event: &TrainingEvent<'_>) -> Option<Self> {
        Some(match event {
            TrainingEvent::RunStarted { .. } => Self::RunStarted,
            TrainingEvent::EpochFinished { .. } => Self::EpochFinished,
            TrainingEvent::CheckpointSaved { best: true, .. } => Self::BestCheckpoint,
            TrainingEvent::Notice { .. } => Self::Notice,
            TrainingEvent::RunFinished { .. } => Self::RunFinished,
            TrainingEvent::RunFailed { .. } => Self::RunFailed,
            _ => return None,
        })
    }
}

/// How messages are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookFormat {
    /// Everything as fields, for programs: `event`, `id`, `time_ms`, `run`, `text`, and what the event has.
    #[default]
    Json,
    /// One sentence for people in one field, for chats.
    Text {
        /// The field's name.
        field: String,
    },
}

impl WebhookFormat {
    /// `{"text": "…"}`, as Slack, Mattermost and Teams take it.
    #[must_use]
    pub fn slack() -> Self {
        Self::Text { field: "text".to_owned() }
    }

    /// `{"content": "…"}`, as Discord takes it.
    #[must_use]
    pub fn discord() -> Self {
        Self::Text { field: "content".to_owned() }
    }
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) event: WebhookEvent,
    /// The same for every attempt, so that a receiver knows one that comes twice.
    pub(super) id: String,
    pub(super) body: Bytes,
}

impl Message {
    /// What is said of an event of a run with `epochs` epochs.
    pub(super) fn new(
        kind: WebhookEvent,
        event: &TrainingEvent<'_>,
        run: Option<&str>,
        epochs: usize,
        format: &WebhookFormat,
    ) -> Self {
        let id = unique_id();
        let text = match run {
            Some(run) => format!("{run}: {}", sentence(event, epochs)),
            None => sentence(event, epochs),
        };
        let body = match format {
            WebhookFormat::Text { field } => json!({field.as_str(): text}),
            WebhookFormat::Json => {
                let mut body = Map::new();
                body.insert("event".to_owned(), json!(kind.name()));
                body.insert("id".to_owned(), json!(id));
                body.insert("time_ms".to_owned(), json!(now_ms()));
                body.insert("run".to_owned(), json!(run));
                body.insert("text".to_owned(), json!(text));
                body.extend(fields(event, epochs));
                Value::Object(body)
            }
        };
        Self { event: kind, id, body: Bytes::from(body.to_string()) }
    }
}

impl Parcel for Message {
    fn is_spare(&self) -> bool {
        !matches!(self.event, WebhookEvent::RunStarted | WebhookEvent::RunFinished | WebhookEvent::RunFailed)
    }
}

/// One event in a sentence; epochs are counted from 1 here, as people do.
fn sentence(event: &TrainingEvent<'_>, epochs: usize) -> String {
    match *event {
        TrainingEvent::RunStarted { epochs, start_epoch: 0, start_step: 0, samples_per_epoch, .. } => {
            format!("training begins: {epochs} epochs of {samples_per_epoch} samples")
        }
        TrainingEvent::RunStarted { epochs, start_epoch, start_step, .. } => {
            format!("training goes on in epoch {} of {epochs} at step {start_step}", start_epoch + 1)
        }
        TrainingEvent::EpochFinished { epoch, train, valid, time, .. } => {
            let of = valid.unwrap_or(train);
            let pass = if valid.is_some() { "validation" } else { "training" };
            let seconds = time.as_secs_f64();
            format!("epoch {} of {epochs} took {seconds:.1} s; {pass}: {}", epoch + 1, figures(of))
        }
        TrainingEvent::CheckpointSaved { epoch, path, .. } => {
            format!("the best so far is epoch {} of {epochs}, saved in {}", epoch + 1, path.display())
        }
        TrainingEvent::Notice { message } => format!("notice: {message}"),
        TrainingEvent::RunFinished { reason, time } => {
            let why = match reason {
                StopReason::Completed => "all epochs are done".to_owned(),
                StopReason::Observer { name, reason } => format!("{name} stopped it, {reason}"),
                StopReason::Interrupted => "the user stopped it".to_owned(),
                _ => "it was stopped".to_owned(),
            };
            format!("training is over after {:.1} s: {why}", time.as_secs_f64())
        }
        TrainingEvent::RunFailed { error } => format!("training failed: {error}"),
        _ => String::new(),
    }
}

fn figures(metrics: &Metrics) -> String {
    metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>().join(", ")
}

/// What programs are told beside the sentence; epochs are counted from 0, as everywhere in the program.
fn fields(event: &TrainingEvent<'_>, epochs: usize) -> Map<String, Value> {
    let fields = match *event {
        TrainingEvent::RunStarted { epochs, steps_per_epoch, samples_per_epoch, start_epoch, start_step, settings } => {
            json!({
                "epochs": epochs, "steps_per_epoch": steps_per_epoch, "samples_per_epoch": samples_per_epoch,
                "start_epoch": start_epoch, "start_step": start_step, "settings": settings,
            })
        }
        TrainingEvent::EpochFinished { epoch, train, valid, learning_rate, samples, time, .. } => json!({
            "epoch": epoch, "epochs": epochs, "train": train, "valid": valid, "learning_rate": learning_rate,
            "samples": samples, "seconds": time.as_secs_f64(),
        }),
        TrainingEvent::CheckpointSaved { epoch, path, .. } => {
            json!({"epoch": epoch, "path": path.display().to_string()})
        }
        TrainingEvent::Notice { message } => json!({"message": message}),
        TrainingEvent::RunFinished { reason, time } => json!({"reason": reason, "seconds": time.as_secs_f64()}),
        TrainingEvent::RunFailed { error } => json!({"error": error}),
        _ => Value::Null,
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn people_get_a_sentence_and_programs_get_fields() {
        let metrics = Metrics(vec![("loss".to_owned(), 0.5), ("accuracy".to_owned(), f64::NAN)]);
        let event = TrainingEvent::EpochFinished {
            epoch: 2,
            train: &metrics,
            valid: Some(&metrics),
            learning_rate: 0.1,
            samples: 7,
            train_time: Duration::from_secs(1),
            time: Duration::from_millis(1_500),
        };
        let say = |format| {
            let message = Message::new(WebhookEvent::EpochFinished, &event, Some("flowers"), 10, &format);
            serde_json::from_slice::<Value>(&message.body).expect("JSON")
        };
        let sentence = "flowers: epoch 3 of 10 took 1.5 s; validation: loss 0.5000, accuracy NaN";
        assert_eq!(say(WebhookFormat::slack()), json!({"text": sentence}));
        assert_eq!(say(WebhookFormat::discord()), json!({"content": sentence}));
        let fields = say(WebhookFormat::Json);
        assert_eq!(fields["event"], "epoch_finished");
        assert_eq!(fields["text"], sentence);
        assert_eq!((&fields["epoch"], &fields["valid"]), (&json!(2), &json!({"loss": 0.5, "accuracy": null})));
    }
}
