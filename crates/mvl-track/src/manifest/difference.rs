//! What changed from one version of a model to another.

use serde::Serialize;
use serde_json::Value;

use super::{ModelManifest, invalid};
use crate::TrackError;

/// One place where two manifests differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where, names with `.` between: `card.metrics.test.accuracy`.
    pub path: String,
    /// What it was; null where there was nothing.
    pub was: Value,
    /// What it is; null where there is nothing any more.
    pub is: Value,
}

/// All differences, in the order of their paths.
///
/// # Errors
/// When a manifest cannot be written as JSON, as with a metric that is not finite.
pub fn differences(was: &ModelManifest, is: &ModelManifest) -> Result<Vec<Difference>, TrackError> {
    let [was, is] = [was, is].map(serde_json::to_value);
    let unwritable = |error: serde_json::Error| invalid(error.to_string());
    let mut found = Vec::new();
    compare("", &was.map_err(unwritable)?, &is.map_err(unwritable)?, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn compare(path: &str, was: &Value, is: &Value, found: &mut Vec<Difference>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let new = is.keys().filter(|name| !was.contains_key(*name));
            for name in was.keys().chain(new) {
                let side = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&below(name), &side(was), &side(is), found);
            }
        }
        // A whole part that came or went is shown by what is in it.
        (Value::Object(_), Value::Null) => compare(path, was, &Value::Object(Default::default()), found),
        (Value::Null, Value::Object(_)) => compare(path, &Value::Object(Default::default()), is, found),
        _ if was != is => found.push(Difference { path: path.to_owned(), was: was.clone(), is: is.clone() }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_is_named_once() {
        let was = ModelManifest { labels: vec!["cat".to_owned()], ..ModelManifest::default() };
        let mut is = was.clone();
        is.labels.push("dog".to_owned());
        is.card.metrics.insert("test".to_owned(), BTreeMap::from([("accuracy".to_owned(), 0.9)]));
        let found = differences(&was, &is).expect("finite figures");
        let shown: Vec<_> = found.iter().map(|difference| (difference.path.as_str(), &difference.is)).collect();
        assert_eq!(shown, [("card.metrics.test.accuracy", &json!(0.9)), ("labels", &json!(["cat", "dog"]))]);
        assert_eq!(found[0].was, Value::Null);
        assert_eq!(differences(&is, &is).expect("finite figures"), []);
    }
}
