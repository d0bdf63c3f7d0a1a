//! [`Authorization`]: what a request shows of who asks, in the header of that name.

use axum::http::{HeaderMap, header};

/// What a request shows of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization<'a> {
    /// A key or a token.
    Bearer(&'a str),
    /// A name and a password, in base64.
    Basic(&'a str),
}

impl<'a> Authorization<'a> {
    /// What the header says, if it is there and of a kind that is known.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let rest = rest.trim();
        match scheme {
            _ if scheme.eq_ignore_ascii_case("bearer") => Some(Self::Bearer(rest)),
            _ if scheme.eq_ignore_ascii_case("basic") => Some(Self::Basic(rest)),
            _ => None,
        }
    }
}
