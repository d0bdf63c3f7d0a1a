//! One version of a registered model.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Tag;
use crate::TrackError;

/// One version of a registered model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The registered model.
    pub name: String,
    /// Counted from 1; a deleted version's number is not given again.
    pub version: u64,
    /// When it was made.
    pub creation_timestamp: i64,
    /// When it last changed.
    pub last_updated_timestamp: i64,
    /// For people.
    pub description: Option<String>,
    /// Who made it.
    pub user_id: Option<String>,
    /// How far it has come.
    pub current_stage: Stage,
    /// Where its files come from.
    pub source: Option<String>,
    /// The run that made it.
    pub run_id: Option<String>,
    /// Where to see that run.
    pub run_link: Option<String>,
    /// The logged model that it was made from.
    pub model_id: Option<String>,
    /// The digest of its manifest, the list of its files.
    pub manifest: Option<String>,
    /// Whether it can be used.
    pub status: ModelVersionStatus,
    /// Why it is in that state.
    pub status_message: Option<String>,
    /// Notes.
    pub tags: Vec<Tag>,
    /// The names that stand for it.
    pub aliases: Vec<String>,
}

/// Whether a version can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ModelVersionStatus {
    /// Its files are being written.
    PendingRegistration,
    /// Writing its files failed.
    FailedRegistration,
    /// It can be used.
    Ready,
}

impl ModelVersionStatus {
    /// As MLflow writes it: `READY`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingRegistration => "PENDING_REGISTRATION",
            Self::FailedRegistration => "FAILED_REGISTRATION",
            Self::Ready => "READY",
        }
    }

    pub(crate) fn from_database(text: &str) -> Self {
        match text {
            "PENDING_REGISTRATION" => Self::PendingRegistration,
            "FAILED_REGISTRATION" => Self::FailedRegistration,
            _ => Self::Ready,
        }
    }
}

/// How far a version has come. Aliases have taken the stages' place; they are here for older clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Not told.
    #[default]
    None,
    /// On trial.
    Staging,
    /// In use.
    Production,
    /// No longer in use.
    Archived,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// As MLflow writes it: `Production`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }
}

impl FromStr for Stage {
    type Err = TrackError;

    /// Capital letters do not matter.
    fn from_str(text: &str) -> Result<Self, TrackError> {
        let known = Self::ALL.into_iter().find(|stage| stage.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            TrackError::invalid(format!("Invalid Model Version stage: {text}. Value must be one of {names}."))
        })
    }
}
