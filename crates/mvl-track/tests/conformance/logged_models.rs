//! Logged models.

use mvl_track::{
    DatasetFilter, ErrorCode, LoggedModelSearch, LoggedModelStatus, Metric, ModelOrder, NewLoggedModel, NewRun, Param,
    Tag, Tracker,
};

use crate::support::{Place, code};

on_every_database!(
    one_is_made_finalized_and_deleted,
    tags_and_parameters,
    a_search_looks_at_the_latest_metrics,
    bad_names_are_refused
);

fn new(name: &str) -> NewLoggedModel {
    NewLoggedModel { experiment_id: "0".to_owned(), name: Some(name.to_owned()), ..NewLoggedModel::default() }
}

async fn one_is_made_finalized_and_deleted(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let new = NewLoggedModel {
        source_run_id: Some(run.clone()),
        model_type: Some("classifier".to_owned()),
        tags: vec![Tag::new("t", "1")],
        params: vec![Param::new("p", "1")],
        ..new("shoes")
    };
    let model = tracker.create_logged_model(new).await.expect("made");
    assert!(model.model_id.starts_with("m-") && model.model_id.len() == 34);
    assert_eq!(model.artifact_location, format!("mlflow-artifacts:/0/models/{}/artifacts", model.model_id));
    assert_eq!((model.status, model.source_run_id.as_deref()), (LoggedModelStatus::Pending, Some(&*run)));
    let ready = tracker.finalize_logged_model(&model.model_id, LoggedModelStatus::Ready).await.expect("finalized");
    assert_eq!((ready.status, &ready.tags, &ready.params), (LoggedModelStatus::Ready, &model.tags, &model.params));
    assert_eq!(tracker.get_logged_model(&model.model_id).await.expect("there"), ready);

    tracker.delete_logged_model(&model.model_id).await.expect("deleted");
    let missing = ErrorCode::ResourceDoesNotExist;
    assert_eq!(code(tracker.get_logged_model(&model.model_id).await), missing);
    assert_eq!(code(tracker.delete_logged_model(&model.model_id).await), missing);
    assert_eq!(code(tracker.finalize_logged_model("m-nope", LoggedModelStatus::Ready).await), missing);
    let metric = Metric::new("a", 1.0, 0, 0).of_model(model.model_id);
    assert_eq!(code(tracker.log_metric(&run, &metric).await), missing);
}

async fn tags_and_parameters(place: Place) {
    let tracker = place.tracker().await;
    let id = &tracker.create_logged_model(new("shoes")).await.expect("made").model_id;
    tracker
        .set_logged_model_tags(id, &[Tag::new("a", "1"), Tag::new("b", "1"), Tag::new("a", "2")])
        .await
        .expect("set");
    tracker.delete_logged_model_tag(id, "b").await.expect("removed");
    assert_eq!(code(tracker.delete_logged_model_tag(id, "b").await), ErrorCode::ResourceDoesNotExist);
    tracker.log_logged_model_params(id, &[Param::new("p", "1")]).await.expect("logged");
    tracker.log_logged_model_params(id, &[Param::new("p", "1"), Param::new("q", "2")]).await.expect("logged");
    let changed = tracker.log_logged_model_params(id, &[Param::new("p", "2"), Param::new("r", "3")]).await;
    assert_eq!(code(changed), ErrorCode::InvalidParameterValue);
    let model = tracker.get_logged_model(id).await.expect("there");
    assert_eq!(model.tags, [Tag::new("a", "2")]);
    assert_eq!(model.params, [Param::new("p", "1"), Param::new("q", "2")]);
}

async fn found(tracker: &Tracker, search: LoggedModelSearch) -> String {
    let page = tracker.search_logged_models(&search).await.unwrap_or_else(|error| panic!("{search:?}: {error}"));
    page.items.into_iter().map(|model| model.name).collect()
}

