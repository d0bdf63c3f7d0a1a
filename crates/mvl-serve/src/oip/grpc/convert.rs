//! Tensors and requests between the proto file's types and ours.

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use mvl_infer::{DataType, HostTensor};
use serde_json::{Map, Value};

use super::proto::infer_parameter::ParameterChoice;
use super::proto::{self, InferParameter, InferTensorContents};
use crate::ServiceError;
use crate::oip::memory::{Region, SharedMemory};
use crate::oip::rest::{priority, timeout};
use crate::service::{InferAnswer, InferCall};

/// How an answer is to be written.
pub(super) struct AnswerPlan {
    id: String,
    /// Clients that send raw bytes read no others.
    raw: bool,
    /// Where outputs go, in the order in which they were asked for.
    regions: Vec<Option<Region>>,
}

type Parameters = HashMap<String, InferParameter>;

/// Parameters as JSON, so that both protocols read them with one code.
fn as_json(parameters: &Parameters) -> Map<String, Value> {
    let values = parameters.iter().filter_map(|(key, parameter)| {
        let value = match parameter.parameter_choice.as_ref()? {
            ParameterChoice::BoolParam(value) => Value::from(*value),
            ParameterChoice::Int64Param(value) => Value::from(*value),
            ParameterChoice::StringParam(value) => Value::from(value.as_str()),
            ParameterChoice::DoubleParam(value) => Value::from(*value),
            ParameterChoice::Uint64Param(value) => Value::from(*value),
        };
        Some((key.clone(), value))
    });
    values.collect()
}

fn from_json(value: &Value) -> Parameters {
    let entries = value.as_object().into_iter().flatten().filter_map(|(key, value)| {
        let choice = match value {
            Value::String(text) => ParameterChoice::StringParam(text.clone()),
            Value::Number(number) => ParameterChoice::Int64Param(number.as_i64()?),
            _ => return None,
        };
        Some((key.clone(), InferParameter { parameter_choice: Some(choice) }))
    });
    entries.collect()
}

/// Reads a request.
pub(super) fn parse(
    request: proto::ModelInferRequest,
    memory: &SharedMemory,
) -> Result<(InferCall, AnswerPlan), ServiceError> {
    let raw = !request.raw_input_contents.is_empty();
    let mut raws = request.raw_input_contents.into_iter();
    let mut in_memory = false;
    let mut inputs = Vec::with_capacity(request.inputs.len());
    for input in request.inputs {
        let in_input = |error: String| ServiceError::invalid(format!("input {:?}: {error}", input.name));
        let datatype: DataType = input.datatype.parse().map_err(in_input)?;
        let shape: Option<Vec<usize>> = input.shape.iter().map(|&side| usize::try_from(side).ok()).collect();
        let shape =
            shape.ok_or_else(|| in_input(format!("expected a shape of numbers from 0, got {:?}", input.shape)))?;
        let bytes = match (Region::of(&as_json(&input.parameters)).map_err(in_input)?, input.contents) {
            (Some(region), None) => {
                in_memory = true;
                memory.read(&region).map_err(in_input)?
            }
            (None, Some(_)) if raw => {
                return Err(in_input("expected contents of tensors or raw_input_contents, got both".to_owned()));
            }
            (None, None) if raw => raws
                .next()
                .ok_or_else(|| in_input("expected as many raw_input_contents as there are inputs".to_owned()))?,
            (None, Some(contents)) => flattened(contents, datatype).map_err(in_input)?,
            (None, None) => flattened(InferTensorContents::default(), datatype).map_err(in_input)?,
            (Some(_), Some(_)) => {
                return Err(in_input("expected contents or a shared memory region, got both".to_owned()));
            }
        };
        let tensor = HostTensor::new(datatype, shape, bytes).map_err(|error| in_input(error.to_string()))?;
        inputs.push((input.name, tensor));
    }
    if raws.next().is_some() {
        return Err(ServiceError::invalid("expected as many raw_input_contents as there are inputs, got more"));
    }
    let mut regions = Vec::with_capacity(request.outputs.len());
    for output in &request.outputs {
        if output.parameters.contains_key("classification") {
            return Err(ServiceError::unsupported("the parameter classification is not offered"));
        }
        let in_output = |error: String| ServiceError::invalid(format!("output {:?}: {error}", output.name));
        regions.push(Region::of(&as_json(&output.parameters)).map_err(in_output)?);
    }
    let parameters = as_json(&request.parameters);
    let call = InferCall {
        model: request.model_name,
        version: (!request.model_version.is_empty()).then_some(request.model_version),
        inputs,
        outputs: request.outputs.into_iter().map(|output| output.name).collect(),
        priority: priority(&parameters)?,
        timeout: timeout(&parameters)?,
    };
    Ok((call, AnswerPlan { id: request.id, raw: raw || in_memory, regions }))
}

