//! [`Fields`]: a request's fields by name, with MLflow's leniency and its words for what is wrong.

use std::collections::HashMap;

use axum::extract::{FromRequest, Request};
use axum::http::Method;
use mvl_track::{Param, Tag};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::{JsonBody, Query};
use crate::mlflow::app::App;
use crate::mlflow::error::ApiError;

type Read<T> = Result<T, ApiError>;

const SEE: &str = "See the API docs for more information about request parameters.";

/// A request's fields, or those of an object inside it.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    /// Where the object stands: `metrics[2].`
    path: String,
    /// A query has text only, and no lists of one.
    from_query: bool,
    /// Why nothing could be read.
    broken: Option<String>,
}

impl FromRequest<App> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Read<Self> {
        if request.method() == Method::GET
            && let Some(query) = request.uri().query().filter(|query| !query.is_empty())
        {
            return Ok(Self::of_query(&Query::of(query)));
        }
        let JsonBody(bytes) = JsonBody::from_request(request, app).await?;
        Self::of_json(&bytes)
    }
}

impl Fields {
    pub(crate) fn of_query(query: &Query) -> Self {
        let mut map = Map::new();
        for (name, value) in query.pairs() {
            let value = Value::String(value.clone());
            match map.get_mut(name) {
                Some(Value::Array(all)) => all.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
                None => drop(map.insert(name.clone(), value)),
            }
        }
        Self { map, from_query: true, ..Self::default() }
    }

