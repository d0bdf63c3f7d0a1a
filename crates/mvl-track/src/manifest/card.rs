//! What people should know of a model before they use it.
//!
//! Its parts are those of M. Mitchell et al., "Model Cards for Model Reporting", 2019 (<https://arxiv.org/abs/1810.03993>).

use std::collections::BTreeMap;

use mvl_store::Digest;
use serde::{Deserialize, Serialize};

/// A model card.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelCard {
    /// What it does, in a sentence or two.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What it is meant for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub intended_use: String,
    /// What it is not fit for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub limitations: String,
    /// Under which terms it may be used, as an SPDX expression where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// What it learned from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub training_data: Vec<DatasetReference>,
    /// Figures by the name of the set that they were measured on, then by metric.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, BTreeMap<String, f64>>,
}

/// A data set, by name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetReference {
    /// Its name.
    pub name: String,
    /// Digest of the list of its samples, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its licence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
}
