//! Whether names, keys and values that come from outside may be stored: MLflow's rules, and no NUL, which Postgres does not keep.

use std::borrow::Cow;

use crate::limits as max;
use crate::{Dataset, DatasetInput, Metric, Result, Tag, TrackError};

/// An experiment's id, which is a whole number.
pub(crate) fn experiment_id(id: &str) -> Result<i64> {
    id.parse().map_err(|_| {
        TrackError::invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer."))
    })
}

/// A run's id, before anything is looked up by it.
pub(crate) fn run_id(id: &str) -> Result<()> {
    let word = |char: char| char.is_alphanumeric() || char == '_';
    let mut chars = id.chars();
    let starts = chars.next().is_some_and(|char| char.is_ascii_alphanumeric());
    if starts && id.chars().count() <= 256 && chars.all(|char| word(char) || char == '-') {
        return Ok(());
    }
    Err(TrackError::invalid(format!("Invalid value {id:?} for parameter 'run_id' supplied.")))
}

/// An experiment's name.
pub(crate) fn experiment_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(TrackError::invalid(format!("Invalid experiment name: '{name}'")));
    }
    text("name", name, max::EXPERIMENT_NAME_LENGTH)
}

/// Where artifacts are to lie.
pub(crate) fn artifact_location(location: &str) -> Result<()> {
    if location.starts_with("runs:") {
        return Err(TrackError::invalid(format!("Artifact location cannot be a runs:/ URI. Given: '{location}'")));
    }
    if let Some(start) = location.find(['?', '#']) {
        let rest = location.get(start..).unwrap_or_default();
        return Err(TrackError::invalid(format!(
            "Invalid artifact location {location:?}: {rest:?} is not part of a path"
        )));
    }
    if location.split(['/', '\\']).any(|part| part == "..") {
        return Err(TrackError::invalid(format!("Invalid artifact location {location:?}: it must not hold '..'")));
    }
    text("artifact_location", location, max::LOCATION_LENGTH)
}

/// A key of a metric, a parameter or a tag; `path` says where in the request it stands.
pub(crate) fn key(path: &str, key: &str) -> Result<()> {
    let allowed = |char: char| char.is_alphanumeric() || "_/.- :".contains(char);
    if let Some(bad) = key.chars().find(|char| !allowed(*char)) {
        return Err(TrackError::invalid(format!(
            "Invalid value {key:?} for parameter '{path}' supplied: {bad:?} is not allowed. Names may only contain \
             alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )));
    }
    if !is_unique_path(key) || key.starts_with("..") {
        return Err(TrackError::invalid(format!(
            "Invalid value {key:?} for parameter '{path}' supplied: Names may be treated as files in certain cases, and \
             must not resolve to other names when treated as such."
        )));
    }
    text(path, key, max::KEY_LENGTH)
}

/// Whether a name, taken as a path, is itself and lies inside: not empty, not absolute, without `.`, `..` and `//`.
fn is_unique_path(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// A metric.
pub(crate) fn metric(path: &str, metric: &Metric) -> Result<()> {
    key(&at(path, "name"), &metric.key)?;
    if metric.timestamp < 0 {
        return Err(TrackError::invalid(format!(
            "Invalid value {} for parameter '{}' supplied: metric '{}' (value={}). Timestamp must be a nonnegative long \
             (64-bit integer)",
            metric.timestamp,
            at(path, "timestamp"),
            metric.key,
            metric.value
        )));
    }
    text("dataset_name", metric.dataset_name.as_deref().unwrap_or_default(), max::DATASET_NAME_LENGTH)?;
    text("dataset_digest", metric.dataset_digest.as_deref().unwrap_or_default(), max::DATASET_DIGEST_LENGTH)
}

/// A run's tag; too long a value is cut.
pub(crate) fn tag<'a>(path: &str, tag: &'a Tag) -> Result<Cow<'a, str>> {
    key(&at(path, "key"), &tag.key)?;
    cut(&at(path, "value"), &tag.value, max::TAG_VALUE_LENGTH)
}

/// A parameter; too long a value is cut.
pub(crate) fn param<'a>(path: &str, param: &'a crate::Param) -> Result<Cow<'a, str>> {
    key(&at(path, "key"), &param.key)?;
    cut(&at(path, "value"), &param.value, max::PARAM_VALUE_LENGTH)
}

/// An experiment's tag.
pub(crate) fn experiment_tag(tag: &Tag) -> Result<()> {
    key("key", &tag.key)?;
    text("value", &tag.value, max::EXPERIMENT_TAG_VALUE_LENGTH)
}

/// A tag of a registered model or a version.
pub(crate) fn registry_tag(tag: &Tag) -> Result<()> {
    key("key", &tag.key)?;
    text("value", &tag.value, max::REGISTRY_TAG_VALUE_LENGTH)
}

