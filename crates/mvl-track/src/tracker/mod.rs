//! The experiment tracker.

mod artifacts;
mod batch;
mod contents;
mod deleted_models;
mod experiments;
mod garbage;
mod history;
mod inputs;
mod logged_models;
mod metric_keys;
mod metrics;
mod params;
mod read_models;
mod read_runs;
mod runs;
mod sampling;
mod search_experiments;
mod search_logged_models;
mod search_runs;
mod tags;
mod version_files;

use std::fmt;
use std::sync::Arc;

pub use artifacts::{Artifact, ArtifactOwner};
pub use batch::Batch;
pub use garbage::Collected;
pub use logged_models::NewLoggedModel;
pub use runs::{NewRun, RunUpdate};
pub use search_experiments::ExperimentSearch;
pub use search_logged_models::{DatasetFilter, LoggedModelSearch, ModelOrder};
pub use search_runs::RunSearch;

use mvl_store::Blobs;

use self::metric_keys::MetricKeys;
use crate::{Database, Result};

/// Experiments, runs and what they log. Cheap to clone; all clones share one database.
///
/// Every method that writes is one transaction: when it has answered, what was written outlives the program and the
/// machine's power; when it fails, nothing of it is there.
#[derive(Clone)]
pub struct Tracker {
    database: Database,
    artifact_root: Arc<str>,
    blobs: Option<Blobs>,
    metric_keys: MetricKeys,
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("database", &self.database).field("artifact_root", &self.artifact_root).finish()
    }
}

impl Tracker {
    /// A tracker on a database that is open. Experiments without an artifact location of their own get one below
    /// `artifact_root`, such as `mlflow-artifacts:/` or `s3://bucket/runs`.
    pub fn new(database: Database, artifact_root: &str) -> Self {
        Self { database, artifact_root: artifact_root.into(), blobs: None, metric_keys: MetricKeys::default() }
    }

    /// [`Database::open`] and [`new`](Self::new) in one.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open(uri: &str, artifact_root: &str) -> Result<Self> {
        Ok(Self::new(Database::open(uri).await?, artifact_root))
    }

    /// The database, to put a [`Registry`](crate::Registry) on.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// A path below a location: one `/` between them.
pub(crate) fn join_location(location: &str, path: &str) -> String {
    match location.strip_suffix('/') {
        Some(start) => format!("{start}/{path}"),
        None => format!("{location}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_join_with_one_slash() {
        assert_eq!(join_location("mlflow-artifacts:/", "0"), "mlflow-artifacts:/0");
        assert_eq!(join_location("s3://bucket/runs", "0/a"), "s3://bucket/runs/0/a");
    }
}
