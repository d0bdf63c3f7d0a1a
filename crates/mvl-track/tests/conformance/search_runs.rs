//! Search for runs.

use mvl_track::{
    Batch, Dataset, DatasetInput, ErrorCode, Metric, NewRun, Param, RunSearch, RunStatus, RunUpdate, Tag, Tracker,
    ViewType,
};

use crate::support::{Place, code};

on_every_database!(
    filters_take_what_they_say,
    data_sets_can_be_asked_for,
    orders_put_what_is_missing_last,
    pages_follow_each_other,
    views_and_experiments_are_kept_apart,
    what_is_no_search_is_refused,
    hostile_texts_are_only_texts,
);

/// Runs `a` to `d`.
async fn filled(place: &Place) -> Tracker {
    let tracker = place.tracker().await;
    for (number, (name, loss, lr)) in [
        ("a", Some(0.5), Some("0.1")),
        ("b", Some(0.25), Some("0.01")),
        ("c", Some(f64::NAN), Some("0.1")),
        ("d", None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let start_time = Some(i64::try_from(1000 + number).expect("small"));
        let new = NewRun { user_id: format!("user {name}"), start_time, ..NewRun::of("0").named(name) };
        let id = tracker.create_run(new.tag("Stage", name.to_uppercase())).await.expect("started").info.run_id;
        let batch = Batch {
            metrics: loss.map(|loss| Metric::new("val/loss 1", loss, 0, 0)).into_iter().collect(),
            params: lr.map(|lr| Param::new("lr", lr)).into_iter().collect(),
            tags: Vec::new(),
        };
        tracker.log_batch(&id, &batch).await.expect("logged");
        if name == "a" {
            let update = RunUpdate { status: Some(RunStatus::Finished), end_time: Some(5000), run_name: None };
            tracker.update_run(&id, &update).await.expect("ended");
        }
    }
    tracker
}

/// The names of the runs that are found, in order.
async fn names(tracker: &Tracker, filter: &str, order: &[&str]) -> String {
    let mut search = RunSearch::of(["0".to_owned()]).filter(filter);
    search.order_by = order.iter().map(|field| (*field).to_owned()).collect();
    let page = tracker.search_runs(&search).await.unwrap_or_else(|error| panic!("{filter} {order:?}: {error}"));
    page.items.into_iter().map(|run| run.info.run_name).collect()
}

async fn filters_take_what_they_say(place: Place) {
    let tracker = &filled(&place).await;
    let a = tracker.search_runs(&RunSearch::of(["0".to_owned()]).filter("run_name = 'a'")).await.expect("found");
    let id = &a.items[0].info.run_id;
    for (filter, expected) in [
        ("", "dcba"),
        ("metrics.`val/loss 1` < 0.5", "b"),
        ("metrics.\"val/loss 1\" <= 0.5", "ba"),
        ("metrics.`val/loss 1` = 0.5", "a"),
        ("metrics.`val/loss 1` != 0.5", "cb"),
        ("metrics.`val/loss 1` > -1", "ba"),
        ("metrics.`val/loss 1` = 0", ""),
        ("metrics.nothing > 0", ""),
        ("params.lr = '0.1'", "ca"),
        ("params.lr != '0.1'", "b"),
        ("params.lr LIKE '0.0%'", "b"),
        ("params.lr IS NULL", "d"),
        ("params.lr IS NOT NULL", "cba"),
        ("tags.Stage = 'A' AND params.lr = '0.1'", "a"),
        ("tags.stage = 'A'", ""),
        ("tags.Stage = 'a'", ""),
        ("tags.Stage LIKE 'a'", ""),
        ("tags.Stage ILIKE 'a'", "a"),
        ("tags.Stage != 'A'", "dcb"),
        ("status = 'FINISHED'", "a"),
        ("attributes.status != 'FINISHED'", "dcb"),
        ("attr.user_id = 'user b'", "b"),
        ("run.start_time > 1001", "dc"),
        ("start_time >= 1001 AND start_time < 1003", "cb"),
        ("attribute.created = 1000", "a"),
        ("end_time = 5000", "a"),
        ("attributes.`Run name` LIKE '%'", "dcba"),
        ("run_name ILIKE 'A'", "a"),
        (&format!("run_id = '{id}'"), "a"),
        (&format!("run_id IN ('{id}', 'x')"), "a"),
        (&format!("run_id NOT IN ('{id}')"), "dcb"),
        (&format!("artifact_uri LIKE '%{id}%'"), "a"),
    ] {
        assert_eq!(names(tracker, filter, &[]).await, expected, "{filter}");
    }
}

async fn data_sets_can_be_asked_for(place: Place) {
    let tracker = &filled(&place).await;
    let run = tracker.search_runs(&RunSearch::of(["0".to_owned()]).filter("run_name = 'b'")).await.expect("found");
    let dataset = Dataset {
        name: "shoes".to_owned(),
        digest: "d1".to_owned(),
        source_type: "local".to_owned(),
        source: "/data".to_owned(),
        ..Dataset::default()
    };
    let input = DatasetInput { dataset, tags: vec![Tag::new("mlflow.data.context", "train")] };
    tracker.log_inputs(&run.items[0].info.run_id, &[input], &[]).await.expect("logged");
    for (filter, expected) in [
        ("dataset.name = 'shoes'", "b"),
        ("datasets.digest IN ('d1', 'd2')", "b"),
        ("dataset.context = 'train' AND dataset.name LIKE 's%'", "b"),
        ("dataset.context = 'test'", ""),
        ("dataset.name != 'shoes'", ""),
    ] {
        assert_eq!(names(tracker, filter, &[]).await, expected, "{filter}");
    }
}

async fn orders_put_what_is_missing_last(place: Place) {
    let tracker = &filled(&place).await;
    for (order, expected) in [
        (&["start_time ASC"][..], "abcd"),
        (&["attributes.start_time"], "abcd"),
        (&["metrics.`val/loss 1`"], "bacd"),
        (&["metrics.`val/loss 1` DESC"], "abcd"),
        (&["params.lr", "start_time ASC"], "bacd"),
        (&["params.lr DESC", "metrics.`val/loss 1` ASC"], "acbd"),
        (&["tags.Stage DESC"], "dcba"),
        (&["tags.nothing"], "dcba"),
        (&["end_time DESC"], "adcb"),
        (&["run_name desc"], "dcba"),
        (&["user_id"], "abcd"),
    ] {
        assert_eq!(names(tracker, "", order).await, expected, "{order:?}");
    }
}

async fn pages_follow_each_other(place: Place) {
    let tracker = &place.tracker().await;
    for number in 0..25 {
        tracker
            .create_run(NewRun { start_time: Some(7), ..NewRun::of("0").named(number.to_string()) })
            .await
            .expect("started");
    }
    let mut search = RunSearch { max_results: 10, ..RunSearch::of(["0".to_owned()]) };
    let mut seen = std::collections::BTreeSet::new();
    let mut sizes = Vec::new();
    loop {
        let page = tracker.search_runs(&search).await.expect("a page");
        sizes.push(page.items.len());
        seen.extend(page.items.into_iter().map(|run| run.info.run_id));
        search.page_token = page.next_page_token;
        if search.page_token.is_none() {
            break;
        }
    }
    assert_eq!((sizes, seen.len()), (vec![10, 10, 5], 25));
}

async fn views_and_experiments_are_kept_apart(place: Place) {
    let tracker = &filled(&place).await;
    let other = tracker.create_experiment("other", None, &[]).await.expect("made");
    tracker.create_run(NewRun::of(&other).named("o")).await.expect("started");
    let d = tracker.search_runs(&RunSearch::of(["0".to_owned()]).filter("run_name = 'd'")).await.expect("found");
    tracker.delete_run(&d.items[0].info.run_id).await.expect("deleted");
    for (ids, view, expected) in [
        (vec!["0".to_owned()], ViewType::ActiveOnly, 3),
        (vec!["0".to_owned()], ViewType::DeletedOnly, 1),
        (vec!["0".to_owned()], ViewType::All, 4),
        (vec!["0".to_owned(), other.clone(), other.clone()], ViewType::All, 5),
        (vec!["99".to_owned()], ViewType::All, 0),
        (vec![], ViewType::All, 0),
    ] {
        let search = RunSearch { view, ..RunSearch::of(ids.clone()) };
        assert_eq!(tracker.search_runs(&search).await.expect("found").items.len(), expected, "{ids:?} {view:?}");
    }
}

async fn what_is_no_search_is_refused(place: Place) {
    let tracker = &place.tracker().await;
    let all = || RunSearch::of(["0".to_owned()]);
    for search in [
        all().filter("metrics.a"),
        all().filter("lifecycle_stage = 'active'"),
        all().filter("experiment_id = '0'"),
        all().order_by("nothing"),
        all().order_by("metrics.a UP"),
        all().order_by("metrics.a").order_by("metrics.a DESC"),
        RunSearch { max_results: 0, ..all() },
        RunSearch { max_results: 50_001, ..all() },
        RunSearch { page_token: Some("evilhax".to_owned()), ..all() },
        RunSearch::of(["x".to_owned()]),
        RunSearch::of((0..20_000).map(|id| id.to_string())),
    ] {
        assert_eq!(code(tracker.search_runs(&search).await), ErrorCode::InvalidParameterValue);
    }
    let many = (0..100).map(|number| format!("tags.t{number} IS NULL")).collect::<Vec<_>>().join(" AND ");
    tracker.search_runs(&all().filter(many)).await.expect("as many conditions as may be");
}

async fn hostile_texts_are_only_texts(place: Place) {
    let tracker = &place.tracker().await;
    let hostile = "'; DROP TABLE runs; --";
    let run = tracker.create_run(NewRun::of("0").named(hostile)).await.expect("started").info.run_id;
    tracker.log_param(&run, &Param::new("p", hostile)).await.expect("logged");
    let quoted = hostile.replace('\'', "''");
    for filter in
        [format!("run_name = '{quoted}'"), format!("params.p = \"{hostile}\""), format!("params.p LIKE '%{quoted}%'")]
    {
        let found = tracker.search_runs(&RunSearch::of(["0".to_owned()]).filter(&*filter)).await.expect(&filter);
        assert_eq!(found.items.len(), 1, "{filter}");
    }
    for filter in [
        format!("params.\"{hostile}\" = 'a'"),
        format!("metrics.`{hostile}` > 1"),
        format!("tags.\"{}\" = 'a'", "x".repeat(60_000)),
        format!("tags.a LIKE '{}'", "%a".repeat(2_000)),
    ] {
        let found = tracker.search_runs(&RunSearch::of(["0".to_owned()]).filter(&*filter)).await.expect("a search");
        assert_eq!(found.items.len(), 0);
    }
    let order = RunSearch::of(["0".to_owned()]).order_by(format!("params.`{hostile}` DESC"));
    assert_eq!(tracker.search_runs(&order).await.expect("a search").items.len(), 1);
}
