//! What a person writes in a server's TOML file, as flags or in the environment: every key optional, unknown ones refused.

use std::collections::BTreeMap;

use mvl_serve::ensemble::EnsembleConfig;
use mvl_serve::telemetry::TelemetryOptions;
use mvl_serve::upstream::UpstreamOptions;
use serde::{Deserialize, Serialize};

use super::{GatewayTable, ModelTable, ServiceTable, Slots, StoresTable};
use crate::backends::BackendChoice;

/// A server's config as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServeFile {
    /// Format of this file; 1.
    pub version: Option<u32>,
    /// Where to compute.
    pub backend: Option<BackendChoice>,
    /// Which device of the backend.
    pub device: Option<usize>,
    /// How many forward passes may run at once, over all models.
    pub slots: Option<Slots>,
    /// Every how many seconds it is looked whether sources stand for other versions.
    pub poll_seconds: Option<u64>,
    /// Where the server listens, who may ask, and how much it takes.
    pub gateway: GatewayTable,
    /// What is offered, and how far.
    pub service: ServiceTable,
    /// What is logged and where traces go.
    pub log: TelemetryOptions,
    /// Where models from object stores are kept.
    pub stores: StoresTable,
    /// Servers that may be asked for models, and hooks.
    pub upstreams: UpstreamOptions,
    /// Models made of others, as `ensemble:NAME`.
    pub ensembles: BTreeMap<String, EnsembleConfig>,
    /// What goes for every model that says nothing else.
    pub defaults: ModelTable,
    /// What is served.
    pub models: Vec<ModelTable>,
}
