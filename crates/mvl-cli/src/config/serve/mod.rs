//! The server's config in two stages: [`ServeFile`] is what was typed, [`ServeConfig`] what it comes to once checked.

mod environment;
mod gateway;
mod model;
mod serve_config;
mod serve_file;
mod service;
mod slots;
mod stores;

pub(crate) use environment::overrides as environment_overrides;
pub(crate) use gateway::GatewayTable;
pub(crate) use model::{ModelSettings, ModelTable, ServedModel};
pub(crate) use serve_config::{COMMAND_LINE, ServeConfig};
pub(crate) use serve_file::ServeFile;
pub(crate) use service::ServiceTable;
pub(crate) use slots::Slots;
pub(crate) use stores::StoresTable;
