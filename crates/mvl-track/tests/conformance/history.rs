//! Histories of metrics, whole, in pages, of many runs, and in few points.

use mvl_track::{Batch, ErrorCode, Metric, NewRun, Tracker};

use crate::support::{Place, code};

on_every_database!(
    pages_cover_a_history_once,
    points_logged_meanwhile_do_not_move_a_page,
    many_runs_are_read_at_once,
    a_short_curve_is_whole,
    a_long_curve_keeps_its_extremes,
    a_curve_without_steps_is_cut_by_time,
    a_part_of_a_curve_is_sampled,
    extreme_steps_do_no_harm,
);

async fn started(place: &Place) -> (Tracker, String) {
    let tracker = place.tracker().await;
    let run = tracker.create_run(NewRun::of("0")).await.expect("started");
    (tracker, run.info.run_id)
}

async fn log(tracker: &Tracker, run: &str, points: impl Iterator<Item = Metric>) {
    let points: Vec<_> = points.collect();
    for points in points.chunks(1000) {
        let batch = Batch { metrics: points.to_vec(), ..Batch::default() };
        tracker.log_batch(run, &batch).await.expect("logged");
    }
}

async fn pages_cover_a_history_once(place: Place) {
    let (tracker, run) = started(&place).await;
    // Several points share a time; steps run against it.
    log(&tracker, &run, (0..100).map(|i| Metric::new("m", (i % 3) as f64, i / 10, 50 - i))).await;
    log(&tracker, &run, std::iter::once(Metric::new("m", f64::NAN, 3, 20))).await;
    let whole = tracker.metric_history(&run, "m", None, None).await.expect("read");
    assert_eq!((whole.items.len(), &whole.next_page_token), (101, &None));
    let places: Vec<_> = whole.items.iter().map(|point| (point.timestamp, point.step)).collect();
    assert!(places.is_sorted(), "by time, then step");
    let (mut token, mut paged) = (None, Vec::new());
    loop {
        let page = tracker.metric_history(&run, "m", Some(7), token.as_deref()).await.expect("read");
        paged.extend(page.items.iter().map(|point| (point.timestamp, point.step)));
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(paged, places);
    assert_eq!(tracker.metric_history(&run, "other", Some(7), None).await.expect("read").items, []);
    assert_eq!(code(tracker.metric_history(&run, "m", Some(7), Some("evil")).await), ErrorCode::InvalidParameterValue);
    assert_eq!(code(tracker.metric_history(&run, "m", Some(0), None).await), ErrorCode::InvalidParameterValue);
}

async fn points_logged_meanwhile_do_not_move_a_page(place: Place) {
    let (tracker, run) = started(&place).await;
    log(&tracker, &run, (10..20).map(|i| Metric::new("m", 0.0, i, i))).await;
    let first = tracker.metric_history(&run, "m", Some(5), None).await.expect("read");
    log(&tracker, &run, (0..10).map(|i| Metric::new("m", 0.0, i, i))).await;
    let second = tracker.metric_history(&run, "m", Some(5), first.next_page_token.as_deref()).await.expect("read");
    assert_eq!(second.items.iter().map(|point| point.step).collect::<Vec<_>>(), [15, 16, 17, 18, 19]);
}

async fn many_runs_are_read_at_once(place: Place) {
    let (tracker, first) = started(&place).await;
    let second = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    for run in [&first, &second] {
        log(&tracker, run, (0..5).map(|i| Metric::new("m", 0.0, 10 - i, i))).await;
    }
    let ids = [second.clone(), "nope".to_owned(), first.clone(), first.clone()];
    let points = tracker.metric_history_bulk(&ids, "m", 8).await.expect("read");
    let found: Vec<_> = points.iter().map(|point| (point.run_id.clone().expect("told"), point.timestamp)).collect();
    assert_eq!(found.len(), 8);
    assert!(found.is_sorted());
}

async fn a_short_curve_is_whole(place: Place) {
    let (tracker, run) = started(&place).await;
    log(&tracker, &run, (0..10).map(|i| Metric::new("m", i as f64, i, i))).await;
    let sampled = tracker.metric_history_sampled(std::slice::from_ref(&run), "m", 10, None).await.expect("read");
    assert_eq!(sampled.iter().map(|point| point.step).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert_eq!(tracker.metric_history_sampled(&[run, "nope".to_owned()], "no", 10, None).await.expect("read"), []);
}

async fn a_long_curve_keeps_its_extremes(place: Place) {
    let (tracker, run) = started(&place).await;
    let value = |i: i64| match i {
        4_321 => 100.0,
        7_000 => -50.0,
        5_000 => f64::NAN,
        i => (i as f64 / 500.0).sin(),
    };
    log(&tracker, &run, (0..10_000).map(|i| Metric::new("m", value(i), i, i))).await;
    let sampled = tracker.metric_history_sampled(&[run], "m", 300, None).await.expect("read");
    assert!((100..=300).contains(&sampled.len()), "{}", sampled.len());
    for (step, value) in [(4_321, 100.0), (7_000, -50.0)] {
        assert!(sampled.iter().any(|point| point.step == step && point.value == value), "the extreme at {step}");
    }
    assert_eq!(sampled.last().expect("points").step, 9_999);
    assert!(sampled.is_sorted_by_key(|point| point.step));
}

async fn a_curve_without_steps_is_cut_by_time(place: Place) {
    let (tracker, run) = started(&place).await;
    log(&tracker, &run, (0..3_000).map(|i| Metric::new("m", if i == 1_234 { 9.0 } else { 0.0 }, 1_000_000 + i, 0)))
        .await;
    let sampled = tracker.metric_history_sampled(&[run], "m", 60, None).await.expect("read");
    assert!((20..=60).contains(&sampled.len()), "{}", sampled.len());
    assert!(sampled.iter().any(|point| point.value == 9.0));
    assert!(sampled.is_sorted_by_key(|point| point.timestamp));
}

async fn a_part_of_a_curve_is_sampled(place: Place) {
    let (tracker, run) = started(&place).await;
    log(&tracker, &run, (0..1_000).map(|i| Metric::new("m", i as f64, i, i))).await;
    let sampled =
        tracker.metric_history_sampled(std::slice::from_ref(&run), "m", 30, Some(100..=399)).await.expect("read");
    assert_eq!((sampled[0].step, sampled.last().expect("points").step), (100, 399));
    assert!(sampled.len() <= 30);
    let sampled = tracker.metric_history_sampled(&[run], "m", 30, Some(7..=7)).await.expect("read");
    assert_eq!(sampled.len(), 1);
}

async fn extreme_steps_do_no_harm(place: Place) {
    let (tracker, run) = started(&place).await;
    let steps = [i64::MIN, -1, 0, 1, i64::MAX].into_iter().chain(100..200);
    log(&tracker, &run, steps.map(|step| Metric::new("m", 1.0, 0, step))).await;
    let sampled = tracker.metric_history_sampled(&[run], "m", 9, None).await.expect("read");
    assert!(sampled.iter().any(|point| point.step == i64::MIN) && sampled.iter().any(|point| point.step == i64::MAX));
}
