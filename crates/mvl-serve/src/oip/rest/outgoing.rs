//! The other side of `infer`: requests as a client writes them, answers as it reads them.

use std::time::Duration;

use bytes::Bytes;
use mvl_infer::HostTensor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::body::{MAX_TENSORS, TensorBody, Written};
use super::input::InputBody;
use super::numbers::Elements;

/// A request that is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) inputs: &'a [(String, HostTensor)],
    /// None means all.
    pub(crate) outputs: &'a [String],
    /// Triton's: 1 goes first.
    pub(crate) priority: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    /// Tensors behind the JSON, both ways.
    pub(crate) binary: bool,
}

#[derive(Serialize)]
struct RequestBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, Value>,
    inputs: Vec<TensorBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Value>,
}

impl Outgoing<'_> {
    /// The body, and how long its JSON is if tensors follow it.
    ///
    /// # Errors
    /// When a tensor cannot be written in JSON.
    pub(crate) fn write(&self) -> Result<Written, String> {
        let mut parameters = Map::new();
        if self.binary {
            parameters.insert("binary_data_output".to_owned(), true.into());
        }
        if let Some(timeout) = self.timeout {
            let micros = u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX).max(1);
            parameters.insert("timeout".to_owned(), micros.into());
        }
        if let Some(priority) = self.priority {
            parameters.insert("priority".to_owned(), priority.into());
        }
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for (name, tensor) in self.inputs {
            let (parameters, data) = match self.binary {
                true => (Some(json!({ "binary_data_size": tensor.bytes().len() })), None),
                false => {
                    Elements(tensor).check(name).map_err(|error| error.to_string())?;
                    (None, Some(Elements(tensor)))
                }
            };
            inputs.push(TensorBody {
                name,
                datatype: tensor.datatype().name(),
                shape: tensor.shape(),
                parameters,
                data,
            });
        }
        let outputs = self.outputs.iter().map(|name| json!({ "name": name })).collect();
        let request = RequestBody { id: self.id, parameters, inputs, outputs };
        let mut body = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
        let json_length = self.binary.then_some(body.len());
        if self.binary {
            self.inputs.iter().for_each(|(_, tensor)| body.extend_from_slice(tensor.bytes()));
        }
        Ok(Written { body: body.into(), json_length })
    }
}

/// An answer that was read.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) model: String,
    pub(crate) version: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) outputs: Vec<(String, HostTensor)>,
}

#[derive(Deserialize)]
struct AnswerBody {
    #[serde(default)]
    model_name: Option<String>,
    #[serde(default)]
    model_version: Option<String>,
    #[serde(default)]
    id: Option<String>,
    outputs: Vec<InputBody>,
}

impl Incoming {
    /// Reads a body; `json_length` is what the header says.
    ///
    /// # Errors
    /// When it is not as the protocol says.
    pub(crate) fn read(body: &Bytes, json_length: Option<usize>) -> Result<Self, String> {
        let length = json_length.unwrap_or(body.len());
        let json = body.get(..length).ok_or_else(|| {
            format!("expected Inference-Header-Content-Length of at most the body's {} bytes, got {length}", body.len())
        })?;
        let answer: AnswerBody = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if answer.outputs.len() > MAX_TENSORS {
            return Err(format!("expected at most {MAX_TENSORS} outputs, got {}", answer.outputs.len()));
        }
        let mut binary = body.slice(length..);
        let mut outputs = Vec::with_capacity(answer.outputs.len());
        for output in answer.outputs {
            let in_output = |error: String| format!("output {:?}: {error}", output.name);
            let tensor = match (output.parameters.get("binary_data_size"), output.data) {
                (None, Some(data)) => data,
                (Some(size), None) => {
                    let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
                    let size = size.filter(|&size| size <= binary.len());
                    let size = size.ok_or_else(|| in_output("expected its bytes behind the JSON".to_owned()))?;
                    let tensor = HostTensor::new(output.datatype, output.shape, binary.split_to(size));
                    tensor.map_err(|error| in_output(error.to_string()))?
                }
                _ => return Err(in_output("expected either data or binary_data_size".to_owned())),
            };
            outputs.push((output.name, tensor));
        }
        let model = answer.model_name.unwrap_or_default();
        Ok(Self { model, version: answer.model_version, id: answer.id, outputs })
    }
}

#[cfg(test)]
mod tests {
    use mvl_infer::DataType;

    use super::*;

    #[test]
    fn answers_are_read_in_json_and_binary_and_refused_when_they_lie() {
        let json = r#"{"model_name":"m","parameters":null,"outputs":[{"name":"y","datatype":"INT32","shape":[2],"parameters":null,"data":[1,-2]}]}"#;
        let read = Incoming::read(&Bytes::from(json), None).expect("an answer");
        assert_eq!((read.model.as_str(), &read.outputs[0].1.bytes()[..]), ("m", &[1, 0, 0, 0, 254, 255, 255, 255][..]));
        let head = r#"{"model_name":"m","outputs":[{"name":"y","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}}]}"#;
        let binary = Bytes::from([head.as_bytes(), &[7, 8]].concat());
        let read = Incoming::read(&binary, Some(head.len())).expect("an answer");
        assert_eq!((read.outputs[0].1.datatype(), &read.outputs[0].1.bytes()[..]), (DataType::Uint8, &[7, 8][..]));
        for (length, body) in [
            (Some(head.len() + 9), binary.clone()),
            (Some(head.len()), binary.slice(..head.len() + 1)),
            (None, Bytes::from(head)),
            (None, Bytes::from_static(b"{}")),
            (None, Bytes::from_static(b"<html>")),
            (None, Bytes::from(json.replace("[2]", "[3]"))),
            (None, Bytes::from(json.replace("[1,-2]", "[1,-2],\"data\":[3]"))),
        ] {
            Incoming::read(&body, length).expect_err("not as the protocol says");
        }
    }
}
