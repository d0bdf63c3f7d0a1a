//! [`Peer`]: the other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

/// Whose certificate a connection was opened with, by one of the clients' authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The names that it is for, as its authority says.
    pub names: Vec<String>,
    /// The SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
}

impl ClientCertificate {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let parsed = webpki::EndEntityCert::try_from(certificate);
        let names = parsed.map(|parsed| parsed.valid_dns_names().map(ToOwned::to_owned).collect()).unwrap_or_default();
        let sha256 = digest(&SHA256, certificate).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { names, sha256 }
    }

    /// What to call its owner: the first name, or the digest where it has none.
    pub fn name(&self) -> &str {
        self.names.first().unwrap_or(&self.sha256)
    }
}

/// The other end of a connection. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct Peer {
    /// From where.
    pub address: SocketAddr,
    /// With which certificate, where the server asks for one.
    pub certificate: Option<Arc<ClientCertificate>>,
}
