//! Tensors: what is asked of a model, and what it answers.

use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use bytes::Bytes;
use mvl_infer::{DataType, HostTensor, TensorSpec};
use serde::Deserialize;

use super::transport::Asked;
use super::{Client, ClientError};
use crate::oip::rest::{Incoming, JSON_LENGTH, Outgoing};

/// What is asked of a model.
///
/// ```
/// use mvl_infer::HostTensor;
/// use mvl_serve::client::InferRequest;
///
/// let request = InferRequest::new("echo").with_input("INPUT0", HostTensor::from_f32(vec![1, 2], &[1.0, 2.0]));
/// assert_eq!(request.inputs.len(), 1);
/// ```
#[derive(Debug, Clone, Default)]
pub struct InferRequest {
    /// The model.
    pub model: String,
    /// The version; without it the server decides.
    pub version: Option<String>,
    /// Comes back with the answer.
    pub id: Option<String>,
    /// The inputs by name.
    pub inputs: Vec<(String, HostTensor)>,
    /// The outputs that are wanted; none means all.
    pub outputs: Vec<String>,
    /// 1 goes first, 0 and 2 as usual, others last.
    pub priority: Option<u64>,
    /// After what time the answer is of no use; the client's time by default.
    pub timeout: Option<Duration>,
}

impl InferRequest {
    /// A request without inputs.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Adds an input.
    #[must_use]
    pub fn with_input(mut self, name: impl Into<String>, tensor: HostTensor) -> Self {
        self.inputs.push((name.into(), tensor));
        self
    }

    /// Asks for an output; without any, all are given.
    #[must_use]
    pub fn with_output(mut self, name: impl Into<String>) -> Self {
        self.outputs.push(name.into());
        self
    }

    /// Asks a version.
    #[must_use]
    pub fn with_version(self, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..self }
    }

    /// Wants the answer within this time.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

/// What a model answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InferResponse {
    /// The model.
    pub model: String,
    /// The version that answered, where the server says it.
    pub version: Option<String>,
    /// The request's.
    pub id: Option<String>,
    /// The outputs by name.
    pub outputs: Vec<(String, HostTensor)>,
}

impl InferResponse {
    /// An output by its name.
    pub fn output(&self, name: &str) -> Option<&HostTensor> {
        self.outputs.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor)
    }
}

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelMetadata {
    /// The name.
    pub name: String,
    /// The versions that may be asked for.
    pub versions: Vec<String>,
    /// What computes.
    pub platform: String,
    /// What it takes.
    pub inputs: Vec<TensorSpec>,
    /// What it gives.
    pub outputs: Vec<TensorSpec>,
}

#[derive(Deserialize)]
struct MetadataBody {
    name: String,
    #[serde(default)]
    versions: Option<Vec<String>>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    inputs: Vec<SpecBody>,
    #[serde(default)]
    outputs: Vec<SpecBody>,
}

#[derive(Deserialize)]
struct SpecBody {
    name: String,
    datatype: String,
    shape: Vec<i64>,
}

impl SpecBody {
    fn checked(self) -> Result<TensorSpec, String> {
        let datatype = DataType::from_str(&self.datatype)?;
        match self.shape.iter().all(|&side| side >= -1) && self.shape.len() <= mvl_infer::MAX_RANK {
            true => Ok(TensorSpec::new(self.name, datatype, &self.shape)),
            false => Err(format!("tensor {:?} has shape {:?}", self.name, self.shape)),
        }
    }
}

impl Client {
    /// Asks a model for tensors.
    ///
    /// # Errors
    /// When the server refuses, does not answer in time, or not as the protocol says.
    pub async fn infer(&self, request: &InferRequest) -> Result<InferResponse, ClientError> {
        let url = self.model_url(&request.model, request.version.as_deref(), &["infer"]);
        self.infer_at(url, request).await
    }

    /// Asks whoever answers at an address in the protocol's form.
    pub(crate) async fn infer_at(&self, url: url::Url, request: &InferRequest) -> Result<InferResponse, ClientError> {
        let InferRequest { id, inputs, outputs, priority, timeout, .. } = request;
        let within = timeout.unwrap_or(self.timeout);
        let outgoing = Outgoing {
            id: id.as_deref(),
            inputs,
            outputs,
            priority: *priority,
            timeout: Some(within),
            binary: self.encoding == super::TensorEncoding::Binary,
        };
        let written = outgoing.write().map_err(|what| ClientError::Request { what })?;
        let mut headers = Vec::with_capacity(2);
        let kind = match written.json_length {
            Some(length) => {
                headers.push((JSON_LENGTH, HeaderValue::from(length)));
                "application/octet-stream"
            }
            None => "application/json",
        };
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static(kind)));
        let address = url.to_string();
        let asked = Asked { method: Method::POST, url, headers, body: written.body };
        let answered = self.transport.send(&asked, within).await?;
        let length =
            answered.headers.get(JSON_LENGTH).map(|length| length.to_str().ok().and_then(|text| text.parse().ok()));
        let read = match length {
            Some(None) => Err("expected Inference-Header-Content-Length to be a count of bytes".to_owned()),
            length => Incoming::read(&answered.body, length.flatten()),
        };
        let Incoming { model, version, id, outputs } = read.map_err(|what| ClientError::Answer { address, what })?;
        Ok(InferResponse { model, version, id, outputs })
    }

    /// What a model takes and gives.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub async fn model_metadata(&self, model: &str, version: Option<&str>) -> Result<ModelMetadata, ClientError> {
        let url = self.model_url(model, version, &[]);
        let address = url.to_string();
        let body: MetadataBody = self.json(Method::GET, url, Bytes::new()).await?;
        let specs = |specs: Vec<SpecBody>| {
            let specs: Result<_, String> = specs.into_iter().map(SpecBody::checked).collect();
            specs.map_err(|what| ClientError::Answer { address: address.clone(), what })
        };
        Ok(ModelMetadata {
            name: body.name,
            versions: body.versions.unwrap_or_default(),
            platform: body.platform.unwrap_or_default(),
            inputs: specs(body.inputs)?,
            outputs: specs(body.outputs)?,
        })
    }
}
