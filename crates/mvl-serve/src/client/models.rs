//! Models: listed, created, loaded, shared out, forgotten.

use axum::http::Method;
use bytes::Bytes;
use serde::Deserialize;

use super::{Client, ClientError};
use crate::{ModelDescription, NewModel};

#[derive(Deserialize)]
struct List {
    models: Vec<ModelDescription>,
}

impl Client {
    /// Every model that the server knows.
    ///
    /// # Errors
    /// When the server refuses, does not answer in time, or not as expected. So do all of these.
    pub async fn models(&self) -> Result<Vec<ModelDescription>, ClientError> {
        let list: List = self.json(Method::GET, self.url(&["v1", "models"]), Bytes::new()).await?;
        Ok(list.models)
    }

    /// One model.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn model(&self, name: &str) -> Result<ModelDescription, ClientError> {
        self.json(Method::GET, self.url(&["v1", "models", name]), Bytes::new()).await
    }

    /// Lets the server load another model; it is there once this returns.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn create_model(&self, new: &NewModel) -> Result<ModelDescription, ClientError> {
        let body = serde_json::to_vec(new).map_err(|error| ClientError::Request { what: error.to_string() })?;
        self.json(Method::POST, self.url(&["v1", "models"]), body.into()).await
    }

    /// Lets the server forget a model.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn delete_model(&self, name: &str) -> Result<(), ClientError> {
        self.text(Method::DELETE, self.url(&["v1", "models", name]), Bytes::new()).await.map(drop)
    }

    /// Lets the server load what a model's source stands for now.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn load(&self, name: &str) -> Result<ModelDescription, ClientError> {
        self.act(name, "load", Bytes::new()).await
    }

    /// Takes a model out; it stays known.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn unload(&self, name: &str) -> Result<ModelDescription, ClientError> {
        self.act(name, "unload", Bytes::new()).await
    }

    /// Lets another version answer so many of a hundred requests; 0 ends it.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn canary(&self, name: &str, source: &str, percent: u8) -> Result<ModelDescription, ClientError> {
        self.act(name, "canary", share(source, percent)).await
    }

    /// Shows another version so many of a hundred requests; 0 ends it.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn shadow(&self, name: &str, source: &str, percent: u8) -> Result<ModelDescription, ClientError> {
        self.act(name, "shadow", share(source, percent)).await
    }

    /// Lets the canary answer everything.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn promote(&self, name: &str) -> Result<ModelDescription, ClientError> {
        self.act(name, "promote", Bytes::new()).await
    }

    /// Goes back to the version before.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    pub async fn rollback(&self, name: &str) -> Result<ModelDescription, ClientError> {
        self.act(name, "rollback", Bytes::new()).await
    }

    async fn act(&self, name: &str, verb: &str, body: Bytes) -> Result<ModelDescription, ClientError> {
        self.json(Method::POST, self.url(&["v1", "models", &format!("{name}:{verb}")]), body).await
    }
}

fn share(source: &str, percent: u8) -> Bytes {
    serde_json::json!({ "source": source, "percent": percent }).to_string().into()
}