/// Elements from typed lists to bytes. Only the list of the datatype may have any.
fn flattened(contents: InferTensorContents, datatype: DataType) -> Result<Bytes, String> {
    let InferTensorContents {
        bool_contents,
        int_contents,
        int64_contents,
        uint_contents,
        uint64_contents,
        fp32_contents,
        fp64_contents,
        bytes_contents,
    } = contents;
    let lengths = [
        bool_contents.len(),
        int_contents.len(),
        int64_contents.len(),
        uint_contents.len(),
        uint64_contents.len(),
        fp32_contents.len(),
        fp64_contents.len(),
        bytes_contents.len(),
    ];
    let place = match datatype {
        DataType::Bool => 0,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => 1,
        DataType::Int64 => 2,
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => 3,
        DataType::Uint64 => 4,
        DataType::Fp32 => 5,
        DataType::Fp64 => 6,
        DataType::Bytes => 7,
        _ => return Err(format!("{datatype} is sent by raw_input_contents alone")),
    };
    if lengths.iter().enumerate().any(|(other, &length)| other != place && length > 0) {
        return Err(format!("the contents are not those of {datatype}"));
    }
    let mut bytes = BytesMut::with_capacity(lengths[place] * datatype.size().unwrap_or(8));
    let out_of_range = || format!("an element is out of the range of {datatype}");
    for value in bool_contents {
        bytes.put_u8(value.into());
    }
    for value in int_contents {
        match datatype {
            DataType::Int8 => bytes.put_i8(value.try_into().map_err(|_| out_of_range())?),
            DataType::Int16 => bytes.put_i16_le(value.try_into().map_err(|_| out_of_range())?),
            _ => bytes.put_i32_le(value),
        }
    }
    for value in uint_contents {
        match datatype {
            DataType::Uint8 => bytes.put_u8(value.try_into().map_err(|_| out_of_range())?),
            DataType::Uint16 => bytes.put_u16_le(value.try_into().map_err(|_| out_of_range())?),
            _ => bytes.put_u32_le(value),
        }
    }
    int64_contents.into_iter().for_each(|value| bytes.put_i64_le(value));
    uint64_contents.into_iter().for_each(|value| bytes.put_u64_le(value));
    fp32_contents.into_iter().for_each(|value| bytes.put_f32_le(value));
    fp64_contents.into_iter().for_each(|value| bytes.put_f64_le(value));
    for value in bytes_contents {
        bytes.put_u32_le(u32::try_from(value.len()).map_err(|_| out_of_range())?);
        bytes.put_slice(&value);
    }
    Ok(bytes.freeze())
}

