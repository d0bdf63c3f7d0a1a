//! What stands between the world and the services: connections, encryption, who may ask, how often, bodies, and what is written down.

mod admission;
mod asked;
mod audit;
mod beginning;
mod body;
mod connections;
mod descriptors;
mod gate;
mod guard;
mod held_bytes;
mod line_writer;
mod observation;
mod options;
mod peer;
mod request_id;
mod streams;
mod tls;

pub(crate) use asked::Asked;
pub use audit::{AuditLog, AuditOptions};
pub use connections::{HttpServer, ListenError};
pub(crate) use connections::{listen, serve};
pub(crate) use gate::call;
pub(crate) use held_bytes::Held;
pub use line_writer::LineWriter;
pub use options::GatewayOptions;
pub use peer::{ClientCertificate, Peer};
pub use request_id::RequestId;
pub(crate) use streams::{Ending, Streams};
pub use tls::{Tls, TlsError, TlsOptions};
