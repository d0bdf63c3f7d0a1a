//! A part of a long answer.

use serde::{Deserialize, Serialize};

/// Some of the answers, and the token that asks for the next ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The answers, in order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next_page_token: Option<String>,
}

impl<T> Page<T> {
    /// The same page with every item made into something else.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(make).collect(), next_page_token: self.next_page_token }
    }
}
