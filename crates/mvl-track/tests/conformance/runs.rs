//! Runs.

use mvl_track::{ErrorCode, LifecycleStage, Metric, NewRun, Param, RunStatus, RunUpdate, Tag};

use crate::support::{Place, code};

on_every_database!(
    one_is_started_updated_and_ended,
    names_come_from_the_caller_a_tag_or_chance,
    a_nested_run_names_its_parent,
    a_deleted_run_takes_nothing_until_it_is_restored,
    missing_runs_are_said_to_be_missing,
);

async fn one_is_started_updated_and_ended(place: Place) {
    let tracker = place.tracker().await;
    let new =
        NewRun { user_id: "me".to_owned(), start_time: Some(123), ..NewRun::of("0").named("first").tag("a", "b") };
    let run = tracker.create_run(new).await.expect("started");
    assert_eq!(run.info.run_id.len(), 32);
    assert_eq!((&*run.info.run_name, &*run.info.user_id, run.info.start_time), ("first", "me", Some(123)));
    assert_eq!((run.info.status, run.info.end_time), (RunStatus::Running, None));
    assert_eq!(run.data.tags, [Tag::new("a", "b"), Tag::new("mlflow.runName", "first")]);
    assert_eq!(tracker.get_run(&run.info.run_id).await.expect("there"), run);

    let update =
        RunUpdate { status: Some(RunStatus::Finished), end_time: Some(456), run_name: Some("second".to_owned()) };
    let info = tracker.update_run(&run.info.run_id, &update).await.expect("updated");
    assert_eq!((info.status, info.end_time, &*info.run_name), (RunStatus::Finished, Some(456), "second"));
    let run = tracker.get_run(&info.run_id).await.expect("there");
    assert_eq!(run.data.tags[1], Tag::new("mlflow.runName", "second"));
    assert_eq!(tracker.update_run(&info.run_id, &RunUpdate::default()).await.expect("nothing"), info);
    tracker.set_tag(&info.run_id, &Tag::new("mlflow.runName", "third")).await.expect("set");
    assert_eq!(tracker.get_run(&info.run_id).await.expect("there").info.run_name, "third");
}

async fn names_come_from_the_caller_a_tag_or_chance(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0").tag("mlflow.runName", "tagged")).await.expect("started");
    assert_eq!(run.info.run_name, "tagged");
    let run = tracker.create_run(NewRun::of("0")).await.expect("started");
    assert_eq!(run.info.run_name.split('-').count(), 3);
    let both = NewRun::of("0").named("a").tag("mlflow.runName", "b");
    assert_eq!(code(tracker.create_run(both).await), ErrorCode::InvalidParameterValue);
    tracker.create_run(NewRun::of("0").named("a").tag("mlflow.runName", "a")).await.expect("the same name twice");
}

async fn a_nested_run_names_its_parent(place: Place) {
    let tracker = place.tracker().await;
    let parent = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let child = tracker.create_run(NewRun::of("0").below(&parent)).await.expect("started").info.run_id;
    let search = mvl_track::RunSearch::of(["0".to_owned()]).filter(format!("tags.mlflow.parentRunId = '{parent}'"));
    let found = tracker.search_runs(&search).await.expect("found").items;
    assert_eq!(found.iter().map(|run| &run.info.run_id).collect::<Vec<_>>(), [&child]);
}

async fn a_deleted_run_takes_nothing_until_it_is_restored(place: Place) {
    let tracker = place.tracker().await;
    let id = &tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    tracker.delete_run(id).await.expect("deleted");
    assert_eq!(tracker.get_run(id).await.expect("there").info.lifecycle_stage, LifecycleStage::Deleted);
    let refused = ErrorCode::InvalidParameterValue;
    assert_eq!(code(tracker.log_metric(id, &Metric::new("a", 1.0, 0, 0)).await), refused);
    assert_eq!(code(tracker.log_param(id, &Param::new("a", "1")).await), refused);
    assert_eq!(code(tracker.set_tag(id, &Tag::new("a", "1")).await), refused);
    assert_eq!(code(tracker.update_run(id, &RunUpdate::default()).await), refused);
    assert_eq!(code(tracker.log_batch(id, &Default::default()).await), refused);
    tracker.restore_run(id).await.expect("restored");
    tracker.log_metric(id, &Metric::new("a", 1.0, 0, 0)).await.expect("logged");
}

async fn missing_runs_are_said_to_be_missing(place: Place) {
    let tracker = place.tracker().await;
    let missing = ErrorCode::ResourceDoesNotExist;
    assert_eq!(code(tracker.get_run("nope").await), missing);
    assert_eq!(code(tracker.delete_run("nope").await), missing);
    assert_eq!(code(tracker.restore_run("nope").await), missing);
    assert_eq!(code(tracker.log_metric("nope", &Metric::new("a", 1.0, 0, 0)).await), missing);
    assert_eq!(code(tracker.metric_history("nope", "a", None, None).await), missing);
    assert_eq!(code(tracker.create_run(NewRun::of("77")).await), missing);
    assert_eq!(code(tracker.log_batch("no pe;", &Default::default()).await), ErrorCode::InvalidParameterValue);
}
