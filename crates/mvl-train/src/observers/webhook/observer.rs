//! The observer: which events are told, and where to.

use std::fmt;
use std::time::Duration;

use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ring::hmac;

use super::courier::{WebhookCourier, key};
use super::message::{Message, WebhookEvent, WebhookFormat};
use crate::observers::remote::{Dispatch, DispatchConfig, HttpClient, OnServerTrouble};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
const DISPATCH: DispatchConfig = DispatchConfig {
    capacity: 100,
    gather: Duration::ZERO,
    deadline: Duration::from_secs(30),
    delays: (Duration::from_millis(500), Duration::from_secs(30)),
};
/// What is told when nothing else is said.
const EVENTS: [WebhookEvent; 4] =
    [WebhookEvent::RunStarted, WebhookEvent::Notice, WebhookEvent::RunFinished, WebhookEvent::RunFailed];

/// Posts a JSON message to an address on chosen events: alerts in a chat, steps of a pipeline.
///
/// Every request has the headers `X-Mvl-Event` (the event's name) and `X-Mvl-Delivery` (the message's id, the same for each attempt:
/// a message whose answer is lost comes twice). With a [secret](Self::with_secret) it has `X-Mvl-Signature-256: sha256=…`, the
/// HMAC-SHA256 of the body, made like GitHub's.
///
/// Training never waits: a thread of its own posts, and tries again while the receiver is away or busy. When too many
/// wait, epochs, checkpoints and notices are thinned out, never the beginning and the end of a run. The run's end waits for the
/// rest, at most the [deadline](Self::with_deadline). Addresses of webhooks are secrets; messages of trouble show the host alone.
///
/// # Example
/// ```no_run
/// use mvl_train::{Webhook, WebhookEvent, WebhookFormat};
/// let alerts = Webhook::new("https://hooks.slack.com/services/T00/B00/XXX")?
///     .with_format(WebhookFormat::slack())
///     .with_run_name("flowers")
///     .with_events([WebhookEvent::RunFinished, WebhookEvent::RunFailed]);
/// # drop(alerts); // Trainer::with_observer(alerts)
/// # Ok::<(), mvl_core::ObserverError>(())
/// ```
pub struct Webhook {
    url: Url,
    events: Vec<WebhookEvent>,
    format: WebhookFormat,
    run_name: Option<String>,
    headers: HeaderMap,
    key: Option<hmac::Key>,
    timeout: Duration,
    dispatch: Dispatch<Message>,
    /// Of the run under way.
    epochs: usize,
}

impl Webhook {
    /// Posts to this address when a run begins, ends or fails, and on notices.
    ///
    /// # Errors
    /// When that is no `http://` or `https://` address.
    pub fn new(url: &str) -> Result<Self, ObserverError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| ObserverError::new("expected the http:// or https:// address of a webhook"))?;
        Ok(Self {
            url,
            events: EVENTS.to_vec(),
            format: WebhookFormat::default(),
            run_name: None,
            headers: HeaderMap::new(),
            key: None,
            timeout: TIMEOUT,
            dispatch: Dispatch::new("webhook", DISPATCH),
            epochs: 0,
        })
    }

    /// Sets the events that are told.
    #[must_use]
    pub fn with_events(mut self, events: impl IntoIterator<Item = WebhookEvent>) -> Self {
        self.events = events.into_iter().collect();
        self
    }

    /// Sets how messages are written.
    #[must_use]
    pub fn with_format(mut self, format: WebhookFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets what messages call the run.
    #[must_use]
    pub fn with_run_name(mut self, name: impl Into<String>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Signs every message with this secret.
    #[must_use]
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.key = Some(key(secret));
        self
    }

    /// Adds a header to every request, such as `Authorization`.
    ///
    /// # Errors
    /// When HTTP allows no such name or value.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, ObserverError> {
        let wrong = |part: &str| ObserverError::new(format!("HTTP allows no such {part} of a header: {name:?}"));
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("name"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong("value"))?;
        value.set_sensitive(true);
        self.headers.insert(parsed, value);
        Ok(self)
    }

    /// Sets how long one request may take, 10 s if nothing is said.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long the end of the run waits for messages to go out, 30 s if nothing is said.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.dispatch.config.deadline = deadline;
        self
    }

    /// Sets how many epochs, checkpoints and notices may wait before they are thinned out, 100 if nothing is said.
    #[must_use]
    pub fn with_capacity(mut self, messages: usize) -> Self {
        self.dispatch.config.capacity = messages;
        self
    }

    /// Sets what happens when messages are not taken; people are told, if nothing is said.
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

    fn begin(&mut self, epochs: usize) -> Result<(), ObserverError> {
        self.epochs = epochs;
        let http = HttpClient::new(&self.url, self.timeout)?;
        let (url, headers, key) = (self.url.clone(), self.headers.clone(), self.key.clone());
        self.dispatch.open(WebhookCourier { http, url, headers, key })
    }
}

impl TrainingObserver for Webhook {
    fn name(&self) -> &str {
        "webhook"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        match *event {
            TrainingEvent::RunStarted { epochs, .. } => self.begin(epochs)?,
            // A run that could not even begin is told too.
            TrainingEvent::RunFailed { .. } if !self.dispatch.is_open() => self.begin(0)?,
            _ => {}
        }
        if let Some(kind) = WebhookEvent::of(event).filter(|kind| self.events.contains(kind) && self.dispatch.is_open())
        {
            let message = Message::new(kind, event, self.run_name.as_deref(), self.epochs, &self.format);
            self.dispatch.push(message);
        }
        match event {
            TrainingEvent::RunFinished { .. } | TrainingEvent::RunFailed { .. } => self.dispatch.close()?,
            _ => self.dispatch.settle()?,
        }
        Ok(Flow::Continue)
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        if let Err(error) = self.dispatch.close() {
            self.dispatch.reporter.notice(&error.to_string());
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        f.debug_struct("Webhook").field("host", &host).field("events", &self.events).finish_non_exhaustive()
    }
}
