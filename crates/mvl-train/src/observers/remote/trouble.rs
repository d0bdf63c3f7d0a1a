//! What becomes of trouble with a server.

use std::fmt;

use mvl_core::ObserverError;

/// What an observer does when its server does not take what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnServerTrouble {
    /// Tell the user and go on: a server that is away is no reason to lose a run.
    #[default]
    Notice,
    /// Answer the next event with an error; [`OnObserverError`](crate::OnObserverError) says whether the run ends then.
    Error,
}

/// Something that people should know of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// Something was not delivered, or not yet.
    Trouble(String),
    /// It is well again.
    Fine(String),
}

/// Where notices go.
pub(crate) type Notices = Box<dyn FnMut(&str) + Send>;

/// Says aloud what an outbox reports.
pub(crate) struct Reporter {
    observer: &'static str,
    pub(crate) policy: OnServerTrouble,
    pub(crate) notices: Notices,
}

impl Reporter {
    /// Tells notices to standard error.
    pub(crate) fn new(observer: &'static str) -> Self {
        Self {
            observer,
            policy: OnServerTrouble::default(),
            notices: Box::new(|notice| eprintln!("warning: {notice}")),
        }
    }

    /// A notice.
    pub(crate) fn notice(&mut self, what: &str) {
        (self.notices)(&format!("{}: {what}", self.observer));
    }

    /// Tells all; by the policy, trouble becomes one error.
    pub(crate) fn tell(&mut self, reports: Vec<Report>) -> Result<(), ObserverError> {
        let mut troubles = Vec::new();
        for report in reports {
            match report {
                Report::Trouble(what) if self.policy == OnServerTrouble::Error => troubles.push(what),
                Report::Trouble(what) | Report::Fine(what) => self.notice(&what),
            }
        }
        if troubles.is_empty() { Ok(()) } else { Err(ObserverError::new(troubles.join("; "))) }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("policy", &self.policy).finish_non_exhaustive()
    }
}