async fn a_search_looks_at_the_latest_metrics(place: Place) {
    let tracker = &place.tracker().await;
    let run = &tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    for (name, points) in [("a", &[(0, 0.9), (1, 0.5)][..]), ("b", &[(0, 0.1), (5, 0.7)]), ("c", &[])] {
        let mut new = new(name);
        new.params.push(Param::new("p", name));
        let id = tracker.create_logged_model(new).await.expect("made").model_id;
        for (step, value) in points {
            let metric = Metric::new("acc", *value, 0, *step).of_model(&*id).on_dataset(format!("set {name}"), "d");
            tracker.log_metric(run, &metric).await.expect("logged");
        }
    }
    let search = |filter: &str| LoggedModelSearch {
        experiment_ids: vec!["0".to_owned()],
        filter: filter.to_owned(),
        order_by: vec![ModelOrder { field_name: "name".to_owned(), ..ModelOrder::default() }],
        ..LoggedModelSearch::default()
    };
    for (filter, expected) in [
        ("", "abc"),
        ("metrics.acc > 0.6", "b"),
        ("metrics.acc < 0.6", "a"),
        ("name = 'a'", "a"),
        ("attributes.name LIKE '%' AND params.p != 'a'", "bc"),
        ("name IN ('a', 'c')", "ac"),
        ("params.p IN ('b')", "b"),
        ("status = 'PENDING'", "abc"),
        ("status != 'PENDING'", ""),
        ("creation_timestamp > 0 AND last_updated_timestamp > 0", "abc"),
        ("tags.x = 'y'", ""),
    ] {
        assert_eq!(found(tracker, search(filter)).await, expected, "{filter}");
    }
    let on = |name: &str| DatasetFilter { dataset_name: name.to_owned(), dataset_digest: None };
    assert_eq!(found(tracker, LoggedModelSearch { datasets: vec![on("set a")], ..search("") }).await, "a");
    assert_eq!(
        found(tracker, LoggedModelSearch { datasets: vec![on("set a")], ..search("metrics.acc > 0") }).await,
        "a"
    );
    let digest = DatasetFilter { dataset_digest: Some("other".to_owned()), ..on("set a") };
    assert_eq!(found(tracker, LoggedModelSearch { datasets: vec![digest], ..search("") }).await, "");

    let by = |descending| ModelOrder { field_name: "metrics.acc".to_owned(), descending, ..ModelOrder::default() };
    assert_eq!(found(tracker, LoggedModelSearch { order_by: vec![by(true)], ..search("") }).await, "bac");
    assert_eq!(found(tracker, LoggedModelSearch { order_by: vec![by(false)], ..search("") }).await, "abc");

    let mut paged = LoggedModelSearch { max_results: 2, ..search("") };
    let first = tracker.search_logged_models(&paged).await.expect("a page");
    paged.page_token = first.next_page_token;
    assert_eq!(found(tracker, paged.clone()).await, "c");
    paged.filter = "name = 'a'".to_owned();
    assert_eq!(
        code(tracker.search_logged_models(&paged).await),
        ErrorCode::InvalidParameterValue,
        "another query's token"
    );
    for bad in
        ["nothing = 'a'", "metrics.acc > 'a'", "metrics.acc IN ('a')", "creation_timestamp = 'a'", "dataset.name = 'a'"]
    {
        assert_eq!(code(tracker.search_logged_models(&search(bad)).await), ErrorCode::InvalidParameterValue, "{bad}");
    }
    for bad in ["nothing", "params.p", "metrics."] {
        let order_by = vec![ModelOrder { field_name: bad.to_owned(), ..ModelOrder::default() }];
        let refused = tracker.search_logged_models(&LoggedModelSearch { order_by, ..search("") }).await;
        assert_eq!(code(refused), ErrorCode::InvalidParameterValue, "{bad}");
    }
    let nameless = LoggedModelSearch { datasets: vec![on("")], ..search("") };
    assert_eq!(code(tracker.search_logged_models(&nameless).await), ErrorCode::InvalidParameterValue);
}

async fn bad_names_are_refused(place: Place) {
    let tracker = place.tracker().await;
    for bad in ["", "a/b", "a:b", "a.b", "a%b", "a\"b", "a'b", "a\0b"] {
        assert_eq!(code(tracker.create_logged_model(new(bad)).await), ErrorCode::InvalidParameterValue, "{bad:?}");
    }
    tracker.create_logged_model(NewLoggedModel { name: None, ..new("") }).await.expect("a name is made up");
}
