//! Metrics, parameters, tags, one by one and in batches.

use mvl_track::{Batch, ErrorCode, Metric, NewRun, Param, Run, Tag, Tracker};

use crate::support::{Place, code};

on_every_database!(
    the_latest_metric_is_of_the_highest_step_then_time_then_value,
    numbers_that_are_none_are_kept,
    a_parameter_never_changes,
    tags_are_overwritten_and_removed,
    a_batch_is_logged_whole,
    a_batch_that_fails_leaves_nothing,
    batches_are_limited,
    names_are_checked,
    long_values_are_cut,
);

async fn started(place: &Place) -> (Tracker, String) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started");
    (tracker, run.info.run_id)
}

fn latest(run: &Run, key: &str) -> (f64, i64, i64) {
    let metric = run.data.metrics.iter().find(|metric| metric.key == key).unwrap_or_else(|| panic!("no metric {key}"));
    (metric.value, metric.timestamp, metric.step)
}

async fn the_latest_metric_is_of_the_highest_step_then_time_then_value(place: Place) {
    let (tracker, id) = started(&place).await;
    for (value, timestamp, step, expected) in [
        (1.0, 10, 0, (1.0, 10, 0)),
        (0.5, 10, 0, (1.0, 10, 0)),
        (2.0, 10, 0, (2.0, 10, 0)),
        (0.1, 11, 0, (0.1, 11, 0)),
        (9.0, 5, -1, (0.1, 11, 0)),
        (7.0, 1, 5, (7.0, 1, 5)),
        (7.0, 1, 5, (7.0, 1, 5)),
        (8.0, 99, 4, (7.0, 1, 5)),
    ] {
        tracker.log_metric(&id, &Metric::new("m", value, timestamp, step)).await.expect("logged");
        assert_eq!(latest(&tracker.get_run(&id).await.expect("there"), "m"), expected);
    }
    let history = tracker.metric_history(&id, "m", None, None).await.expect("read").items;
    assert_eq!(history.len(), 7, "the same point twice is one point");

    let metrics = [(1.0, 3, 1), (5.0, 1, 9), (2.0, 2, 9), (4.0, 0, 2)];
    let metrics = metrics.map(|(value, time, step)| Metric::new("n", value, time, step)).to_vec();
    tracker.log_batch(&id, &Batch { metrics, ..Batch::default() }).await.expect("logged");
    assert_eq!(latest(&tracker.get_run(&id).await.expect("there"), "n"), (2.0, 2, 9));
}

async fn numbers_that_are_none_are_kept(place: Place) {
    let (tracker, id) = started(&place).await;
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0, 0.0];
    for (step, value) in values.into_iter().enumerate() {
        let metric = Metric::new("m", value, 1, i64::try_from(step).expect("small"));
        tracker.log_metric(&id, &metric).await.expect("logged");
        tracker.log_metric(&id, &metric).await.expect("logged again");
    }
    let history = tracker.metric_history(&id, "m", None, None).await.expect("read").items;
    assert_eq!(history.len(), values.len());
    for (found, value) in history.iter().zip(values) {
        assert!(found.value == value || (found.value.is_nan() && value.is_nan()), "{found:?} {value}");
    }
    tracker.log_metric(&id, &Metric::new("m", f64::NAN, 1, 100)).await.expect("logged");
    assert!(latest(&tracker.get_run(&id).await.expect("there"), "m").0.is_nan());
    let ends = Metric { step: i64::MIN, timestamp: i64::MAX, ..Metric::new("ends", 1.0, 0, 0) };
    tracker.log_metric(&id, &ends).await.expect("logged");
    assert_eq!(latest(&tracker.get_run(&id).await.expect("there"), "ends"), (1.0, i64::MAX, i64::MIN));
}

async fn a_parameter_never_changes(place: Place) {
    let (tracker, id) = started(&place).await;
    for _ in 0..2 {
        tracker.log_param(&id, &Param::new("lr", "0.1")).await.expect("logged");
    }
    let error = tracker.log_param(&id, &Param::new("lr", "0.2")).await.expect_err("changed");
    assert_eq!(error.code, ErrorCode::InvalidParameterValue);
    assert!(
        error
            .message
            .contains("Changing param values is not allowed. Param with key='lr' was already logged with value='0.1'")
    );
    let twice = Batch { params: vec![Param::new("a", "1"), Param::new("a", "1")], ..Batch::default() };
    assert_eq!(code(tracker.log_batch(&id, &twice).await), ErrorCode::InvalidParameterValue);
    tracker.log_param(&id, &Param::new("empty", "")).await.expect("logged");
    let run = tracker.get_run(&id).await.expect("there");
    assert_eq!(run.data.params, [Param::new("empty", ""), Param::new("lr", "0.1")]);
}

async fn tags_are_overwritten_and_removed(place: Place) {
    let (tracker, id) = started(&place).await;
    for value in ["1", "2", "é'\"\n"] {
        tracker.set_tag(&id, &Tag::new("t", value)).await.expect("set");
    }
    assert!(tracker.get_run(&id).await.expect("there").data.tags.contains(&Tag::new("t", "é'\"\n")));
    tracker.delete_tag(&id, "t").await.expect("removed");
    assert_eq!(code(tracker.delete_tag(&id, "t").await), ErrorCode::ResourceDoesNotExist);
    let tags = vec![Tag::new("t", "first"), Tag::new("t", "last")];
    tracker.log_batch(&id, &Batch { tags, ..Batch::default() }).await.expect("logged");
    assert!(tracker.get_run(&id).await.expect("there").data.tags.contains(&Tag::new("t", "last")));
}

