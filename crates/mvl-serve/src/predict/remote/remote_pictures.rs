//! [`RemotePictures`]: fetches pictures from hosts that are allowed.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::address::is_public;
use crate::{ServiceError, Trouble};

/// The longest URL.
const URL_BYTES: usize = 2_048;

/// Which hosts pictures may be fetched from, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteOptions {
    /// Hosts that may be asked: `images.example.com`, or `*.example.com` for every name below. None means that no URL is taken.
    pub hosts: Vec<String>,
    /// Hosts of this network that may be asked too, whatever their addresses: names or addresses, without wildcards.
    pub internal_hosts: Vec<String>,
    /// The largest picture, in bytes.
    pub max_bytes: usize,
    /// How long it may take to fetch one, in milliseconds.
    pub timeout_ms: u64,
    /// How many may be fetched at once.
    pub at_once: usize,
}

impl Default for RemoteOptions {
    /// No hosts; pictures of at most 16 MiB, 5 s for each, 16 at once.
    fn default() -> Self {
        Self { hosts: Vec::new(), internal_hosts: Vec::new(), max_bytes: 16 << 20, timeout_ms: 5_000, at_once: 16 }
    }
}

impl RemoteOptions {
    /// Whether a host may be asked.
    fn allows(&self, host: &str) -> bool {
        let below = |pattern: &str| {
            let rest = pattern.strip_prefix("*.").and_then(|domain| host.strip_suffix(domain));
            rest.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        };
        let named = self.hosts.iter().map(|pattern| pattern.to_ascii_lowercase());
        named.into_iter().any(|pattern| pattern == host || below(&pattern)) || self.is_internal(host)
    }

    fn is_internal(&self, host: &str) -> bool {
        self.internal_hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// Fetches pictures. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct RemotePictures {
    options: Arc<RemoteOptions>,
    /// None where no host is allowed.
    http: Option<reqwest::Client>,
    places: Arc<Semaphore>,
}

/// Resolves names, and gives only addresses that may be connected to. What it gives is what is connected to.
#[derive(Debug)]
struct Checked(Arc<RemoteOptions>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let options = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let fine = |address: &SocketAddr| is_public(address.ip()) || options.is_internal(&host);
            // One that is not public tells of a trick, or of a name that is not the world's.
            match !found.is_empty() && found.iter().all(fine) {
                true => Ok(Box::new(found.into_iter()) as Addrs),
                false => Err(Box::from(NOT_PUBLIC)),
            }
        })
    }
}

const NOT_PUBLIC: &str = "the host has no public address";

impl RemotePictures {
    pub(crate) fn new(options: RemoteOptions) -> Self {
        let options = Arc::new(options);
        let allowed = !options.hosts.is_empty() || !options.internal_hosts.is_empty();
        let http = allowed.then(|| {
            mvl_store::choose_provider();
            let timeout = Duration::from_millis(options.timeout_ms);
            let builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy() // it would do the connecting, and the resolving
                .referer(false)
                .dns_resolver(Arc::new(Checked(options.clone())))
                .connect_timeout(timeout)
                .timeout(timeout)
                .user_agent(concat!("mvl/", env!("CARGO_PKG_VERSION")));
            builder.build().ok()
        });
        let places = Arc::new(Semaphore::new(options.at_once.max(1)));
        Self { options, http: http.flatten(), places }
    }

    /// The bytes at a URL, which may be no picture yet, but come as one.
    pub(crate) async fn fetch(&self, text: &str) -> Result<Bytes, ServiceError> {
        let Some(http) = &self.http else {
            return Err(ServiceError::new(Trouble::Forbidden, "this server fetches no pictures by URL"));
        };
        let url = self.checked(text)?;
        let _place = self.places.acquire().await.map_err(|_| ServiceError::internal("fetching has ended"))?;
        // What the other side says goes to no client: it may be of a place that a client must not see.
        let failed = |error: &reqwest::Error| {
            let why = match () {
                () if error.is_timeout() => "it took too long",
                () if told(error) => NOT_PUBLIC,
                () => "it cannot be fetched",
            };
            ServiceError::invalid(format!("the picture's URL: {why}"))
        };
        let mut response = http.get(url).send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            let hint = if status.is_redirection() { "; redirects are not followed" } else { "" };
            let message = format!("the picture's URL: expected status 200, got {}{hint}", status.as_u16());
            return Err(ServiceError::invalid(message));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !(kind.starts_with("image/") || kind.starts_with("application/octet-stream")) {
            let shown: String = kind.chars().take(100).collect();
            let message = format!("the picture's URL: expected Content-Type image/…, got {shown:?}");
            return Err(ServiceError::invalid(message));
        }
        let most = self.options.max_bytes;
        let too_large = || {
            let message = format!("the picture's URL: expected at most {most} bytes");
            Err(ServiceError::new(Trouble::TooLarge, message))
        };
        if response.content_length().is_some_and(|length| length > most as u64) {
            return too_large();
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            if bytes.len() + chunk.len() > most {
                return too_large();
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// A URL that may be asked, by what can be told before a name is resolved.
    fn checked(&self, text: &str) -> Result<Url, ServiceError> {
        let wrong = |what: &str| ServiceError::invalid(format!("the picture's URL: {what}"));
        if text.len() > URL_BYTES {
            return Err(wrong("it is too long"));
        }
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("expected http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it has a user or a password"));
        }
        let host = url.host().ok_or_else(|| wrong("it has no host"))?;
        let (name, address): (String, Option<IpAddr>) = match host {
            Host::Domain(name) => (name.trim_end_matches('.').to_ascii_lowercase(), None),
            Host::Ipv4(address) => (address.to_string(), Some(address.into())),
            Host::Ipv6(address) => (address.to_string(), Some(address.into())),
        };
        if !self.options.allows(&name) {
            let message = "the picture's URL: its host is not one that this server fetches from";
            return Err(ServiceError::new(Trouble::Forbidden, message));
        }
        let internal = self.options.is_internal(&name);
        if address.is_some_and(|address| !is_public(address)) && !internal {
            return Err(wrong(NOT_PUBLIC));
        }
        // Other services of a host are none of a client's business.
        if url.port().is_some() && !internal {
            return Err(wrong("expected no port but the scheme's own"));
        }
        Ok(url)
    }
}

/// Whether a name's addresses were why.
fn told(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if error.to_string() == NOT_PUBLIC {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_allowed_by_name_and_below_a_name() {
        let hosts = vec!["images.example.com".to_owned(), "*.cdn.example".to_owned()];
        let options = RemoteOptions { hosts, internal_hosts: vec!["nas".to_owned()], ..RemoteOptions::default() };
        for fine in ["images.example.com", "a.cdn.example", "a.b.cdn.example", "nas"] {
            assert!(options.allows(fine), "{fine}");
        }
        for other in [
            "example.com",
            "x.images.example.com",
            "cdn.example",
            ".cdn.example",
            "evilcdn.example",
            "cdn.example.evil",
            "",
        ] {
            assert!(!options.allows(other), "{other}");
        }
    }
}
