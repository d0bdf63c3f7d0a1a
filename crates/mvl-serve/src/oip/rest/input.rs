//! One input of a request's JSON.

use std::borrow::Cow;
use std::fmt;

use mvl_infer::{DataType, HostTensor};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::elements::{Elements, reads};
use super::numbers::read;

/// An input as it stands in the JSON.
pub(super) struct InputBody {
    pub(super) name: String,
    pub(super) datatype: DataType,
    pub(super) shape: Vec<usize>,
    pub(super) parameters: Map<String, Value>,
    /// None where the elements are elsewhere.
    pub(super) data: Option<HostTensor>,
}

impl<'de> Deserialize<'de> for InputBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Input)
    }
}

struct Input;

/// Text that is copied only where it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What a key's text is.
fn datatype<E: Error>(text: &str) -> Result<DataType, E> {
    text.parse().map_err(E::custom)
}

impl<'de> Visitor<'de> for Input {
    type Value = InputBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an input: an object of name, datatype, shape and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<InputBody, A::Error> {
        let (mut name, mut kind, mut shape, mut parameters) = (None, None, None, Map::new());
        let mut data = None;
        let mut raw: Option<&'de RawValue> = None;
        while let Some(Text(key)) = object.next_key()? {
            match &*key {
                "name" => name = Some(object.next_value::<String>()?),
                "datatype" => kind = Some(datatype::<A::Error>(&object.next_value::<Text<'_>>()?.0)?),
                "shape" => shape = Some(object.next_value::<Vec<usize>>()?),
                // Some servers write null for none.
                "parameters" => parameters = object.next_value::<Option<_>>()?.unwrap_or_default(),
                "data" => match (kind, &shape) {
                    (Some(datatype), Some(shape)) if reads(datatype) => {
                        data = Some(object.next_value_seed(Elements { datatype, shape })?);
                    }
                    _ => raw = Some(object.next_value()?),
                },
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        let missing = A::Error::missing_field;
        let name = name.ok_or_else(|| missing("name"))?;
        let datatype = kind.ok_or_else(|| missing("datatype"))?;
        let shape = shape.ok_or_else(|| missing("shape"))?;
        if let Some(raw) = raw {
            data = Some(
                read(raw.get(), datatype, &shape)
                    .map_err(|what| A::Error::custom(format!("input {name:?}: {what}")))?,
            );
        }
        // A shape that came after the data, or twice, may not be the one that the data were read by.
        if data.as_ref().is_some_and(|data| data.shape() != shape || data.datatype() != datatype) {
            return Err(A::Error::custom("expected datatype, shape and data once each"));
        }
        Ok(InputBody { name, datatype, shape, parameters, data })
    }
}
