//! The model registry: names, versions, aliases, stages.

mod aliases;
mod models;
mod read;
mod search_models;
mod search_versions;
mod stages;
mod versions;

pub use search_models::ModelSearch;
pub use search_versions::VersionSearch;
pub use versions::NewVersion;

use crate::{Database, Result};

/// Registered models and their versions. Cheap to clone.
///
/// Every method that writes is one transaction, and those about one model take turns.
#[derive(Debug, Clone)]
pub struct Registry {
    database: Database,
}

impl Registry {
    /// A registry on a database that is open, often a [`Tracker`](crate::Tracker)'s.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// [`Database::open`] and [`new`](Self::new) in one.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open(uri: &str) -> Result<Self> {
        Ok(Self::new(Database::open(uri).await?))
    }
}
