//! [`AuditLog`]: who did what, a line of JSON each. Never what anybody proved it with.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{LineWriter, Peer, RequestId};
use crate::access::{Caller, Scope, written};

/// Where it is written who did what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditOptions {
    /// The file that lines are appended to.
    pub file: PathBuf,
    /// Whether every request to a model has a line too.
    #[serde(default)]
    pub inference: bool,
}

/// Who did what: every refusal of somebody who is not known, may not, or asks too often, every action that needs the scope `manage`, and,
/// where it is wanted, every request to a model. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    lines: LineWriter,
    inference: bool,
    /// How many lost lines have been told.
    told: Arc<AtomicU64>,
}

/// What happened.
pub(super) struct Entry<'a> {
    pub(super) id: &'a RequestId,
    pub(super) peer: Option<&'a Peer>,
    pub(super) caller: Option<&'a Caller>,
    pub(super) action: &'a str,
    pub(super) scope: Option<Scope>,
    pub(super) model: Option<&'a str>,
    pub(super) status: u16,
    pub(super) reason: Option<&'a str>,
}

impl AuditLog {
    /// Opens the file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(options: &AuditOptions) -> io::Result<Self> {
        let lines = LineWriter::to_file(&options.file)?;
        Ok(Self { lines, inference: options.inference, told: Arc::default() })
    }

    /// Whether such a request has a line.
    pub(super) fn wants(&self, scope: Option<Scope>, status: u16) -> bool {
        matches!(status, 401 | 403 | 429)
            || scope == Some(Scope::Manage)
            || (self.inference && scope == Some(Scope::Infer))
    }

    pub(super) fn write(&self, entry: &Entry<'_>) {
        let lost = self.lines.lost();
        if self.told.swap(lost, Ordering::Relaxed) != lost {
            self.lines.say(json!({ "time": written(SystemTime::now()), "lines_lost": lost }).to_string());
        }
        let outcome = match entry.status {
            401 | 403 | 429 => "refused",
            status if status < 400 => "done",
            _ => "failed",
        };
        let mut line = json!({
            "time": written(SystemTime::now()),
            "request_id": entry.id.as_str(),
            "from": entry.peer.map(|peer| peer.address.to_string()),
            "who": entry.caller.map(|caller| json!({ "kind": caller.kind().name(), "name": caller.name() })),
            "action": entry.action,
            "scope": entry.scope.map(Scope::name),
            "model": entry.model,
            "outcome": outcome,
            "status": entry.status,
        });
        if let Some(certificate) = entry.peer.and_then(|peer| peer.certificate.as_ref()) {
            line["certificate"] = json!({ "name": certificate.name(), "sha256": certificate.sha256 });
        }
        if let Some(reason) = entry.reason {
            line["reason"] = reason.into();
        }
        self.lines.say(line.to_string());
    }
}
