//! Bodies of `infer` over REST: JSON, and JSON followed by binary tensors.
//!
//! A body is JSON with binary tensors behind it when the header `Inference-Header-Content-Length` says how long the JSON is.

use std::time::Duration;

use axum::http::HeaderName;
use bytes::Bytes;
use mvl_infer::{HostTensor, Priority, Signature};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::input::InputBody;
use super::numbers::Elements;
use crate::ServiceError;
use crate::oip::memory::{Region, SharedMemory};
use crate::service::{InferAnswer, InferCall};

/// The header that tells JSON from binary tensors.
pub(crate) const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");
/// The most inputs or outputs of a request.
pub(super) const MAX_TENSORS: usize = 1024;

#[derive(Deserialize)]
struct RequestBody {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
    inputs: Vec<InputBody>,
    #[serde(default)]
    outputs: Vec<OutputRequest>,
}

#[derive(Deserialize)]
struct OutputRequest {
    name: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// How an output is to be given.
enum Way {
    Json,
    Binary,
    Memory(Region),
}

/// A request, and how its answer is to be written.
pub(super) struct ParsedRequest {
    pub(super) call: InferCall,
    id: Option<String>,
    ways: Vec<(String, Way)>,
    otherwise_binary: bool,
}

/// Reads a body. `json_length` is what the header says.
pub(super) fn parse(
    body: &Bytes,
    json_length: Option<usize>,
    memory: &SharedMemory,
) -> Result<ParsedRequest, ServiceError> {
    let json_bytes = match json_length {
        None => &body[..],
        Some(length) => body.get(..length).ok_or_else(|| {
            ServiceError::invalid(format!(
                "expected Inference-Header-Content-Length of at most the body's {} bytes, got {length}",
                body.len()
            ))
        })?,
    };
    let wrong = |error: serde_json::Error| ServiceError::invalid(format!("the request is not as expected: {error}"));
    let request: RequestBody = serde_json::from_slice(json_bytes).map_err(wrong)?;
    if request.inputs.len() > MAX_TENSORS || request.outputs.len() > MAX_TENSORS {
        return Err(ServiceError::invalid(format!("expected at most {MAX_TENSORS} inputs and outputs")));
    }
    let mut binary = json_length.map_or_else(Bytes::new, |length| body.slice(length..));
    let mut inputs = Vec::with_capacity(request.inputs.len());
    for input in request.inputs {
        let in_input = |error: String| ServiceError::invalid(format!("input {:?}: {error}", input.name));
        let (datatype, shape) = (input.datatype, input.shape);
        let size = input.parameters.get("binary_data_size");
        let tensor = match (Region::of(&input.parameters).map_err(in_input)?, size, input.data) {
            (Some(region), None, None) => {
                let bytes = memory.read(&region).map_err(in_input)?;
                HostTensor::new(datatype, shape, bytes).map_err(|error| in_input(error.to_string()))?
            }
            (None, Some(size), None) => {
                let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
                let size =
                    size.ok_or_else(|| in_input("expected binary_data_size to be a count of bytes".to_owned()))?;
                if size > binary.len() {
                    return Err(in_input(format!("expected {size} bytes of binary data, got {}", binary.len())));
                }
                HostTensor::new(datatype, shape, binary.split_to(size)).map_err(|error| in_input(error.to_string()))?
            }
            (None, None, Some(data)) => data,
            (None, None, None) => {
                return Err(in_input("expected data, binary_data_size or a shared memory region".to_owned()));
            }
            _ => return Err(in_input("expected one of data, binary_data_size and a shared memory region".to_owned())),
        };
        inputs.push((input.name, tensor));
    }
    if !binary.is_empty() {
        return Err(ServiceError::invalid(format!("{} bytes of binary data belong to no input", binary.len())));
    }
    let otherwise_binary = flag(&request.parameters, "binary_data_output")?.unwrap_or(false);
    let mut ways = Vec::with_capacity(request.outputs.len());
    for output in request.outputs {
        let in_output = |error: String| ServiceError::invalid(format!("output {:?}: {error}", output.name));
        if output.parameters.contains_key("classification") {
            return Err(ServiceError::unsupported(
                "the parameter classification is not offered; POST /v1/models/NAME:predict gives names and probabilities",
            ));
        }
        let way = match Region::of(&output.parameters).map_err(in_output)? {
            Some(region) => Way::Memory(region),
            None if flag(&output.parameters, "binary_data")?.unwrap_or(otherwise_binary) => Way::Binary,
            None => Way::Json,
        };
        ways.push((output.name, way));
    }
    let call = InferCall {
        inputs,
        outputs: ways.iter().map(|(name, _)| name.clone()).collect(),
        priority: priority(&request.parameters)?,
        timeout: timeout(&request.parameters)?,
        ..InferCall::default()
    };
    Ok(ParsedRequest { call, id: request.id, ways, otherwise_binary })
}

/// Reads a body that is the only input's bytes and nothing else, one row of a batch: Triton's raw binary request. At most one axis may be
/// open, whose length follows from the number of bytes. `BYTES` are one element. All outputs are given in binary.
pub(super) fn parse_raw(body: Bytes, signature: &Signature) -> Result<ParsedRequest, ServiceError> {
    let [input] = &signature.inputs[..] else {
        let count = signature.inputs.len();
        return Err(ServiceError::invalid(format!(
            "expected a model of one input for a body without JSON, it has {count}"
        )));
    };
    let in_input = |error: String| ServiceError::invalid(format!("input {:?}: {error}", input.name));
    let mut sides = input.shape.clone();
    if signature.batched
        && let Some(first) = sides.first_mut()
    {
        *first = Some(1);
    }
    let open: Vec<usize> = (0..sides.len()).filter(|&axis| sides[axis].is_none()).collect();
    let known = sides.iter().flatten().try_fold(1_usize, |product, &side| product.checked_mul(side));
    let (body, side) = match input.datatype.size() {
        Some(size) => {
            let row = known.and_then(|known| known.checked_mul(size)).filter(|&row| row > 0);
            let row = row.ok_or_else(|| in_input("a body without JSON cannot be its tensor".to_owned()))?;
            (body.clone(), body.len() / row)
        }
        None => {
            let length = u32::try_from(body.len()).map_err(|error| in_input(error.to_string()))?;
            ([&length.to_le_bytes()[..], &body[..]].concat().into(), 1)
        }
    };
    if open.len() > 1 {
        return Err(in_input(format!("expected at most one open axis for a body without JSON, got {}", open.len())));
    }
    let shape = sides.into_iter().map(|known| known.unwrap_or(side)).collect();
    let tensor = HostTensor::new(input.datatype, shape, body).map_err(|error| in_input(error.to_string()))?;
    let call = InferCall { inputs: vec![(input.name.clone(), tensor)], ..InferCall::default() };
    Ok(ParsedRequest { call, id: None, ways: Vec::new(), otherwise_binary: true })
}

fn flag(parameters: &Map<String, Value>, name: &str) -> Result<Option<bool>, ServiceError> {
    match parameters.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => {
            Err(ServiceError::invalid(format!("expected parameter {name} to be true or false, got {other}")))
        }
    }
}

