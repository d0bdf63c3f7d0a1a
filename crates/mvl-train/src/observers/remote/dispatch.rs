//! An observer's way to its server: opened with a run, closed with it, told about by policy.

use std::time::Duration;

use mvl_core::ObserverError;
use mvl_store::RetryPolicy;

use super::outbox::{Courier, Outbox, OutboxConfig, Parcel};
use super::trouble::{Report, Reporter};

/// What users may set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DispatchConfig {
    /// Spare records that may wait; more are thinned out.
    pub(crate) capacity: usize,
    /// How long records wait for company.
    pub(crate) gather: Duration,
    /// How long the end of a run waits for the server.
    pub(crate) deadline: Duration,
    /// What the first pause after a failure comes to, and the longest.
    pub(crate) delays: (Duration, Duration),
}

/// The outbox of the run under way, if there is one.
#[derive(Debug)]
pub(crate) struct Dispatch<P: Parcel> {
    name: &'static str,
    pub(crate) config: DispatchConfig,
    pub(crate) reporter: Reporter,
    outbox: Option<Outbox<P>>,
}

impl<P: Parcel> Dispatch<P> {
    /// For the observer of this name; its thread is called `mvl-` and that.
    pub(crate) fn new(name: &'static str, config: DispatchConfig) -> Self {
        Self { name, config, reporter: Reporter::new(name), outbox: None }
    }

    /// Begins a run.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open(&mut self, courier: impl Courier<Parcel = P>) -> Result<(), ObserverError> {
        let DispatchConfig { capacity, gather, deadline, delays: (first_delay, longest_delay) } = self.config;
        let retry = RetryPolicy { first_delay, longest_delay, deadline };
        let outbox = Outbox::open(&format!("mvl-{}", self.name), OutboxConfig { capacity, gather, retry }, courier);
        self.outbox = Some(outbox.map_err(|error| ObserverError::with_source("cannot start a thread", error))?);
        Ok(())
    }

    /// Whether a run is under way.
    pub(crate) fn is_open(&self) -> bool {
        self.outbox.is_some()
    }

    /// Sends something, if a run is under way.
    pub(crate) fn push(&self, parcel: P) {
        if let Some(outbox) = &self.outbox {
            outbox.push(parcel);
        }
    }

    /// Tells what there is to tell.
    ///
    /// # Errors
    /// Trouble with the server, when the policy says so.
    pub(crate) fn settle(&mut self) -> Result<(), ObserverError> {
        let reports = self.outbox.as_ref().map(Outbox::take_reports).unwrap_or_default();
        self.reporter.tell(reports)
    }

    /// Ends a run: waits for what is left to go out, then tells what there is to tell.
    ///
    /// # Errors
    /// Trouble with the server, when the policy says so.
    pub(crate) fn close(&mut self) -> Result<(), ObserverError> {
        let Some(outbox) = self.outbox.take() else { return Ok(()) };
        let lost = outbox.finish(self.config.deadline).err().map(Report::Trouble);
        self.reporter.tell(outbox.take_reports().into_iter().chain(lost).collect())
    }
}
