//! `[gateway]`: where the server listens, who may ask, and how much it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use mvl_serve::{ApiKeys, AuditLog, AuditOptions, GatewayOptions, Tls, TlsOptions, TokenOptions, Tokens};
use serde::{Deserialize, Serialize};

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GatewayTable {
    /// Where to listen; port 0 is any that is free.
    pub address: SocketAddr,
    /// A file of API keys, as `mvl keys new` makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<PathBuf>,
    /// A file that keeps how often each key asked today, over restarts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<PathBuf>,
    /// The most requests a minute from one address, of those who show neither a key nor a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Whose pages may ask (CORS).
    pub origins: Vec<String>,
    /// Where it is written who did what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditOptions>,
    /// Certificates, for encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsOptions>,
    /// Whose tokens are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenOptions>,
    /// The most connections at a time; more wait to be taken.
    pub connections: usize,
    /// The most connections at a time from one address other than this machine's.
    pub connections_per_address: usize,
    /// How long a client may take to send its headers.
    pub header_ms: u64,
    /// How long a client may take to send its body.
    pub body_ms: u64,
    /// How long a stream of requests may be silent.
    pub silence_ms: u64,
    /// How many MiB of bodies are held at a time, over all requests.
    pub held_mib: u32,
    /// The largest request, also once it is unpacked.
    pub max_request_mib: u32,
    /// How long the server says that it is not ready, and answers all the same, before it takes no more connections: as long as load
    /// balancers need to notice.
    pub drain_ms: u64,
    /// How long requests under way may take after that.
    pub grace_ms: u64,
}

impl Default for GatewayTable {
    fn default() -> Self {
        let options = GatewayOptions::default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            address: (Ipv4Addr::LOCALHOST, 8000).into(),
            keys: None,
            counts: None,
            requests_per_minute: None,
            origins: Vec::new(),
            audit: None,
            tls: None,
            tokens: None,
            connections: options.connections,
            connections_per_address: options.connections_per_address,
            silence_ms: millis(options.silence),
            held_mib: u32::try_from(options.held_bytes >> 20).unwrap_or(u32::MAX),
            header_ms: millis(options.header_time),
            body_ms: millis(options.body_time),
            max_request_mib: u32::try_from(options.body_bytes >> 20).unwrap_or(u32::MAX),
            drain_ms: 0,
            grace_ms: millis(options.grace),
        }
    }
}

/// The longest time that can be set, in milliseconds: a day.
pub(super) const MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// The most connections; each is a file of the process.
const MAX_CONNECTIONS: usize = 1 << 20;
/// The largest request that can be allowed.
const MAX_REQUEST_MIB: u32 = 4096;

impl GatewayTable {
    /// What is wrong with it, by field.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut within = |field: &str, least: u64, most: u64, got: u64| {
            if !(least..=most).contains(&got) {
                problems.push(format!("{field}: expected {least} to {most}, got {got}"));
            }
        };
        within("connections", 1, MAX_CONNECTIONS as u64, self.connections as u64);
        within("connections_per_address", 1, MAX_CONNECTIONS as u64, self.connections_per_address as u64);
        within("silence_ms", 1, MAX_MS, self.silence_ms);
        within("held_mib", self.max_request_mib.into(), 1 << 20, self.held_mib.into());
        within("header_ms", 1, MAX_MS, self.header_ms);
        within("body_ms", 1, MAX_MS, self.body_ms);
        within("max_request_mib", 1, MAX_REQUEST_MIB.into(), self.max_request_mib.into());
        within("drain_ms", 0, MAX_MS, self.drain_ms);
        within("grace_ms", 0, MAX_MS, self.grace_ms);
        if let Some(file) = self.keys.as_ref().filter(|file| !file.is_file()) {
            problems.push(format!("keys: expected a file of API keys, got {file:?}"));
        }
        if self.counts.is_some() && self.keys.is_none() {
            problems.push("counts: expected keys beside it, whose requests are counted".to_owned());
        }
        let mut file_of = |field: &str, file: &Path| {
            if !file.is_file() {
                problems.push(format!("{field}: expected a file in PEM, got {file:?}"));
            }
        };
        if let Some(TlsOptions { certificate, key, client_ca }) = &self.tls {
            file_of("tls.certificate", certificate);
            file_of("tls.key", key);
            client_ca.iter().for_each(|file| file_of("tls.client_ca", file));
        }
        let whole = |origin: &&String| !origin.contains("://") || origin.ends_with('/') || origin.contains('*');
        for origin in self.origins.iter().filter(whole) {
            problems.push(format!("origins: expected an origin such as https://app.example, got {origin:?}"));
        }
        let asks_who = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if self.keys.is_none() && self.tokens.is_none() && !asks_who && !self.address.ip().is_loopback() {
            problems.push(format!(
                "address: without keys only this machine is served, so expected an address such as 127.0.0.1, got {}",
                self.address
            ));
        }
        problems
    }

    /// For the library, with keys, certificates and the issuer's keys read. The audit log is opened when the server starts.
    ///
    /// # Errors
    /// When a file cannot be read or is not as expected.
    pub(crate) fn opened(&self) -> anyhow::Result<GatewayOptions> {
        let keys = self.keys.as_ref().map(|file| ApiKeys::open(file)).transpose().context("gateway.keys")?;
        let mut keys = keys.unwrap_or_default();
        if let Some(file) = &self.counts {
            keys = keys.counted_in(file).context("gateway.counts")?;
        }
        let tls = self.tls.clone().map(Tls::open).transpose().context("gateway.tls")?;
        let tokens = self.tokens.clone().map(Tokens::open).transpose();
        let tokens = tokens.map_err(|what| anyhow::anyhow!("gateway.{what}"))?;
        Ok(GatewayOptions { keys, tls, tokens, ..self.options() })
    }

    /// Opens the audit log, if there is one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn audit_log(&self) -> anyhow::Result<Option<AuditLog>> {
        let open = |options: &AuditOptions| {
            AuditLog::open(options).with_context(|| format!("gateway.audit: cannot open {}", options.file.display()))
        };
        self.audit.as_ref().map(open).transpose()
    }

    /// For the library, without what is read from files.
    pub(super) fn options(&self) -> GatewayOptions {
        GatewayOptions {
            requests_per_minute: self.requests_per_minute,
            origins: self.origins.clone(),
            connections_per_address: self.connections_per_address,
            silence: Duration::from_millis(self.silence_ms),
            held_bytes: (self.held_mib as usize) << 20,
            address: self.address,
            connections: self.connections,
            header_time: Duration::from_millis(self.header_ms),
            body_time: Duration::from_millis(self.body_ms),
            body_bytes: (self.max_request_mib as usize) << 20,
            grace: Duration::from_millis(self.grace_ms),
            ..GatewayOptions::default()
        }
    }
}
