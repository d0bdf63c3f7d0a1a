use std::fs;
use std::path::Path;

use mvl_core::conformance;
use prost::Message;
use serde_json::json;

use super::messages::{Event, HParamsData, HParamsPluginData, SessionStatus, What};
use super::*;

/// The events of all files, in the order of their names.
fn events(folder: &Path) -> Vec<Event> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let records = paths.iter().flat_map(|path| record::read_all(&fs::read(path).expect("readable")));
    records.map(|record| Event::decode(record.as_slice()).expect("an event")).collect()
}

fn values(folder: &Path) -> Vec<(i64, Value)> {
    let values = |event: Event| match event.what {
        Some(What::Summary(summary)) => summary.value.into_iter().map(|value| (event.step, value)).collect(),
        _ => Vec::new(),
    };
    events(folder).into_iter().flat_map(values).collect()
}

fn scalars(folder: &Path, tag: &str) -> Vec<(i64, f32)> {
    let scalar = |(step, value): (i64, Value)| match value.content {
        Some(Content::Scalar(number)) if value.tag == tag => Some((step, number)),
        _ => None,
    };
    values(folder).into_iter().filter_map(scalar).collect()
}

/// One full run of the conformance suite: the first that it shows.
fn full_run(folder: &Path) {
    let mut runs = 0;
    conformance::observer(|| {
        runs += 1;
        TensorBoard::new(folder.join(runs.to_string()))
    });
}

#[test]
fn every_kind_is_written_and_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    full_run(folder.path());
    let run = folder.path().join("1");
    assert_eq!(scalars(&run, "step/loss"), (0..6).map(|step| (step, 0.5)).collect::<Vec<_>>());
    assert_eq!(scalars(&run, "step/loss_scale"), [(2, 1024.0), (5, 1024.0)]);
    assert_eq!(scalars(&run, "valid/accuracy"), [(2, 0.25), (5, 0.25)]);
    assert_eq!(scalars(&run, "epoch/samples_per_second"), [(2, (12.0_f64 / 0.9) as f32), (5, (12.0_f64 / 0.9) as f32)]);
    let tags = |wanted: fn(&Content) -> bool| -> Vec<String> {
        let found = values(&run).into_iter().filter(|(_, value)| value.content.as_ref().is_some_and(wanted));
        found.map(|(step, value)| format!("{} {step}", value.tag)).collect()
    };
    assert_eq!(
        tags(|content| matches!(content, Content::Image(_))),
        ["samples 2", "confusion_matrix 2", "samples 5", "confusion_matrix 5"]
    );
    assert_eq!(tags(|content| matches!(content, Content::Histogram(_))).len(), 6);
    assert_eq!(
        tags(|content| matches!(content, Content::Tensor(_))),
        ["_hparams_/session_start_info 0", "_hparams_/experiment 0", "_hparams_/session_end_info 0"]
    );
}

#[test]
fn settings_and_figures_reach_the_hparams_plugin() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    full_run(folder.path());
    let data = |(_, value): (i64, Value)| {
        let content = value.metadata?.plugin_data?.content;
        HParamsPluginData::decode(content.as_slice()).ok()?.data
    };
    let data: Vec<HParamsData> = values(&folder.path().join("1")).into_iter().filter_map(data).collect();
    let [HParamsData::SessionStart(start), HParamsData::Experiment(experiment), HParamsData::SessionEnd(end)] =
        &data[..]
    else {
        panic!("{data:?}");
    };
    assert_eq!(start.hparams.keys().collect::<Vec<_>>(), ["model.kind", "train.epochs", "train.optimizer.name"]);
    let tags: Vec<&str> =
        experiment.metric_infos.iter().filter_map(|info| Some(info.name.as_ref()?.tag.as_str())).collect();
    assert_eq!(tags, ["train/loss", "train/accuracy", "valid/loss", "valid/accuracy"]);
    assert_eq!(end.status(), Status::Success);
}

#[test]
fn a_resumed_run_takes_back_what_it_makes_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = json!({});
    for start_step in [0, 2] {
        let started = TrainingEvent::RunStarted {
            epochs: 4,
            steps_per_epoch: 3,
            samples_per_epoch: 3,
            start_epoch: if start_step > 0 { 1 } else { 0 },
            start_step,
            settings: &settings,
        };
        assert_eq!(TensorBoard::new(folder.path()).update(&started).expect("writable"), Flow::Continue);
    }
    let starts: Vec<i64> = events(folder.path())
        .iter()
        .filter(|event| matches!(&event.what, Some(What::SessionLog(log)) if log.status() == SessionStatus::Start))
        .map(|event| event.step)
        .collect();
    assert_eq!(starts, [0, 5]);
}

#[test]
fn steps_can_be_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut runs = 0;
    conformance::observer(|| {
        runs += 1;
        TensorBoard::new(folder.path().join(runs.to_string())).with_every(4)
    });
    let steps: Vec<i64> = scalars(&folder.path().join("1"), "step/loss").iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [0, 4]);
    assert_eq!(scalars(&folder.path().join("1"), "train/loss").len(), 2);
}
