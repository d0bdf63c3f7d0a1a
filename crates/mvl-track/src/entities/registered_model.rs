//! A name in the registry.

use serde::{Deserialize, Serialize};

use super::{ModelVersion, Tag};

/// A name in the registry, under which versions stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisteredModel {
    /// Unique; without `/` and `:`.
    pub name: String,
    /// When it was registered.
    pub creation_timestamp: i64,
    /// When it or one of its versions last changed.
    pub last_updated_timestamp: i64,
    /// For people.
    pub description: Option<String>,
    /// The newest version of each stage.
    pub latest_versions: Vec<ModelVersion>,
    /// Notes.
    pub tags: Vec<Tag>,
    /// Names for versions.
    pub aliases: Vec<Alias>,
}

/// A name for one version of a model, such as `champion`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The alias.
    pub alias: String,
    /// The version that it stands for.
    pub version: u64,
}
