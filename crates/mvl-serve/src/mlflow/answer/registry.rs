//! Registered models and their versions.

use mvl_track::{Alias, ModelVersion, RegisteredModel, Tag};
use serde::Serialize;

/// A registered model.
#[derive(Serialize)]
pub(crate) struct RegisteredModelJson<'a> {
    name: &'a str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latest_versions: Vec<VersionJson<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Tag],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasJson<'a>>,
}

#[derive(Serialize)]
struct AliasJson<'a> {
    alias: &'a str,
    version: String,
}

/// A version of a registered model.
#[derive(Serialize)]
pub(crate) struct VersionJson<'a> {
    name: &'a str,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    current_stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Tag],
    #[serde(skip_serializing_if = "Option::is_none")]
    run_link: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aliases: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'a str>,
}

impl<'a> From<&'a RegisteredModel> for RegisteredModelJson<'a> {
    fn from(model: &'a RegisteredModel) -> Self {
        let alias = |Alias { alias, version }: &'a Alias| AliasJson { alias, version: version.to_string() };
        Self {
            name: &model.name,
            creation_timestamp: model.creation_timestamp,
            last_updated_timestamp: model.last_updated_timestamp,
            description: model.description.as_deref(),
            latest_versions: model.latest_versions.iter().map(Into::into).collect(),
            tags: &model.tags,
            aliases: model.aliases.iter().map(alias).collect(),
        }
    }
}

impl<'a> From<&'a ModelVersion> for VersionJson<'a> {
    fn from(version: &'a ModelVersion) -> Self {
        Self {
            name: &version.name,
            version: version.version.to_string(),
            creation_timestamp: version.creation_timestamp,
            last_updated_timestamp: version.last_updated_timestamp,
            user_id: version.user_id.as_deref(),
            current_stage: version.current_stage.as_str(),
            description: version.description.as_deref(),
            source: version.source.as_deref(),
            run_id: version.run_id.as_deref(),
            status: version.status.as_str(),
            status_message: version.status_message.as_deref(),
            tags: &version.tags,
            run_link: version.run_link.as_deref(),
            aliases: &version.aliases,
            model_id: version.model_id.as_deref(),
        }
    }
}
