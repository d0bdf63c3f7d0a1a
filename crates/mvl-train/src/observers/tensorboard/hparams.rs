//! The settings of a run for TensorBoard's HParams plugin.

use std::collections::BTreeMap;

use prost::Message;
use serde_json::Value as Json;

use super::event_file::now;
use super::messages::{
    Content, DataType, Dim, Experiment, HParamInfo, HParamsData, HParamsPluginData, Metadata, MetricInfo, MetricName,
    PluginData, SessionEndInfo, SessionStartInfo, Setting, SettingKind, Status, TensorProto, TensorShape, Value,
};

pub(super) const PLUGIN: &str = "hparams";
/// `DT_FLOAT`.
const FLOAT: i32 = 1;
/// What is shown at most: a list of a thousand class names helps nobody there.
const MAX_SETTINGS: usize = 500;
const MAX_TEXT: usize = 200;

/// Settings by path (`train.optimizer.name`): objects are gone into, lists stay as JSON, `null` is left out.
pub(super) fn flatten(settings: &Json) -> BTreeMap<String, Setting> {
    let mut flat = BTreeMap::new();
    add("", settings, &mut flat);
    flat
}

fn add(path: &str, value: &Json, flat: &mut BTreeMap<String, Setting>) {
    let kind = match value {
        Json::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                add(&path, member, flat);
            }
            return;
        }
        Json::Null => return,
        Json::Bool(value) => SettingKind::Bool(*value),
        Json::Number(value) => SettingKind::Number(value.as_f64().unwrap_or(f64::NAN)),
        Json::String(value) => SettingKind::Text(cut(value)),
        Json::Array(_) => SettingKind::Text(cut(&value.to_string())),
    };
    if !path.is_empty() && flat.len() < MAX_SETTINGS {
        flat.insert(path.to_owned(), Setting { kind: Some(kind) });
    }
}

/// Settings that are text: what reads as a number or as yes or no is one.
pub(super) fn read_settings<'a>(texts: impl Iterator<Item = (&'a String, &'a String)>) -> BTreeMap<String, Setting> {
    let kind = |text: &str| match (text.parse::<f64>(), text) {
        (Ok(number), _) => SettingKind::Number(number),
        (_, "true" | "True") => SettingKind::Bool(true),
        (_, "false" | "False") => SettingKind::Bool(false),
        _ => SettingKind::Text(cut(text)),
    };
    texts.take(MAX_SETTINGS).map(|(name, text)| (name.clone(), Setting { kind: Some(kind(text)) })).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    text.chars().take(MAX_TEXT - 1).chain(['…']).collect()
}

/// What there is to compare: settings and figures.
pub(super) fn experiment(settings: &BTreeMap<String, Setting>, tags: impl Iterator<Item = String>) -> Value {
    let info = |(name, setting): (&String, &Setting)| {
        let kind = match setting.kind {
            Some(SettingKind::Number(_)) => DataType::Float64,
            Some(SettingKind::Text(_)) => DataType::String,
            Some(SettingKind::Bool(_)) => DataType::Bool,
            None => DataType::Unset,
        };
        HParamInfo { name: name.clone(), kind: kind.into() }
    };
    let experiment = Experiment {
        time_created_secs: now(),
        hparam_infos: settings.iter().map(info).collect(),
        metric_infos: tags.map(|tag| MetricInfo { name: Some(MetricName { tag }) }).collect(),
    };
    value("_hparams_/experiment", HParamsData::Experiment(experiment))
}

/// The settings of this run.
pub(super) fn session_start(settings: BTreeMap<String, Setting>) -> Value {
    let info = SessionStartInfo { hparams: settings, start_time_secs: now() };
    value("_hparams_/session_start_info", HParamsData::SessionStart(info))
}

/// How it ended.
pub(super) fn session_end(status: Status) -> Value {
    let info = SessionEndInfo { status: status.into(), end_time_secs: now() };
    value("_hparams_/session_end_info", HParamsData::SessionEnd(info))
}

/// The plugin reads the metadata only; readers of today expect a tensor beside it, an empty one.
fn value(tag: &str, data: HParamsData) -> Value {
    let content = HParamsPluginData { data: Some(data) }.encode_to_vec();
    let plugin_data = Some(PluginData { plugin_name: PLUGIN.to_owned(), content });
    let shape = Some(TensorShape { dim: vec![Dim { size: 0 }] });
    let nothing = TensorProto { dtype: FLOAT, shape, ..TensorProto::default() };
    Value { tag: tag.to_owned(), metadata: Some(Metadata { plugin_data }), content: Some(Content::Tensor(nothing)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_flat_and_short() {
        let flat = flatten(&json!({
            "train": {"epochs": 3, "ema": null, "optimizer": {"name": "sgd", "nesterov": false}, "milestones": [1, 2]},
            "labels": "x".repeat(1000),
        }));
        let kind = |name: &str| flat[name].kind.clone().expect("a kind");
        assert_eq!(
            flat.keys().collect::<Vec<_>>(),
            ["labels", "train.epochs", "train.milestones", "train.optimizer.name", "train.optimizer.nesterov"]
        );
        assert_eq!(kind("train.epochs"), SettingKind::Number(3.0));
        assert_eq!(kind("train.milestones"), SettingKind::Text("[1,2]".to_owned()));
        assert_eq!(kind("train.optimizer.nesterov"), SettingKind::Bool(false));
        assert!(matches!(kind("labels"), SettingKind::Text(text) if text.chars().count() == MAX_TEXT));
        let many = Json::Object((0..1000).map(|number| (number.to_string(), json!(number))).collect());
        assert_eq!(flatten(&many).len(), MAX_SETTINGS);
        assert!(flatten(&json!("bare")).is_empty());
    }
}
