//! [`Tls`]: encrypted connections, with certificates that are read again when their files change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ClientCertificate;
use crate::access::WatchedFile;

/// How a connection begins that is encrypted: the type of a record with a handshake.
const HANDSHAKE: u8 = 0x16;
/// What is told to whoever speaks plain HTTP. The connection is closed then.
const NOT_PLAIN: &str = "{\"error\":\"this port speaks TLS: ask https://\"}";

/// Certificates in PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsOptions {
    /// The server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of clients. With it, whoever has no certificate by one of them cannot connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

/// Why there is no encryption.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct TlsError {
    path: PathBuf,
    what: String,
}

/// Encrypts connections. The files are looked at again when they change; connections that are open go on with what they began with.
#[derive(Clone)]
pub struct Tls(Arc<Known>);

struct Known {
    options: TlsOptions,
    files: Vec<WatchedFile>,
    config: RwLock<Arc<ServerConfig>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.0.options).finish()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub fn open(options: TlsOptions) -> Result<Self, TlsError> {
        let TlsOptions { certificate, key, client_ca } = &options;
        let files = [certificate, key].into_iter().chain(client_ca).map(WatchedFile::new).collect();
        let config = RwLock::new(Arc::new(read(&options)?));
        Ok(Self(Arc::new(Known { options, files, config })))
    }

    /// Whether clients must have certificates.
    pub fn asks_who(&self) -> bool {
        self.0.options.client_ca.is_some()
    }

    fn config(&self) -> Arc<ServerConfig> {
        let known = &*self.0;
        // All are asked: each tells of its change once.
        if known.files.iter().filter(|file| file.has_changed()).count() > 0 {
            match read(&known.options) {
                Ok(config) => {
                    *known.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                    tracing::info!("certificates were read again");
                }
                // A key may change a moment before its certificate, and a file be closed to us for a while: it is tried again.
                Err(error) => {
                    tracing::error!(%error, "certificates cannot be read again; those before go on");
                    known.files.iter().for_each(WatchedFile::tell_again);
                }
            }
        }
        known.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Agrees with a client on encryption, within a time.
    pub(super) async fn accept(
        &self,
        mut stream: TcpStream,
        time: Duration,
    ) -> io::Result<(TlsStream<TcpStream>, Option<ClientCertificate>)> {
        let accepting = async {
            let mut first = [0];
            if stream.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
                let length = NOT_PLAIN.len();
                let answer = format!(
                    "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: \
                     close\r\n\r\n{NOT_PLAIN}"
                );
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await?;
                return Err(io::Error::other("plain HTTP where TLS is spoken"));
            }
            if first[0] != HANDSHAKE {
                return Err(io::Error::other("neither TLS nor HTTP"));
            }
            let stream = TlsAcceptor::from(self.config()).accept(stream).await?;
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(ClientCertificate::of);
            Ok((stream, certificate))
        };
        tokio::time::timeout(time, accepting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn read(options: &TlsOptions) -> Result<ServerConfig, TlsError> {
    let wrong = |path: &Path, what: &dyn std::fmt::Display| TlsError { path: path.to_owned(), what: what.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&options.certificate, &error))?;
    let builder = match &options.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(|error| wrong(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| wrong(path, &error))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&options.key).map_err(|error| wrong(&options.key, &error))?;
    let chain = certificates(&options.certificate)?;
    let mut config = builder.with_single_cert(chain, key).map_err(|error| wrong(&options.certificate, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |what: String| TlsError { path: path.to_owned(), what };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| wrong(error.to_string()))?;
    match found.is_empty() {
        true => Err(wrong("expected a certificate in PEM, found none".to_owned())),
        false => Ok(found),
    }
}
