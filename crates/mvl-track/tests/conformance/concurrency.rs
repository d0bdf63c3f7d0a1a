//! Several programs at once: each task has connections of its own.

use std::collections::HashSet;

use mvl_track::{Batch, ErrorCode, Metric, NewLoggedModel, NewRun, NewVersion, Param, Tag};

use crate::support::{Place, code};

on_every_database!(
    a_new_database_is_opened_by_many,
    of_many_experiments_of_one_name_one_is_made,
    batches_about_one_run_take_turns,
    a_reader_sees_batches_whole,
    versions_get_numbers_of_their_own,
    lists_in_tags_lose_no_entry,
);

async fn a_new_database_is_opened_by_many(place: Place) {
    let place = std::sync::Arc::new(place);
    let opened = (0..6).map(|_| {
        let place = place.clone();
        tokio::spawn(async move { place.tracker().await.create_run(NewRun::of("0")).await.map(|run| run.info.run_id) })
    });
    let mut ids = HashSet::new();
    for task in opened.collect::<Vec<_>>() {
        ids.insert(task.await.expect("no panic").expect("opened and started"));
    }
    assert_eq!(ids.len(), 6);
}

async fn of_many_experiments_of_one_name_one_is_made(place: Place) {
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let tracker = place.tracker().await;
        tasks.push(tokio::spawn(async move { tracker.create_experiment("shoes", None, &[Tag::new("a", "b")]).await }));
    }
    let mut made = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(_) => made += 1,
            answer => assert_eq!(code(answer), ErrorCode::ResourceAlreadyExists),
        }
    }
    assert_eq!(made, 1);
}

async fn batches_about_one_run_take_turns(place: Place) {
    let run = place.tracker().await.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let (tracker, run) = (place.tracker().await, run.clone());
        tasks.push(tokio::spawn(async move {
            for number in 0..10 {
                let step = writer * 10 + number;
                // Names in another order for every writer, and new ones all the time.
                let names = if writer % 2 == 0 { ["a", "b", "c"] } else { ["c", "b", "a"] };
                let mut metrics: Vec<_> = names.map(|name| Metric::new(name, step as f64, step, step)).to_vec();
                metrics.push(Metric::new(format!("of {step}"), 1.0, 0, 0));
                metrics.push(Metric::new(format!("of {}", 39 - step), 1.0, 0, 0));
                let tags = vec![Tag::new("last", step.to_string())];
                let params = vec![Param::new(format!("p{step}"), "1"), Param::new("same", "1")];
                tracker.log_batch(&run, &Batch { metrics, params, tags }).await.expect("logged");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let tracker = place.tracker().await;
    let found = tracker.get_run(&run).await.expect("there");
    assert_eq!((found.data.metrics.len(), found.data.params.len()), (43, 41));
    assert!(found.data.metrics.iter().filter(|metric| metric.key.len() == 1).all(|metric| metric.step == 39));
    for name in ["a", "b", "c"] {
        assert_eq!(tracker.metric_history(&run, name, None, None).await.expect("read").items.len(), 40);
    }
}

async fn a_reader_sees_batches_whole(place: Place) {
    let (writer, reader) = (place.tracker().await, place.tracker().await);
    let run = writer.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let id = run.clone();
    let task = tokio::spawn(async move {
        for number in 0..40 {
            let metrics = vec![Metric::new("m", number as f64, number, number)];
            let tags = vec![Tag::new("t", number.to_string())];
            let params = vec![Param::new(format!("p{number}"), "1")];
            writer.log_batch(&id, &Batch { metrics, params, tags }).await.expect("logged");
        }
    });
    while !task.is_finished() {
        let data = reader.get_run(&run).await.expect("there").data;
        if let Some(metric) = data.metrics.first() {
            assert_eq!(data.tags.iter().find(|tag| tag.key == "t").expect("there").value, metric.step.to_string());
            assert_eq!(data.params.len() as i64, metric.step + 1);
        }
    }
    task.await.expect("no panic");
}

async fn versions_get_numbers_of_their_own(place: Place) {
    place.registry().await.create_model("shoes", &[], None).await.expect("registered");
    let mut tasks = Vec::new();
    for _ in 0..5 {
        let registry = place.registry().await;
        tasks.push(tokio::spawn(async move {
            let new = NewVersion { name: "shoes".to_owned(), source: "a".to_owned(), ..NewVersion::default() };
            let mut numbers = Vec::new();
            for _ in 0..4 {
                numbers.push(registry.create_version(&new).await.expect("made").version);
            }
            numbers
        }));
    }
    let mut numbers = HashSet::new();
    for task in tasks {
        numbers.extend(task.await.expect("no panic"));
    }
    assert_eq!(numbers, (1..=20).collect());
}

async fn lists_in_tags_lose_no_entry(place: Place) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let new = NewLoggedModel { experiment_id: "0".to_owned(), ..NewLoggedModel::default() };
    let model = tracker.create_logged_model(new).await.expect("made").model_id;
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let (tracker, run, model) = (place.tracker().await, run.clone(), model.clone());
        tasks.push(tokio::spawn(async move {
            for number in 0..10 {
                let longer = |before: Option<&str>| format!("{},{writer}-{number}", before.unwrap_or_default());
                tracker.change_tag(&run, "list", longer).await.expect("changed");
                tracker.change_logged_model_tag(&model, "list", longer).await.expect("changed");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let of_run = tracker.get_run(&run).await.expect("there").data.tags;
    let of_model = tracker.get_logged_model(&model).await.expect("there").tags;
    for tags in [of_run, of_model] {
        let list = &tags.iter().find(|tag| tag.key == "list").expect("set").value;
        let entries: HashSet<&str> = list.split(',').filter(|entry| !entry.is_empty()).collect();
        assert_eq!(entries.len(), 40, "{list}");
        for writer in 0..4 {
            let own = list.split(',').filter(|entry| entry.starts_with(&format!("{writer}-")));
            assert!(own.eq((0..10).map(|number| format!("{writer}-{number}"))), "each in its order: {list}");
        }
    }
}
