//! Brings messages to their address, signed if there is a secret.
//!
//! The signature is that of GitHub's webhooks, for which there are checkers in every language: HMAC-SHA256 (RFC 2104) of the body, in
//! hexadecimal digits after `sha256=`.

use std::collections::VecDeque;
use std::fmt::Write as _;

use reqwest::Url;
use reqwest::header::HeaderMap;
use ring::hmac;

use super::message::Message;
use crate::observers::remote::{Body, Courier, HttpClient, Method};
use mvl_core::RecordFailure;

const EVENT_HEADER: &str = "x-mvl-event";
const DELIVERY_HEADER: &str = "x-mvl-delivery";
const SIGNATURE_HEADER: &str = "x-mvl-signature-256";

/// One run's courier.
pub(super) struct WebhookCourier {
    pub(super) http: HttpClient,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) key: Option<hmac::Key>,
}

impl Courier for WebhookCourier {
    type Parcel = Message;

    fn load(&self, _: &VecDeque<Message>) -> usize {
        1
    }

    fn deliver(&mut self, messages: &[Message]) -> Result<(), RecordFailure> {
        for message in messages {
            let body = Body::Bytes(message.body.clone());
            let mut request = self
                .http
                .request(Method::POST, self.url.clone(), body)
                .header("content-type", "application/json")
                .header(EVENT_HEADER, message.event.name())
                .header(DELIVERY_HEADER, &message.id)
                .headers(self.headers.clone());
            if let Some(key) = &self.key {
                request = request.header(SIGNATURE_HEADER, signature(key, &message.body));
            }
            self.http.send(request)?;
        }
        Ok(())
    }
}

/// The key made of a secret.
pub(super) fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

fn signature(key: &hmac::Key, body: &[u8]) -> String {
    let mut text = "sha256=".to_owned();
    for byte in hmac::sign(key, body).as_ref() {
        let _ = write!(text, "{byte:02x}"); // text takes everything
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation ("Validating webhook deliveries").
    #[test]
    fn signatures_are_those_of_githubs_webhooks() {
        let key = key("It's a Secret to Everybody");
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(signature(&key, b"Hello, World!"), expected);
    }
}