async fn a_batch_is_logged_whole(place: Place) {
    let (tracker, id) = started(&place).await;
    let metrics = (0..800).map(|step| Metric::new(format!("m{}", step % 7), step as f64, step, step)).collect();
    let params = (0..100).map(|number| Param::new(format!("p{number}"), number.to_string())).collect();
    let tags = (0..100).map(|number| Tag::new(format!("t{number}"), number.to_string())).collect();
    let batch = Batch { metrics, params, tags };
    for _ in 0..2 {
        tracker.log_batch(&id, &batch).await.expect("logged, and logged again as after a lost answer");
    }
    let run = tracker.get_run(&id).await.expect("there");
    assert_eq!((run.data.metrics.len(), run.data.params.len(), run.data.tags.len()), (7, 100, 101));
    assert_eq!(latest(&run, "m1"), (799.0, 799, 799));
    assert_eq!(tracker.metric_history(&id, "m1", None, None).await.expect("read").items.len(), 115);
    tracker.log_batch(&id, &Batch::default()).await.expect("nothing is fine");
}

async fn a_batch_that_fails_leaves_nothing(place: Place) {
    let (tracker, id) = started(&place).await;
    tracker.log_param(&id, &Param::new("lr", "0.1")).await.expect("logged");
    let before = tracker.get_run(&id).await.expect("there");
    let good = Batch {
        metrics: vec![Metric::new("m", 1.0, 0, 0)],
        params: vec![Param::new("new", "1")],
        tags: vec![Tag::new("t", "1")],
    };
    let mut changed = good.clone();
    changed.params.push(Param::new("lr", "0.2"));
    let mut bad_name = good.clone();
    bad_name.metrics.push(Metric::new("../m", 1.0, 0, 0));
    let mut bad_time = good.clone();
    bad_time.metrics.push(Metric::new("m", 1.0, -1, 0));
    let mut bad_tag = good.clone();
    bad_tag.tags.push(Tag::new("t", "a\0b"));
    let mut bad_model = good.clone();
    bad_model.metrics.push(Metric::new("m", 1.0, 0, 0).of_model("m-nope"));
    for (batch, expected) in [
        (changed, ErrorCode::InvalidParameterValue),
        (bad_name, ErrorCode::InvalidParameterValue),
        (bad_time, ErrorCode::InvalidParameterValue),
        (bad_tag, ErrorCode::InvalidParameterValue),
        (bad_model, ErrorCode::ResourceDoesNotExist),
    ] {
        assert_eq!(code(tracker.log_batch(&id, &batch).await), expected);
        assert_eq!(tracker.get_run(&id).await.expect("there"), before);
        assert_eq!(tracker.metric_history(&id, "m", None, None).await.expect("read").items, []);
    }
    tracker.log_batch(&id, &good).await.expect("logged");
}

async fn batches_are_limited(place: Place) {
    let (tracker, id) = started(&place).await;
    let metrics = |count: i64| (0..count).map(|step| Metric::new("m", 0.0, 0, step)).collect::<Vec<_>>();
    let params = |count: u32| (0..count).map(|number| Param::new(format!("p{number}"), "")).collect::<Vec<_>>();
    let tags = |count: u32| (0..count).map(|number| Tag::new(format!("t{number}"), "")).collect::<Vec<_>>();
    for batch in [
        Batch { metrics: metrics(1001), ..Batch::default() },
        Batch { params: params(101), ..Batch::default() },
        Batch { tags: tags(101), ..Batch::default() },
        Batch { metrics: metrics(900), params: params(50), tags: tags(51) },
    ] {
        let error = tracker.log_batch(&id, &batch).await.expect_err("too large");
        assert_eq!(error.code, ErrorCode::InvalidParameterValue);
        assert!(error.message.starts_with("A batch logging request can contain at most"), "{error}");
    }
    tracker.log_batch(&id, &Batch { metrics: metrics(1000), ..Batch::default() }).await.expect("as many as may be");
}

async fn names_are_checked(place: Place) {
    let (tracker, id) = started(&place).await;
    for good in ["a", "a/b", "a b", "a.b-c_d:e", "größe"] {
        tracker.log_metric(&id, &Metric::new(good, 1.0, 0, 0)).await.expect(good);
        tracker.log_param(&id, &Param::new(good, "1")).await.expect(good);
        tracker.set_tag(&id, &Tag::new(good, "1")).await.expect(good);
    }
    let refused = ErrorCode::InvalidParameterValue;
    for bad in ["", "/a", "..", "../../etc", "a//b", "a;b", "a\0", "a\nb", &"k".repeat(251)] {
        assert_eq!(code(tracker.log_metric(&id, &Metric::new(bad, 1.0, 0, 0)).await), refused, "{bad:?}");
        assert_eq!(code(tracker.log_param(&id, &Param::new(bad, "1")).await), refused, "{bad:?}");
        assert_eq!(code(tracker.set_tag(&id, &Tag::new(bad, "1")).await), refused, "{bad:?}");
    }
}

async fn long_values_are_cut(place: Place) {
    let (tracker, id) = started(&place).await;
    tracker.log_param(&id, &Param::new("p", "x".repeat(6001))).await.expect("logged");
    tracker.log_param(&id, &Param::new("p", "x".repeat(6002))).await.expect("the same once it is cut");
    tracker.set_tag(&id, &Tag::new("t", "é".repeat(8001))).await.expect("set");
    let data = tracker.get_run(&id).await.expect("there").data;
    assert_eq!(data.params[0].value.len(), 6000);
    assert_eq!(data.tags.iter().find(|tag| tag.key == "t").expect("there").value.chars().count(), 8000);
}