/// Triton's: 0 for the default, 1 for the highest.
pub(crate) fn priority_of(number: u64) -> Priority {
    match number {
        0 | 2 => Priority::Normal,
        1 => Priority::High,
        _ => Priority::Low,
    }
}

/// How urgent a request is, by its parameters.
pub(crate) fn priority(parameters: &Map<String, Value>) -> Result<Priority, ServiceError> {
    match parameters.get("priority") {
        None => Ok(Priority::Normal),
        Some(value) => value.as_u64().map(priority_of).ok_or_else(|| {
            ServiceError::invalid(format!("expected parameter priority to be a number from 0, got {value}"))
        }),
    }
}

/// For how long the answer is of use, by the request's parameters; Triton counts in microseconds.
pub(crate) fn timeout(parameters: &Map<String, Value>) -> Result<Option<Duration>, ServiceError> {
    match parameters.get("timeout") {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(0) => Ok(None),
            Some(micros) => Ok(Some(Duration::from_micros(micros))),
            None => Err(ServiceError::invalid(format!("expected parameter timeout in microseconds, got {value}"))),
        },
    }
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<TensorBody<'a>>,
}

/// A tensor as it is written.
#[derive(Serialize)]
pub(super) struct TensorBody<'a> {
    pub(super) name: &'a str,
    pub(super) datatype: &'static str,
    pub(super) shape: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Elements<'a>>,
}

