//! Everything that is kept of the work on models, in one place: runs, their files, registered models.

mod artifacts;
mod collect;
mod foreign;
mod models;
mod portable;
mod push;
mod recorder;

use std::path::{Path, PathBuf};

use mvl_store::{Blobs, Cache, StoreUrl};

pub use collect::Swept;
pub use models::{LoadedModel, NewModel};
pub use portable::{PortableFile, PortablePoint, PortableRun, PortableValue};
pub use push::{Pushed, push_run};
pub use recorder::WorkspaceRecorder;

use crate::{Database, Registry, Result, TrackError, Tracker};

/// The folder of a workspace, where nothing else is said.
pub const WORKSPACE_DIR: &str = ".mvl";
/// Names the database of the workspace: `sqlite:///…` or `postgres://…`.
pub const DATABASE_VARIABLE: &str = "MVL_TRACKING_DATABASE";
/// Names the place of its files: a folder, `s3://…`, `gs://…` or `az://…`.
pub const ARTIFACTS_VARIABLE: &str = "MVL_TRACKING_ARTIFACTS";
/// What the local copies of files in other places may take, where nothing else is said.
const CACHE_BYTES: u64 = 10 << 30;
/// Below this address the tracker names its files.
const ARTIFACT_ROOT: &str = "mlflow-artifacts:/";

/// Where a workspace lies.
///
/// # Example
/// ```
/// use mvl_track::WorkspaceConfig;
/// let alone = WorkspaceConfig::folder("work/.mvl");
/// assert_eq!(alone.database, "sqlite:///work/.mvl/track.db");
/// let team = WorkspaceConfig { database: "postgres://lab@db/mvl".into(), artifacts: "s3://lab/mvl".into(), ..alone };
/// # let _ = team;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceConfig {
    /// The database: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgres://…`.
    pub database: String,
    /// Where files lie: a folder, or an address of an object store.
    pub artifacts: String,
    /// The folder of local copies.
    pub cache: PathBuf,
    /// What local copies may take, in bytes.
    pub cache_bytes: u64,
}

impl WorkspaceConfig {
    /// A folder with everything in it.
    pub fn folder(folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        Self {
            database: format!("sqlite:///{}", folder.join("track.db").display()),
            artifacts: folder.join("artifacts").display().to_string(),
            cache: folder.join("cache"),
            cache_bytes: CACHE_BYTES,
        }
    }

    /// What [`DATABASE_VARIABLE`] and [`ARTIFACTS_VARIABLE`] say; [`WORKSPACE_DIR`] where they say nothing.
    #[must_use]
    pub fn from_environment() -> Self {
        let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let local = Self::folder(WORKSPACE_DIR);
        Self {
            database: said(DATABASE_VARIABLE).unwrap_or(local.database),
            artifacts: said(ARTIFACTS_VARIABLE).unwrap_or(local.artifacts),
            ..local
        }
    }
}

/// A tracker, a registry, and their files. Cheap to clone; several programs may have the same one open.
#[derive(Debug, Clone)]
pub struct Workspace {
    tracker: Tracker,
    registry: Registry,
    blobs: Blobs,
    cache: PathBuf,
}

impl Workspace {
    /// Opens it, and makes what is missing.
    ///
    /// # Errors
    /// When the database cannot be opened, or the place of files is none.
    pub async fn open(config: &WorkspaceConfig) -> Result<Self> {
        let database = Database::open(&config.database).await?;
        let root = StoreUrl::parse(&config.artifacts)?;
        let cache = Cache::open(config.cache.join("blobs"), config.cache_bytes)?;
        let blobs = Blobs::open(&root)?.with_cache(cache);
        Ok(Self {
            tracker: Tracker::new(database.clone(), ARTIFACT_ROOT).with_blobs(blobs.clone()),
            registry: Registry::new(database),
            blobs,
            cache: config.cache.clone(),
        })
    }

    /// Runs and what they log.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Registered models.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Files by content.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The id of an experiment, which is made if there is none of this name.
    ///
    /// # Errors
    /// When the name is not allowed, or is a deleted experiment's.
    pub async fn experiment(&self, name: &str) -> Result<String> {
        if let Some(known) = self.tracker.get_experiment_by_name(name).await? {
            if known.lifecycle_stage == crate::LifecycleStage::Deleted {
                let what = format!("the experiment {name:?} is deleted");
                return Err(TrackError::new(crate::ErrorCode::InvalidState, what)
                    .with_hint("restore it, or choose another name"));
            }
            return Ok(known.experiment_id);
        }
        match self.tracker.create_experiment(name, None, &[]).await {
            // Somebody else was quicker.
            Err(error) if error.code == crate::ErrorCode::ResourceAlreadyExists => {
                let known = self.tracker.get_experiment_by_name(name).await?;
                known.map(|known| known.experiment_id).ok_or(error)
            }
            made => made,
        }
    }
}
