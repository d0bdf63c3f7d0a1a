//! [`GatewayOptions`]: where a server listens and how much it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use super::{AuditLog, Tls};
use crate::{ApiKeys, Tokens};

/// Where a server listens, whom it lets in and how much it takes.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Where to listen; port 0 is any that is free. Where nobody is asked who they are, it must be of this machine alone.
    pub address: SocketAddr,
    /// Who may ask by key.
    pub keys: ApiKeys,
    /// Whose tokens are taken.
    pub tokens: Option<Tokens>,
    /// With which certificate connections are encrypted; without it they are not.
    pub tls: Option<Tls>,
    /// The most requests a minute from one address, of those who show neither a key nor a token that is taken.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Whose pages may ask (CORS), such as `https://app.example`.
    pub origins: Vec<String>,
    /// Where it is written who did what.
    pub audit: Option<AuditLog>,
    /// The most connections at a time; more wait to be taken.
    pub connections: usize,
    /// The most connections at a time from one address other than this machine's.
    pub connections_per_address: usize,
    /// How long a client may take to send its headers, and to agree on encryption.
    pub header_time: Duration,
    /// How long a client may take to send its body, or a message.
    pub body_time: Duration,
    /// How long a stream of requests may be silent.
    pub silence: Duration,
    /// The largest body.
    pub body_bytes: usize,
    /// The most bytes of bodies that are held at a time, over all requests.
    pub held_bytes: usize,
    /// How long requests under way may take once the server ends.
    pub grace: Duration,
}

impl Default for GatewayOptions {
    /// 127.0.0.1:8000, 1,024 connections and 256 of one address, ten seconds for headers, thirty for a body of at most 64 MiB, 1 GiB
    /// for all bodies, ten minutes of silence, half a minute of grace.
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8000).into(),
            keys: ApiKeys::default(),
            tokens: None,
            tls: None,
            requests_per_minute: None,
            origins: Vec::new(),
            audit: None,
            connections: 1024,
            connections_per_address: 256,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            silence: Duration::from_secs(600),
            body_bytes: 64 << 20,
            held_bytes: 1 << 30,
            grace: Duration::from_secs(30),
        }
    }
}

impl GatewayOptions {
    /// Whether everybody who asks is known.
    pub(super) fn asks_who(&self) -> bool {
        !self.keys.is_empty() || self.tokens.is_some() || self.tls.as_ref().is_some_and(Tls::asks_who)
    }
}