    pub(crate) fn of_json(bytes: &[u8]) -> Read<Self> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let parsed = serde_json::from_slice(bytes).and_then(|value| match value {
            Value::String(text) => serde_json::from_str(&text), // older clients encode twice
            value => Ok(value),
        });
        match parsed {
            Ok(Value::Object(mut map)) => {
                mend_numbers(&mut map, bytes);
                Self::of_map(map, String::new())
            }
            Ok(Value::Null) => Ok(Self::default()),
            Ok(_) => Err(ApiError::invalid("expected a JSON object as the request, got something else")),
            Err(error) => Ok(Self { broken: Some(format!("the request is not JSON: {error}")), ..Self::default() }),
        }
    }

    /// Gives every field its `snake_case` name.
    fn of_map(map: Map<String, Value>, path: String) -> Read<Self> {
        if !map.keys().any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Ok(Self { map, path, ..Self::default() });
        }
        let mut named = Map::with_capacity(map.len());
        for (name, value) in map {
            let snake = snake_case(&name);
            if named.insert(snake.clone(), value).is_some() {
                return Err(ApiError::invalid(format!(
                    "Request specifies both '{snake}' and '{}'; provide only one of them.",
                    camel_case(&snake)
                )));
            }
        }
        Ok(Self { map: named, path, ..Self::default() })
    }

    /// The value of a field; `null` is none.
    fn value(&self, name: &str) -> Read<Option<&Value>> {
        if let Some(why) = &self.broken {
            return Err(ApiError::invalid(format!("Missing value for required parameter '{name}'. {SEE} ({why})")));
        }
        Ok(self.map.get(name).filter(|value| !value.is_null()))
    }

    pub(crate) fn missing(&self, name: &str) -> ApiError {
        ApiError::invalid(format!("Missing value for required parameter '{}{name}'. {SEE}", self.path))
    }

    /// The value is of a wrong type, or out of range.
    pub(crate) fn wrong(&self, name: &str) -> ApiError {
        let value = self.map.get(name).unwrap_or(&Value::Null);
        let kind = match value {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "str",
            Value::Array(_) => "list",
            Value::Object(_) => "dict",
        };
        let shown: String = value.to_string().chars().take(200).collect();
        ApiError::invalid(format!(
            "Invalid value {shown} for parameter '{}{name}' supplied:  Hint: Value was of type '{kind}'. {SEE}",
            self.path
        ))
    }

    pub(crate) fn has(&self, name: &str) -> Read<bool> {
        Ok(self.value(name)?.is_some())
    }

    pub(crate) fn text(&self, name: &str) -> Read<Option<&str>> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    /// A text that is not empty; an empty one is absent.
    pub(crate) fn filled(&self, name: &str) -> Read<Option<&str>> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn required(&self, name: &str) -> Read<&str> {
        self.filled(name)?.ok_or_else(|| self.missing(name))
    }

    /// A run's id, which was called `run_uuid` once.
    pub(crate) fn run_id(&self) -> Read<&str> {
        match self.filled("run_id")? {
            Some(id) => Ok(id),
            None => self.filled("run_uuid")?.ok_or_else(|| self.missing("run_id")),
        }
    }

    pub(crate) fn int(&self, name: &str) -> Read<Option<i64>> {
        let whole = |number: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "within the range in which every whole number has an f64"
            )]
            (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
        };
        let int = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        int.map(Some).ok_or_else(|| self.wrong(name))
    }

    /// A number of results, at most `limit`.
    pub(crate) fn count(&self, name: &str, default: u32, limit: u32) -> Read<u32> {
        match self.int(name)? {
            None => Ok(default),
            Some(count) => u32::try_from(count).ok().filter(|count| *count <= limit).ok_or_else(|| self.wrong(name)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Read<Option<f64>> {
        let number = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(name))
    }

    pub(crate) fn flag(&self, name: &str) -> Read<Option<bool>> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if self.from_query => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(ApiError::invalid(format!("Invalid boolean value: {text}, must be 'true' or 'false'."))),
            },
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(crate) fn list(&self, name: &str) -> Read<&[Value]> {
        match self.value(name)? {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(text @ Value::String(_)) if self.from_query => Ok(std::slice::from_ref(text)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Read<Vec<String>> {
        let texts = self.list(name)?.iter().map(|value| value.as_str().map(ToOwned::to_owned));
        texts.collect::<Option<_>>().ok_or_else(|| self.wrong(name))
    }

    pub(crate) fn object(&self, name: &str) -> Read<Option<Self>> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Object(map)) => Self::of_map(map.clone(), format!("{}{name}.", self.path)).map(Some),
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(crate) fn objects(&self, name: &str) -> Read<Vec<Self>> {
        let objects = self.list(name)?.iter().enumerate();
        let read = objects.map(|(index, value)| match value {
            Value::Object(map) => Self::of_map(map.clone(), format!("{}{name}[{index}].", self.path)),
            _ => Err(self.wrong(name)),
        });
        read.collect()
    }

    /// Notes: objects of `key` and `value`.
    pub(crate) fn tags(&self, name: &str) -> Read<Vec<Tag>> {
        let tags = self.objects(name)?;
        tags.iter().map(|tag| Ok(Tag::new(tag.required("key")?, tag.text("value")?.unwrap_or_default()))).collect()
    }

    /// Settings: objects of `key` and `value`.
    pub(crate) fn params(&self, name: &str) -> Read<Vec<Param>> {
        Ok(self.tags(name)?.into_iter().map(|Tag { key, value }| Param { key, value }).collect())
    }

    /// The note that the fields themselves are.
    pub(crate) fn tag(&self) -> Read<Tag> {
        Ok(Tag::new(self.required("key")?, self.text("value")?.unwrap_or_default()))
    }
}

fn snake_case(name: &str) -> String {
    name.chars().fold(String::with_capacity(name.len() + 4), |mut snake, char| {
        if char.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
        snake
    })
}

fn camel_case(name: &str) -> String {
    let mut upper = false;
    name.chars().fold(String::with_capacity(name.len()), |mut camel, char| {
        match char {
            '_' => upper = true,
            char => camel.push(if std::mem::take(&mut upper) { char.to_ascii_uppercase() } else { char }),
        }
        camel
    })
}

/// Reads the object's own numbers once more, to their last digit, which serde_json's reading may miss.
fn mend_numbers(map: &mut Map<String, Value>, bytes: &[u8]) {
    if !map.values().any(Value::is_f64) {
        return;
    }
    let Ok(texts) = serde_json::from_slice::<HashMap<String, &RawValue>>(bytes) else { return };
    for (name, value) in map.iter_mut().filter(|(_, value)| value.is_f64()) {
        let exact = texts.get(name).and_then(|text| Number::from_f64(text.get().parse().ok()?));
        if let Some(exact) = exact {
            *value = Value::Number(exact);
        }
    }
}

#[cfg(test)]
mod tests;