/// A tensor's elements in the list of its datatype. `None` for those that have none.
fn listed(tensor: &HostTensor) -> Option<InferTensorContents> {
    let mut contents = InferTensorContents::default();
    let bytes = &tensor.bytes()[..];
    macro_rules! list {
        ($field:ident, $size:literal, $read:expr) => {
            contents.$field = bytes.as_chunks::<$size>().0.iter().map(|chunk| $read(*chunk)).collect()
        };
    }
    match tensor.datatype() {
        DataType::Bool => list!(bool_contents, 1, |[byte]: [u8; 1]| byte != 0),
        DataType::Int8 => list!(int_contents, 1, |chunk| i8::from_le_bytes(chunk).into()),
        DataType::Int16 => list!(int_contents, 2, |chunk| i16::from_le_bytes(chunk).into()),
        DataType::Int32 => list!(int_contents, 4, i32::from_le_bytes),
        DataType::Int64 => list!(int64_contents, 8, i64::from_le_bytes),
        DataType::Uint8 => list!(uint_contents, 1, |chunk| u8::from_le_bytes(chunk).into()),
        DataType::Uint16 => list!(uint_contents, 2, |chunk| u16::from_le_bytes(chunk).into()),
        DataType::Uint32 => list!(uint_contents, 4, u32::from_le_bytes),
        DataType::Uint64 => list!(uint64_contents, 8, u64::from_le_bytes),
        DataType::Fp32 => list!(fp32_contents, 4, f32::from_le_bytes),
        DataType::Fp64 => list!(fp64_contents, 8, f64::from_le_bytes),
        DataType::Bytes => contents.bytes_contents = tensor.to_texts().ok()?,
        _ => return None,
    }
    Some(contents)
}

/// Writes an answer as the request wanted it.
pub(super) fn write(
    plan: AnswerPlan,
    answer: &InferAnswer,
    memory: &SharedMemory,
) -> Result<proto::ModelInferResponse, ServiceError> {
    let mut response = proto::ModelInferResponse {
        model_name: answer.model.name.clone(),
        model_version: answer.model.version.clone(),
        id: plan.id,
        ..proto::ModelInferResponse::default()
    };
    for (place, (name, tensor)) in answer.outputs.iter().enumerate() {
        let mut output = proto::model_infer_response::InferOutputTensor {
            name: name.clone(),
            datatype: tensor.datatype().name().to_owned(),
            shape: tensor.shape().iter().map(|&side| i64::try_from(side).unwrap_or(i64::MAX)).collect(),
            ..Default::default()
        };
        match plan.regions.get(place).and_then(Option::as_ref) {
            Some(region) => {
                let in_output = |error| ServiceError::invalid(format!("output {name:?}: {error}"));
                memory.write(region, tensor.bytes()).map_err(in_output)?;
                output.parameters = from_json(&region.described(tensor.bytes().len()));
                if plan.raw {
                    response.raw_output_contents.push(Bytes::new());
                }
            }
            None if plan.raw => response.raw_output_contents.push(tensor.bytes().clone()),
            None => {
                let contents = listed(tensor);
                output.contents = Some(contents.ok_or_else(|| {
                    ServiceError::invalid(format!(
                        "output {name:?} is {}; send the inputs raw to get it",
                        tensor.datatype()
                    ))
                })?);
            }
        }
        response.outputs.push(output);
    }
    Ok(response)
}

/// A model's configuration, from its JSON form.
pub(super) fn config(value: &Value) -> proto::ModelConfig {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = |value: &Value| {
        value.as_str().and_then(proto::DataType::from_str_name).unwrap_or(proto::DataType::TypeInvalid).into()
    };
    let dims = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let number = |value: &Value| value.as_u64().and_then(|number| i32::try_from(number).ok()).unwrap_or_default();
    proto::ModelConfig {
        name: text(&value["name"]),
        platform: text(&value["platform"]),
        backend: text(&value["backend"]),
        max_batch_size: number(&value["max_batch_size"]),
        input: list("input")
            .iter()
            .map(|input| proto::ModelInput {
                name: text(&input["name"]),
                data_type: kind(&input["data_type"]),
                dims: dims(&input["dims"]),
            })
            .collect(),
        output: list("output")
            .iter()
            .map(|output| proto::ModelOutput {
                name: text(&output["name"]),
                data_type: kind(&output["data_type"]),
                dims: dims(&output["dims"]),
            })
            .collect(),
        instance_group: list("instance_group")
            .iter()
            .map(|group| proto::ModelInstanceGroup { count: number(&group["count"]) })
            .collect(),
        dynamic_batching: Some(proto::ModelDynamicBatching {
            max_queue_delay_microseconds: value["dynamic_batching"]["max_queue_delay_microseconds"]
                .as_u64()
                .unwrap_or_default(),
        }),
    }
}
