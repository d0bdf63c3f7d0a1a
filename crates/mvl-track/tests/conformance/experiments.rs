//! Experiments.

use mvl_track::{ErrorCode, ExperimentSearch, LifecycleStage, NewRun, Tag, ViewType};

use crate::support::{Place, code};

on_every_database!(
    the_default_is_there,
    one_is_made_read_and_renamed,
    names_are_unique_and_checked,
    deleting_takes_the_runs_along_and_restoring_brings_them_back,
    tags_are_set_and_removed,
    a_search_filters_sorts_and_pages,
    an_old_program_refuses_a_newer_database,
);

async fn the_default_is_there(place: Place) {
    let tracker = place.tracker().await;
    let default = tracker.get_experiment("0").await.expect("experiment 0");
    assert_eq!((&*default.name, &*default.artifact_location), ("Default", "mlflow-artifacts:/0"));
    assert!(default.creation_time > 1_700_000_000_000);
    let run = tracker.create_run(NewRun::of("0")).await.expect("a run");
    let id = &run.info.run_id;
    assert_eq!(run.info.artifact_uri, format!("mlflow-artifacts:/0/{id}/artifacts"));
    place.tracker().await.get_experiment("0").await.expect("opened again");
}

async fn one_is_made_read_and_renamed(place: Place) {
    let tracker = place.tracker().await;
    let id = tracker.create_experiment("shoes", None, &[Tag::new("team", "a")]).await.expect("made");
    let made = tracker.get_experiment(&id).await.expect("there");
    assert_eq!(made.artifact_location, format!("mlflow-artifacts:/{id}"));
    assert_eq!((made.lifecycle_stage, &*made.tags), (LifecycleStage::Active, &[Tag::new("team", "a")][..]));
    assert_eq!(tracker.get_experiment_by_name("shoes").await.expect("read"), Some(made));
    assert_eq!(tracker.get_experiment_by_name("boots").await.expect("read"), None);

    tracker.rename_experiment(&id, "boots").await.expect("renamed");
    assert_eq!(tracker.get_experiment(&id).await.expect("there").name, "boots");
    tracker.rename_experiment(&id, "boots").await.expect("its own name");
    assert_eq!(code(tracker.rename_experiment(&id, "Default").await), ErrorCode::ResourceAlreadyExists);
    assert_eq!(code(tracker.rename_experiment("99", "x").await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(code(tracker.get_experiment("99").await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(code(tracker.get_experiment("x'; --").await), ErrorCode::InvalidParameterValue);

    let there = tracker.create_experiment("elsewhere", Some("s3://bucket/a"), &[]).await.expect("made");
    let run = tracker.create_run(NewRun::of(&there)).await.expect("a run");
    assert_eq!(run.info.artifact_uri, format!("s3://bucket/a/{}/artifacts", run.info.run_id));
}

async fn names_are_unique_and_checked(place: Place) {
    let tracker = place.tracker().await;
    let id = tracker.create_experiment("a'b\"c;--", None, &[]).await.expect("made");
    assert_eq!(code(tracker.create_experiment("a'b\"c;--", None, &[]).await), ErrorCode::ResourceAlreadyExists);
    tracker.delete_experiment(&id).await.expect("deleted");
    let taken = tracker.create_experiment("a'b\"c;--", None, &[]).await.expect_err("deleted ones keep their name");
    assert_eq!(taken.code, ErrorCode::ResourceAlreadyExists);
    assert!(taken.to_string().contains("restore it"), "{taken}");
    for bad in ["", " \t", "a\0b", &"x".repeat(501)] {
        assert_eq!(code(tracker.create_experiment(bad, None, &[]).await), ErrorCode::InvalidParameterValue);
    }
    for bad in ["runs:/a", "s3://a/../b", "s3://a?x=1", "s3://a#x"] {
        assert_eq!(
            code(tracker.create_experiment("n", Some(bad), &[]).await),
            ErrorCode::InvalidParameterValue,
            "{bad}"
        );
    }
    let long = Tag::new("k", "v".repeat(20_001));
    assert_eq!(code(tracker.create_experiment("n", None, &[long]).await), ErrorCode::InvalidParameterValue);
    assert_eq!(tracker.get_experiment_by_name("n").await.expect("read"), None, "nothing of it is there");
}

async fn deleting_takes_the_runs_along_and_restoring_brings_them_back(place: Place) {
    let tracker = place.tracker().await;
    let id = tracker.create_experiment("shoes", None, &[]).await.expect("made");
    let run = tracker.create_run(NewRun::of(&id)).await.expect("a run").info.run_id;
    tracker.delete_experiment(&id).await.expect("deleted");
    assert_eq!(tracker.get_experiment(&id).await.expect("there").lifecycle_stage, LifecycleStage::Deleted);
    assert_eq!(tracker.get_run(&run).await.expect("there").info.lifecycle_stage, LifecycleStage::Deleted);
    assert_eq!(code(tracker.delete_experiment(&id).await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(code(tracker.rename_experiment(&id, "x").await), ErrorCode::InvalidState);
    assert_eq!(code(tracker.create_run(NewRun::of(&id)).await), ErrorCode::InvalidParameterValue);
    assert_eq!(code(tracker.set_experiment_tag(&id, &Tag::new("a", "b")).await), ErrorCode::InvalidParameterValue);
    tracker.restore_experiment(&id).await.expect("restored");
    assert_eq!(tracker.get_run(&run).await.expect("there").info.lifecycle_stage, LifecycleStage::Active);
    assert_eq!(code(tracker.restore_experiment(&id).await), ErrorCode::ResourceDoesNotExist);
}

async fn tags_are_set_and_removed(place: Place) {
    let tracker = place.tracker().await;
    for value in ["1", "2"] {
        tracker.set_experiment_tag("0", &Tag::new("a/b c", value)).await.expect("set");
    }
    assert_eq!(tracker.get_experiment("0").await.expect("there").tags, [Tag::new("a/b c", "2")]);
    tracker.delete_experiment_tag("0", "a/b c").await.expect("removed");
    assert_eq!(code(tracker.delete_experiment_tag("0", "a/b c").await), ErrorCode::ResourceDoesNotExist);
    assert_eq!(code(tracker.set_experiment_tag("0", &Tag::new("../a", "b")).await), ErrorCode::InvalidParameterValue);
}

async fn a_search_filters_sorts_and_pages(place: Place) {
    let tracker = place.tracker().await;
    let mut ids = Vec::new();
    for name in ["b", "a", "C", "c_d", "cxd"] {
        ids.push(tracker.create_experiment(name, None, &[Tag::new("n", name)]).await.expect("made"));
    }
    let deleted = tracker.create_experiment("gone", None, &[]).await.expect("made");
    tracker.delete_experiment(&deleted).await.expect("deleted");
    let found = async |filter: &str, order: &[&str], view| {
        let order_by = order.iter().map(|field| (*field).to_owned()).collect();
        let search = ExperimentSearch { filter: filter.to_owned(), order_by, view, ..Default::default() };
        let page = tracker.search_experiments(&search).await.unwrap_or_else(|error| panic!("{filter}: {error}"));
        page.items.into_iter().map(|experiment| experiment.name).collect::<Vec<_>>()
    };
    let active = ViewType::ActiveOnly;
    // Bytes decide the order, on every database.
    assert_eq!(found("", &["name"], active).await, ["C", "Default", "a", "b", "c_d", "cxd"]);
    assert_eq!(found("", &["name DESC"], ViewType::All).await, ["gone", "cxd", "c_d", "b", "a", "Default", "C"]);
    assert_eq!(found("", &["name"], ViewType::DeletedOnly).await, ["gone"]);
    assert_eq!(found("name = 'a'", &[], active).await, ["a"]);
    assert_eq!(found("name LIKE 'c%'", &["name"], active).await, ["c_d", "cxd"]);
    assert_eq!(found("name ILIKE 'C%'", &["name"], active).await, ["C", "c_d", "cxd"]);
    assert_eq!(found("name LIKE 'c\\_d'", &["name"], active).await.len(), 0, "a backslash is a backslash");
    assert_eq!(found("name != 'a' AND tags.n != 'b'", &["name"], active).await, ["C", "c_d", "cxd"]);
    assert_eq!(found("tags.n IS NULL", &["name"], active).await, ["Default"]);
    assert_eq!(found("tags.n IS NOT NULL", &["name"], active).await.len(), 5);
    assert_eq!(found("experiment_id = '0'", &[], active).await, ["Default"]);
    // A connection that is cut can take a number with it: the first experiment's need not be 1.
    let others = format!("attribute.experiment_id NOT IN ('0', '{}')", ids[0]);
    assert_eq!(found(&others, &["experiment_id ASC"], active).await, ["a", "C", "c_d", "cxd"]);
    assert_eq!(found("creation_time > 0 AND last_update_time >= 1", &["experiment_id"], active).await.len(), 6);
    assert_eq!(found("", &[], active).await.len(), 6);

    for bad in [
        "name IN ('a')",
        "experiment_id LIKE '1'",
        "experiment_id = 'x'",
        "creation_time = 'x'",
        "metrics.a > 1",
        "params.a = 'b'",
    ] {
        let search = ExperimentSearch { filter: bad.to_owned(), ..Default::default() };
        assert_eq!(code(tracker.search_experiments(&search).await), ErrorCode::InvalidParameterValue, "{bad}");
    }
    for max_results in [0, 50_001] {
        let search = ExperimentSearch { max_results, ..Default::default() };
        assert_eq!(code(tracker.search_experiments(&search).await), ErrorCode::InvalidParameterValue);
    }
    let mut search = ExperimentSearch { order_by: vec!["name".to_owned()], max_results: 4, ..Default::default() };
    let first = tracker.search_experiments(&search).await.expect("a page");
    search.page_token = first.next_page_token;
    let second = tracker.search_experiments(&search).await.expect("a page");
    assert_eq!((first.items.len(), second.items.len(), second.next_page_token), (4, 2, None));
    search.page_token = Some("evil".to_owned());
    assert_eq!(code(tracker.search_experiments(&search).await), ErrorCode::InvalidParameterValue);
}

async fn an_old_program_refuses_a_newer_database(place: Place) {
    drop(place.tracker().await);
    place.execute("INSERT INTO mvl_track_steps (step, applied) VALUES (99, 0)").await;
    let error = mvl_track::Database::open(place.uri()).await.expect_err("newer");
    assert_eq!(error.code, ErrorCode::InvalidState);
    assert!(error.to_string().contains("update this program"), "{error}");
}
