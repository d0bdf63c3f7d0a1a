//! Garbage collection of what was deleted.

use std::time::Duration;

use mvl_track::{ArtifactOwner, Batch, ErrorCode, Metric, NewLoggedModel, NewRun, Param, Tag};

use crate::support::{Place, code};

on_every_database!(what_was_deleted_long_ago_is_removed, what_was_restored_stays, an_experiment_goes_with_all_it_holds);

fn batch() -> Batch {
    Batch {
        metrics: vec![Metric::new("m", 1.0, 0, 0)],
        params: vec![Param::new("p", "1")],
        tags: vec![Tag::new("t", "1")],
    }
}

async fn what_was_deleted_long_ago_is_removed(place: Place) {
    let tracker = place.tracker().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
        tracker.log_batch(&run, &batch()).await.expect("logged");
        tracker.put_artifact(&ArtifactOwner::Run(run.clone()), "a", "x".into()).await.expect("stored");
        runs.push(run);
    }
    tracker.delete_run(&runs[0]).await.expect("deleted");
    let young = tracker.collect_garbage(Duration::from_secs(3600)).await.expect("collected");
    assert_eq!(young, Default::default());
    let collected = tracker.collect_garbage(Duration::ZERO).await.expect("collected");
    assert_eq!((&collected.runs[..], collected.artifacts), (&runs[..1], 1));
    assert_eq!(code(tracker.get_run(&runs[0]).await), ErrorCode::ResourceDoesNotExist);
    let left = tracker.get_run(&runs[1]).await.expect("there");
    assert_eq!((left.data.metrics.len(), left.data.params.len()), (1, 1));
    assert_eq!(tracker.metric_history(&runs[1], "m", None, None).await.expect("read").items.len(), 1);
}

async fn what_was_restored_stays(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    tracker.delete_run(&run).await.expect("deleted");
    tracker.restore_run(&run).await.expect("restored");
    assert_eq!(tracker.collect_garbage(Duration::ZERO).await.expect("collected"), Default::default());
    tracker.get_run(&run).await.expect("there");
}

async fn an_experiment_goes_with_all_it_holds(place: Place) {
    let tracker = place.tracker().await;
    let id = tracker.create_experiment("shoes", None, &[Tag::new("a", "b")]).await.expect("made");
    let run = tracker.create_run(NewRun::of(&id)).await.expect("started").info.run_id;
    tracker.log_batch(&run, &batch()).await.expect("logged");
    let new = NewLoggedModel { experiment_id: id.clone(), ..NewLoggedModel::default() };
    let model = tracker.create_logged_model(new).await.expect("made").model_id;
    tracker.log_metric(&run, &Metric::new("m", 2.0, 0, 0).of_model(&*model)).await.expect("logged");
    tracker.put_artifact(&ArtifactOwner::LoggedModel(model.clone()), "w", "x".into()).await.expect("stored");
    tracker.delete_experiment(&id).await.expect("deleted");
    let collected = tracker.collect_garbage(Duration::ZERO).await.expect("collected");
    assert_eq!((&collected.runs[..], &collected.experiments[..]), (&[run][..], &[id.clone()][..]));
    assert_eq!((&collected.logged_models[..], collected.artifacts), (&[model][..], 1));
    assert_eq!(code(tracker.get_experiment(&id).await), ErrorCode::ResourceDoesNotExist);
    let again = tracker.create_experiment("shoes", None, &[]).await.expect("the name is free");
    assert_ne!(again, id, "an id is not given again");
}
