//! A writer is killed (SIGKILL) in the middle of its work, again and again: what it was told is logged is there, nothing is there in part.
//! On SQLite, and on Postgres where `MVL_TEST_POSTGRES_URL` names a server.
//!
//! `MVL_KILLS` says how often; `cargo xtask prove tracking-killed` kills fifty writers on each.

#[path = "support/postgres.rs"]
mod postgres;

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mvl_store::{Blobs, StoreUrl};
use mvl_track::{ArtifactOwner, Batch, Database, Metric, NewRun, Param, Tag, Tracker};

/// Kills, where nothing else is said.
const ROUNDS: u64 = 6;
/// The longest that a writer lives on after its first batches, in milliseconds.
const LONGEST: u64 = 120;
const METRICS: i64 = 200;
/// What tells a child where to write.
const CHILD: &str = "MVL_TRACK_TEST_CHILD";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

async fn tracker(uri: &str, folder: &Path) -> Tracker {
    let root = StoreUrl::parse(folder.join("store").to_str().expect("a plain path")).expect("a path");
    let database = Database::open(uri).await.unwrap_or_else(|error| panic!("{uri}: {error}"));
    Tracker::new(database, "mlflow-artifacts:/").with_blobs(Blobs::open(&root).expect("a folder"))
}

/// The child: logs batch after batch and says of each when it is logged.
#[test]
#[ignore = "the other tests run it in a process of its own"]
fn writes_until_it_is_killed() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let [uri, folder, run, first] = told.split('\n').collect::<Vec<_>>().try_into().expect("four words");
    let first: i64 = first.parse().expect("a number");
    block_on(async move {
        let tracker = tracker(uri, Path::new(folder)).await;
        for step in first.. {
            let metrics = (0..METRICS).map(|key| Metric::new(format!("m{key}"), step as f64, step, step)).collect();
            let params = vec![Param::new(format!("p{step}"), step.to_string())];
            let tags = vec![Tag::new("last", step.to_string())];
            tracker.log_batch(run, &Batch { metrics, params, tags }).await.expect("logged");
            let (owner, path) = (ArtifactOwner::Run(run.to_owned()), format!("f{step}"));
            tracker.put_artifact(&owner, &path, step.to_string().repeat(1000).into()).await.expect("stored");
            let mut out = std::io::stdout().lock();
            writeln!(out, "logged {step}").and_then(|()| out.flush()).expect("told");
        }
    });
}

/// How many batches a run has, all of them whole.
async fn whole_batches(tracker: &Tracker, run: &str) -> i64 {
    let data = tracker.get_run(run).await.expect("there").data;
    let Some(last) = data.tags.iter().find(|tag| tag.key == "last") else {
        assert_eq!((data.metrics.len(), data.params.len()), (0, 0));
        return 0;
    };
    let count = last.value.parse::<i64>().expect("a number") + 1;
    assert_eq!(data.params.len() as i64, count);
    assert_eq!(data.metrics.len() as i64, METRICS);
    assert!(data.metrics.iter().all(|metric| metric.step == count - 1 && metric.value == (count - 1) as f64));
    for key in ["m0", "m199"] {
        assert_eq!(tracker.metric_history(run, key, None, None).await.expect("read").items.len() as i64, count);
    }
    count
}

/// Waits until the server of a killed client has done with what the client sent last: a commit may still be under way.
/// A SQLite file has no server.
async fn last_transaction_ended(uri: &str) {
    let Some((server, name)) = uri.rsplit_once("&application_name=") else { return };
    let pool = sqlx::AnyPool::connect(server).await.expect("the test's server");
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let count = || sqlx::query_scalar::<_, i64>(open).bind(name).fetch_one(&pool);
    while count().await.expect("counted") > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pool.close().await;
}

fn killed_again_and_again(what: &str, uri: &str, folder: &Path) {
    let rounds: u64 = std::env::var("MVL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(ROUNDS);
    let moments = RandomState::new();
    let run =
        block_on(async { tracker(uri, folder).await.create_run(NewRun::of("0")).await.expect("started").info.run_id });
    let mut logged = 0;
    let mut told = BTreeSet::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(CHILD, format!("{uri}\n{}\n{run}\n{logged}", folder.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut note = |line: String| {
            told.extend(line.split("logged ").nth(1).map(|step| step.trim().parse::<i64>().expect("a number")));
        };
        // Some batches, then a moment that is another in every round.
        while let Some(Ok(line)) = lines.next() {
            let last = line.contains(&format!("logged {}", logged + i64::try_from(round % 3).expect("small")));
            note(line);
            if last {
                break;
            }
        }
        std::thread::sleep(Duration::from_micros(moments.hash_one(round) % (LONGEST * 1_000)));
        child.kill().expect("killed"); // SIGKILL
        child.wait().expect("ended");
        lines.map_while(Result::ok).for_each(&mut note);
        block_on(last_transaction_ended(uri));
        logged = block_on(async {
            let tracker = tracker(uri, folder).await;
            let there = whole_batches(&tracker, &run).await;
            let last = told.last().map_or(0, |step| step + 1).max(logged);
            assert!((last..=last + 1).contains(&there), "told of {last}, there are {there}");
            let owner = ArtifactOwner::Run(run.clone());
            let files = tracker.list_artifacts(&owner, "", None).await.expect("listed").items;
            let steps: BTreeSet<i64> =
                files.iter().filter_map(|file| file.path.strip_prefix('f')?.parse().ok()).collect();
            assert!(told.is_subset(&steps), "told of {told:?}, there are {steps:?}");
            for file in files {
                let text = tracker.read_artifact(&owner, &file.path, 1 << 20).await.expect("whole");
                assert_eq!(text, file.path.trim_start_matches('f').repeat(1000));
            }
            there
        });
    }
    println!(
        "clients on {what}: {rounds} kills, {} acknowledged batches of {METRICS} metrics and as many files are there",
        told.len()
    );
    assert!(logged >= i64::try_from(rounds).expect("small"), "{logged} batches");
}

#[test]
fn a_killed_writer_on_sqlite_leaves_whole_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    killed_again_and_again("SQLite", &format!("sqlite:///{}/track.db", folder.path().display()), folder.path());
}

#[test]
fn a_killed_writer_on_postgres_leaves_whole_batches() {
    let Some(uri) = block_on(postgres::new_schema("crash")) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    killed_again_and_again("Postgres", &uri, folder.path());
}
