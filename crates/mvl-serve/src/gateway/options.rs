//! [`GatewayOptions`]: where a server listens and how much it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::ApiKeys;

/// Where a server listens and how much it takes.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Where to listen; port 0 is any that is free. Without keys it must be of this machine alone.
    pub address: SocketAddr,
    /// Who may ask.
    pub keys: ApiKeys,
    /// The most connections at a time; more wait to be taken.
    pub connections: usize,
    /// How long a client may take to send its headers.
    pub header_time: Duration,
    /// How long a client may take to send its body.
    pub body_time: Duration,
    /// The largest body.
    pub body_bytes: usize,
    /// How long requests under way may take once the server ends.
    pub grace: Duration,
}

impl Default for GatewayOptions {
    /// 127.0.0.1:8000, 1,024 connections, ten seconds for headers, thirty for a body of at most 64 MiB, half a minute of grace.
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8000).into(),
            keys: ApiKeys::default(),
            connections: 1024,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            body_bytes: 64 << 20,
            grace: Duration::from_secs(30),
        }
    }
}
