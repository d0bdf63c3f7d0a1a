//! `[gateway]`: where the server listens, who may ask, and how much it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use mvl_serve::GatewayOptions;
use serde::{Deserialize, Serialize};

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GatewayTable {
    /// Where to listen; port 0 is any that is free.
    pub address: SocketAddr,
    /// A file of API keys, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<PathBuf>,
    /// The most connections at a time; more wait to be taken.
    pub connections: usize,
    /// How long a client may take to send its headers.
    pub header_ms: u64,
    /// How long a client may take to send its body.
    pub body_ms: u64,
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
            connections: options.connections,
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
        within("header_ms", 1, MAX_MS, self.header_ms);
        within("body_ms", 1, MAX_MS, self.body_ms);
        within("max_request_mib", 1, MAX_REQUEST_MIB.into(), self.max_request_mib.into());
        within("drain_ms", 0, MAX_MS, self.drain_ms);
        within("grace_ms", 0, MAX_MS, self.grace_ms);
        if let Some(file) = self.keys.as_ref().filter(|file| !file.is_file()) {
            problems.push(format!("keys: expected a file of API keys, got {file:?}"));
        }
        if self.keys.is_none() && !self.address.ip().is_loopback() {
            problems.push(format!(
                "address: without keys only this machine is served, so expected an address such as 127.0.0.1, got {}",
                self.address
            ));
        }
        problems
    }

    /// For the library; keys are read by whoever opens their file.
    pub(super) fn options(&self) -> GatewayOptions {
        GatewayOptions {
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
