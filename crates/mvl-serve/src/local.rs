//! A server without keys answers this machine alone, also by name: a page in a browser may send requests here too, under a name of its
//! own that leads here, or across origins.

use axum::http::{HeaderMap, header};

/// A name in a request that is not this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign<'a> {
    /// What the server was asked as.
    Host(&'a str),
    /// Whose page asks.
    Origin(&'a str),
}

/// The first name of a request that is not this machine's.
pub(crate) fn foreign(headers: &HeaderMap) -> Option<Foreign<'_>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(host) = text(header::HOST).filter(|host| !is_local(host)) {
        return Some(Foreign::Host(host));
    }
    let local = |origin: &str| origin.split_once("://").is_some_and(|(_, host)| is_local(host));
    text(header::ORIGIN).filter(|origin| !local(origin)).map(Foreign::Origin)
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "127.0.0.1" // the usual one need not be parsed
        || name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for local in ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.0.0.1:80", "[::1]:5000", "127.3.2.1:1"] {
            assert!(is_local(local), "{local}");
        }
        for other in
            ["evil.example", "127.0.0.1.evil.example:5000", "localhost.evil.example", "192.168.0.1", "", "0.0.0.0"]
        {
            assert!(!is_local(other), "{other}");
        }
    }
}