/// A registered model's name.
pub(crate) fn model_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(TrackError::invalid("Missing value for required parameter 'name'."));
    }
    if name.contains(['/', ':']) || name.chars().any(char::is_control) || matches!(name, "." | "..") {
        return Err(TrackError::invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    text("name", name, max::MODEL_NAME_LENGTH)
}

/// A logged model's name.
pub(crate) fn logged_model_name(name: &str) -> Result<()> {
    if name.is_empty() || name.contains(['/', ':', '.', '%', '"', '\'']) {
        return Err(TrackError::invalid(format!(
            "Invalid model name ({name:?}) provided. Model name must be a non-empty string and cannot contain the following \
             characters: / : . % \" '"
        )));
    }
    text("name", name, max::MODEL_NAME_LENGTH)
}

/// An alias, for reading.
pub(crate) fn alias(alias: &str) -> Result<()> {
    if alias.is_empty() {
        return Err(TrackError::invalid("Registered model alias name cannot be empty."));
    }
    if alias.chars().any(|char| !(char.is_alphanumeric() || "_-".contains(char))) {
        return Err(TrackError::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    text("alias", alias, max::ALIAS_LENGTH)
}

/// An alias, for writing: `latest` and `v3` mean something already.
pub(crate) fn new_alias(name: &str) -> Result<()> {
    alias(name)?;
    if name.eq_ignore_ascii_case("latest") {
        return Err(TrackError::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let digits = name.strip_prefix(['v', 'V']).unwrap_or_default();
    if !digits.is_empty() && digits.chars().all(|char| char.is_ascii_digit()) {
        return Err(TrackError::invalid(format!("Version alias name '{name}' is reserved.")));
    }
    Ok(())
}

/// A data set that a run read.
pub(crate) fn dataset_input(input: &DatasetInput) -> Result<()> {
    let Dataset { name, digest, source_type, source, schema, profile } = &input.dataset;
    for (what, value) in [("name", name), ("digest", digest), ("source_type", source_type), ("source", source)] {
        if value.is_empty() {
            return Err(TrackError::invalid(format!("Dataset {what} cannot be None")));
        }
    }
    text("name", name, max::DATASET_NAME_LENGTH)?;
    text("digest", digest, max::DATASET_DIGEST_LENGTH)?;
    text("source_type", source_type, max::DATASET_DIGEST_LENGTH)?;
    text("source", source, max::DATASET_SOURCE_LENGTH)?;
    text("schema", schema.as_deref().unwrap_or_default(), max::DATASET_SCHEMA_LENGTH)?;
    text("profile", profile.as_deref().unwrap_or_default(), max::DATASET_PROFILE_LENGTH)?;
    for tag in &input.tags {
        text("key", &tag.key, max::INPUT_TAG_KEY_LENGTH)?;
        text("value", &tag.value, max::INPUT_TAG_VALUE_LENGTH)?;
    }
    Ok(())
}

/// The path of a file below its owner: relative, without `..`, `\` and control characters.
pub(crate) fn artifact_path(path: &str) -> Result<()> {
    let hostile = path.contains(['\\', '\0']) || path.chars().any(char::is_control) || !is_unique_path(path);
    if hostile || path.get(1..2) == Some(":") {
        return Err(TrackError::invalid(format!("Invalid path: {path:?}"))
            .with_hint("paths are relative, with / between names and without . and .."));
    }
    text("path", path, max::LOCATION_LENGTH)
}

/// Any text: not longer than `limit` characters, without NUL.
pub(crate) fn text(what: &str, value: &str, limit: usize) -> Result<()> {
    if value.contains('\0') {
        return Err(TrackError::invalid(format!("'{what}' cannot contain NUL (0x00) characters")));
    }
    if value.len() > limit && value.chars().count() > limit {
        return Err(TrackError::invalid(format!("'{what}' exceeds the maximum length of {limit} characters")));
    }
    Ok(())
}

/// A value, cut to `limit` characters.
fn cut<'a>(what: &str, value: &'a str, limit: usize) -> Result<Cow<'a, str>> {
    let end = value.char_indices().nth(limit).map_or(value.len(), |(index, _)| index);
    let value = value.get(..end).unwrap_or(value);
    text(what, value, limit)?;
    Ok(value.into())
}

fn at(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_may_be_files_lie_inside() {
        for good in ["loss", "a/b c.d-e:f", "eval/größe", "a..b"] {
            key("key", good).expect(good);
        }
        for bad in
            ["", "/a", "a//b", "..", "../a", "a/../b", "a/", "./a", "..a", "a\0", "a\n", "a;b", "a'b", "a\"b", "a=b"]
        {
            assert_eq!(key("key", bad).expect_err(bad).code, crate::ErrorCode::InvalidParameterValue, "{bad:?}");
        }
        key("key", &"k".repeat(250)).expect("just right");
        key("key", &"k".repeat(251)).expect_err("too long");
    }

    #[test]
    fn paths_of_artifacts_lie_inside() {
        for good in ["model/MLmodel", "a b/größe.txt", "a/...b"] {
            artifact_path(good).expect(good);
        }
        for bad in ["", "..", "../a", "a/../../b", "/etc/passwd", "c:\\a", "c:a", "a\\b", "a//b", "a\nb"] {
            artifact_path(bad).expect_err(bad);
        }
    }

    #[test]
    fn aliases_that_mean_something_are_taken() {
        for good in ["champion", "v1a", "a-b_c", "v"] {
            new_alias(good).expect(good);
        }
        for bad in ["", "latest", "LATEST", "v1", "V22", "a b", "a/b"] {
            new_alias(bad).expect_err(bad);
        }
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let long = "é".repeat(6001);
        assert_eq!(cut("value", &long, 6000).expect("cut").chars().count(), 6000);
    }
}
