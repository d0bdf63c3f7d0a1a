//! A named collection of runs.

use serde::{Deserialize, Serialize};

use super::Tag;

/// A named collection of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// A whole number, as text.
    pub experiment_id: String,
    /// Unique among all experiments, deleted ones too.
    pub name: String,
    /// Where the artifacts of its runs lie.
    pub artifact_location: String,
    /// Whether it was deleted.
    pub lifecycle_stage: LifecycleStage,
    /// When it was made.
    pub creation_time: i64,
    /// When its name or its stage last changed.
    pub last_update_time: i64,
    /// Notes, by key.
    pub tags: Vec<Tag>,
}

/// Whether a thing is there or only waits for garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LifecycleStage {
    /// In use.
    Active,
    /// Deleted, and restorable until garbage is collected.
    Deleted,
}

impl LifecycleStage {
    /// As MLflow writes it: `active`, `deleted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) fn from_database(text: &str) -> Self {
        if text == "deleted" { Self::Deleted } else { Self::Active }
    }
}

/// Which stages a search looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ViewType {
    /// What is in use.
    #[default]
    ActiveOnly,
    /// What was deleted.
    DeletedOnly,
    /// Both.
    All,
}

impl ViewType {
    /// The stages it covers.
    pub fn stages(self) -> &'static [LifecycleStage] {
        match self {
            Self::ActiveOnly => &[LifecycleStage::Active],
            Self::DeletedOnly => &[LifecycleStage::Deleted],
            Self::All => &[LifecycleStage::Active, LifecycleStage::Deleted],
        }
    }
}
