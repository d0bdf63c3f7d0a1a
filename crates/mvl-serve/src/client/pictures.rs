//! Pictures: what a model sees in them.

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::transport::Asked;
use super::{Client, ClientError};
use crate::Predictions;

/// How pictures are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PredictOptions {
    /// The version; without it the server decides.
    pub version: Option<String>,
    /// How many classes to tell; five by default.
    pub top: Option<usize>,
    /// After what time the answer is of no use; the client's time by default.
    pub timeout: Option<Duration>,
}

impl PredictOptions {
    /// So many classes.
    pub fn top(top: usize) -> Self {
        Self { top: Some(top), ..Self::default() }
    }
}

impl Client {
    /// What a model sees in a picture: an encoded JPEG, PNG, WebP or BMP.
    ///
    /// # Errors
    /// When the server refuses, does not answer in time, or not as expected.
    pub async fn predict(
        &self,
        model: &str,
        picture: impl Into<Bytes>,
        options: &PredictOptions,
    ) -> Result<Predictions, ClientError> {
        self.look(model, options, "application/octet-stream", picture.into()).await
    }

    /// The same for several pictures, all seen by one version.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub async fn predict_all<P: AsRef<[u8]>>(
        &self,
        model: &str,
        pictures: &[P],
        options: &PredictOptions,
    ) -> Result<Predictions, ClientError> {
        let images: Vec<String> = pictures.iter().map(|picture| STANDARD.encode(picture)).collect();
        let body = serde_json::json!({ "images": images }).to_string();
        self.look(model, options, "application/json", body.into()).await
    }

    async fn look(
        &self,
        model: &str,
        options: &PredictOptions,
        kind: &'static str,
        body: Bytes,
    ) -> Result<Predictions, ClientError> {
        let within = options.timeout.unwrap_or(self.timeout);
        let mut url = match &options.version {
            None => self.url(&["v1", "models", &format!("{model}:predict")]),
            Some(version) => self.url(&["v1", "models", model, "versions", &format!("{version}:predict")]),
        };
        let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
        url.query_pairs_mut().append_pair("timeout_ms", &millis.to_string());
        if let Some(top) = options.top {
            url.query_pairs_mut().append_pair("top", &top.to_string());
        }
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
        let asked = Asked { method: Method::POST, url, headers, body };
        self.sent(&asked, within).await
    }
}