/// An answer's bytes, and how long its JSON is when there are binary tensors behind it.
pub(crate) struct Written {
    pub(crate) body: Bytes,
    pub(crate) json_length: Option<usize>,
}

/// Writes an answer as the request wanted it.
pub(super) fn write(
    request: &ParsedRequest,
    answer: &InferAnswer,
    memory: &SharedMemory,
) -> Result<Written, ServiceError> {
    let mut binary = Vec::new();
    let mut outputs = Vec::with_capacity(answer.outputs.len());
    for (place, (name, tensor)) in answer.outputs.iter().enumerate() {
        let otherwise = if request.otherwise_binary { Way::Binary } else { Way::Json };
        let way = request.ways.get(place).map_or(&otherwise, |(_, way)| way);
        let (parameters, data) = match way {
            Way::Json => {
                Elements(tensor).check(name)?;
                (None, Some(Elements(tensor)))
            }
            Way::Binary => {
                binary.push(tensor.bytes());
                (Some(serde_json::json!({ "binary_data_size": tensor.bytes().len() })), None)
            }
            Way::Memory(region) => {
                memory
                    .write(region, tensor.bytes())
                    .map_err(|error| ServiceError::invalid(format!("output {name:?}: {error}")))?;
                (Some(region.described(tensor.bytes().len())), None)
            }
        };
        let datatype = tensor.datatype().name();
        outputs.push(TensorBody { name, datatype, shape: tensor.shape(), parameters, data });
    }
    let answer = AnswerBody {
        model_name: &answer.model.name,
        model_version: &answer.model.version,
        id: request.id.as_deref(),
        outputs,
    };
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, &answer).map_err(|error| ServiceError::internal(error.to_string()))?;
    let json_length = (!binary.is_empty()).then_some(body.len());
    binary.into_iter().for_each(|bytes| body.extend_from_slice(bytes));
    Ok(Written { body: body.into(), json_length })
}

#[cfg(test)]
mod tests {
    use mvl_infer::{DataType, TensorSpec};

    use super::*;

    fn signature(datatype: DataType, shape: &[i64]) -> Signature {
        let spec = |name: &str| vec![TensorSpec::new(name, datatype, shape)];
        Signature { inputs: spec("in"), outputs: spec("out"), batched: true }
    }

    #[test]
    fn a_body_without_json_is_one_row_of_the_only_input() {
        for (datatype, shape, body, expected) in [
            (DataType::Fp16, &[-1, 3][..], &b"abcdef"[..], &[1, 3][..]),
            (DataType::Fp32, &[-1, -1], b"abcdefgh", &[1, 2]),
            (DataType::Uint8, &[-1, 2, -1], b"abcdef", &[1, 2, 3]),
            (DataType::Bytes, &[-1, 1], b"a picture", &[1, 1]),
        ] {
            let parsed = parse_raw(Bytes::from(body), &signature(datatype, shape)).expect("a tensor");
            assert!(parsed.otherwise_binary);
            let (name, tensor) = &parsed.call.inputs[0];
            assert_eq!((name.as_str(), tensor.shape()), ("in", expected));
            match datatype {
                DataType::Bytes => assert_eq!(tensor.to_texts().expect("texts"), [body]),
                _ => assert_eq!(&tensor.bytes()[..], body),
            }
        }
    }

    #[test]
    fn a_body_without_json_that_says_too_little_is_refused() {
        for (datatype, shape, body) in [
            (DataType::Fp32, &[-1, -1][..], &b"abc"[..]), // not a whole element
            (DataType::Fp32, &[-1, 3], b"abcdefgh"),      // two elements of three
            (DataType::Uint8, &[-1, -1, -1], b"abcdef"),  // 1×6, 2×3, …
            (DataType::Uint8, &[-1, 0, -1], b"abcdef"),
            (DataType::Bytes, &[-1, 2], b"two texts or one?"),
        ] {
            assert!(parse_raw(Bytes::from(body), &signature(datatype, shape)).is_err(), "{datatype} {shape:?}");
        }
        let mut two = signature(DataType::Uint8, &[-1, 1]);
        two.inputs.push(TensorSpec::new("more", DataType::Uint8, &[-1, 1]));
        assert!(parse_raw(Bytes::from_static(b"a"), &two).is_err());
    }
}
