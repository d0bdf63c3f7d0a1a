//! Messages to wherever people are: a POST with JSON for each event that matters.
//!
//! [`Webhook`] chooses the events; `message` says them; a thread of its own delivers them.

mod courier;
mod message;
mod observer;

pub use message::{WebhookEvent, WebhookFormat};
pub use observer::Webhook;
