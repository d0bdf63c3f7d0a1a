//! How fast the tracker is on SQLite, every commit brought down to the disk. Takes a minute or two:
//!
//! ```text
//! cargo test --release -p mvl-track --test speed -- --ignored --nocapture
//! ```

use std::time::{Duration, Instant};

use mvl_track::{Batch, Database, Metric, NewRun, Param, RunSearch, Tag, Tracker};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// The shortest of several tries.
async fn best_of<T>(tries: u32, mut work: impl AsyncFnMut() -> T) -> (Duration, T) {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..tries {
        let started = Instant::now();
        let answer = work().await;
        let took = started.elapsed();
        if best.as_ref().is_none_or(|(best, _)| took < *best) {
            best = Some((took, answer));
        }
    }
    best.expect("at least one try")
}

#[test]
#[ignore = "takes a minute; the figures are for reading"]
fn rates() {
    let folder = tempfile::tempdir().expect("a folder");
    block_on(async {
        let database = Database::open_path(&folder.path().join("track.db")).await.expect("opened");
        let tracker = Tracker::new(database, "mlflow-artifacts:/");
        batches(&tracker).await;
        curves(&tracker).await;
        searches(&tracker).await;
    });
}

async fn batches(tracker: &Tracker) {
    const BATCHES: i64 = 200;
    for (what, keys) in [("one key", 1), ("10 keys", 10), ("1,000 keys", 1000)] {
        let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
        let batch = |number: i64| {
            let metric = |index: i64| {
                let step = number * 1000 / keys + index / keys;
                Metric::new(format!("m{}", index % keys), 0.5 + index as f64, 1_700_000_000_000 + step, step)
            };
            Batch { metrics: (0..1000).map(metric).collect(), ..Batch::default() }
        };
        let started = Instant::now();
        for number in 0..BATCHES {
            tracker.log_batch(&run, &batch(number)).await.expect("logged");
        }
        let rate = BATCHES as f64 / started.elapsed().as_secs_f64();
        println!("log_batch of 1,000 metrics, {what}: {rate:.0} a second");
    }
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    let started = Instant::now();
    for step in 0..500 {
        tracker.log_metric(&run, &Metric::new("m", 0.5, step, step)).await.expect("logged");
    }
    println!("log_metric: {:.0} a second", 500.0 / started.elapsed().as_secs_f64());
}

async fn curves(tracker: &Tracker) {
    let run = tracker.create_run(NewRun::of("0")).await.expect("started").info.run_id;
    for first in (0..1_000_000).step_by(1000) {
        let point = |step: i64| Metric::new("loss", (step as f64 / 1e5).sin() + (step % 97) as f64 / 97.0, step, step);
        let batch = Batch { metrics: (first..first + 1000).map(point).collect(), ..Batch::default() };
        tracker.log_batch(&run, &batch).await.expect("logged");
    }
    let runs = [run.clone()];
    let (took, points) = best_of(3, async || tracker.metric_history_sampled(&runs, "loss", 1000, None).await).await;
    println!("1,000,000 points in {}: {took:?}", points.expect("read").len());
    let (took, page) = best_of(3, async || tracker.metric_history(&run, "loss", Some(1000), None).await).await;
    println!("a page of 1,000 of 1,000,000 points: {took:?}");
    let token = page.expect("read").next_page_token;
    let (took, _) = best_of(3, async || tracker.metric_history(&run, "loss", Some(1000), token.as_deref()).await).await;
    println!("the next page: {took:?}");
}

async fn searches(tracker: &Tracker) {
    const RUNS: i64 = 10_000;
    let experiment = tracker.create_experiment("many", None, &[]).await.expect("made");
    let started = Instant::now();
    for number in 0..RUNS {
        let run = tracker.create_run(NewRun::of(&experiment)).await.expect("started").info.run_id;
        let batch = Batch {
            metrics: (0..5).map(|key| Metric::new(format!("m{key}"), (number * 7919 % 10_007) as f64, 0, 0)).collect(),
            params: (0..5).map(|key| Param::new(format!("p{key}"), (number % 10).to_string())).collect(),
            tags: (0..3).map(|key| Tag::new(format!("t{key}"), (number % 100).to_string())).collect(),
        };
        tracker.log_batch(&run, &batch).await.expect("logged");
    }
    println!("create_run and log_batch: {:.0} a second", RUNS as f64 / started.elapsed().as_secs_f64());
    let all = || RunSearch::of([experiment.clone()]);
    let filter = "metrics.m0 > 5000 AND params.p1 = '3' AND tags.t0 LIKE '%3'";
    for (what, search) in [
        ("100 newest", RunSearch { max_results: 100, ..all() }),
        ("1,000 newest", all()),
        (
            "a filter, by a metric, 100",
            RunSearch { max_results: 100, ..all().filter(filter).order_by("metrics.m1 DESC") },
        ),
        ("a filter, by a metric, all", all().filter(filter).order_by("metrics.m1 DESC")),
        ("by a metric, 1,000", all().order_by("metrics.m1 ASC")),
        ("all 10,000", RunSearch { max_results: 10_000, ..all() }),
    ] {
        let (took, page) = best_of(3, async || tracker.search_runs(&search).await).await;
        println!("search over 10,000 runs, {what}: {} in {took:?}", page.expect("found").items.len());
    }
}
