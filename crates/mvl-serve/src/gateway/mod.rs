//! What stands between the world and the services: connections, bodies, and who may ask.

mod body;
mod connections;
mod guard;
mod options;

pub use connections::{HttpServer, ListenError};
pub(crate) use connections::{listen, serve};
pub use options::GatewayOptions;
