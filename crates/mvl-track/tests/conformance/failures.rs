//! The same cases with things going wrong beneath them: connections to Postgres that are cut at random moments, a store of files that
//! fails, is slow and sends half. What is acknowledged is there, nothing is there by half, and what fails is an error with a hint.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use mvl_store::{Blobs, StoreUrl};
use mvl_track::manifest::SignaturePolicy;
use mvl_track::{
    Batch, Database, ErrorCode, Metric, NewModel, NewRun, Param, Tag, TrackError, Tracker, Workspace, WorkspaceConfig,
};

use crate::cutting_proxy::CuttingProxy;
use crate::proxy::{Proxy, some_fail};
use crate::support::{DIRECT, STORE};

/// Tells a child that it is one, so that it begins no others.
const CHILD: &str = "MVL_TRACK_TEST_CHILD";
/// One piece in so many meets with a cut; an operation takes some ten pieces both ways.
const PIECES_A_CUT: f64 = 200.0;
/// Requests to the store that fail.
const STORE_RATE: f64 = 0.05;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

fn server() -> Option<String> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let server = std::env::var("MVL_TEST_POSTGRES_URL").ok();
    if server.is_none() {
        println!("skipped: MVL_TEST_POSTGRES_URL names no server (scripts/with_postgres.sh starts one)");
    }
    server
}

fn s3_endpoint() -> Option<String> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let endpoint = std::env::var("MVL_TEST_S3_ENDPOINT").ok();
    if endpoint.is_none() {
        println!("skipped: MVL_TEST_S3_ENDPOINT names no server (scripts/with_stores.sh starts one)");
    }
    endpoint
}

/// Runs cases of this program in a process of their own: how many passed.
fn cases(filters: &[&str], set: impl FnOnce(&mut Command)) -> u32 {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(filters).args(["--test-threads", "4"]).env(CHILD, "1");
    set(&mut child);
    let output = child.output().expect("it runs");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    let passed = said.split_once("test result: ok. ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    passed.unwrap_or_else(|| panic!("no cases: {said}"))
}

#[test]
fn every_case_passes_while_connections_are_cut() {
    let Some(server) = server() else { return };
    let proxy = CuttingProxy::start(&server, 1.0 / PIECES_A_CUT, 11);
    let passed = cases(&["::postgres::"], |child| {
        child.env("MVL_TEST_POSTGRES_URL", proxy.before(&server)).env(DIRECT, &server);
    });
    let (pieces, cuts) = proxy.counts();
    println!("cut connections: {passed} cases passed, {cuts} cuts in {pieces} pieces");
    assert!(passed >= 60 && cuts >= 50, "{passed} cases, {cuts} cuts");
}

#[test]
fn every_case_with_files_passes_while_the_store_fails() {
    let Some(endpoint) = s3_endpoint() else { return };
    let proxy = Proxy::start(&endpoint, some_fail(STORE_RATE, 12));
    let store = format!("s3://mvl-test/track-{}", std::process::id());
    let databases: &[&str] = if server().is_some() {
        &["artifacts::", "garbage::", "logged_models::"]
    } else {
        &["artifacts::sqlite", "garbage::sqlite", "logged_models::sqlite"]
    };
    let passed = cases(databases, |child| {
        child.env("AWS_ENDPOINT_URL", proxy.endpoint(&endpoint)).env(STORE, &store);
    });
    let (requests, failed) = proxy.requests();
    println!("a failing store: {passed} cases passed, {failed} of {requests} requests failed");
    assert!(passed >= 12 && failed >= 1, "{passed} cases, {failed} of {requests}");
}

#[test]
fn models_come_out_whole_while_the_store_fails() {
    let Some(endpoint) = s3_endpoint() else { return };
    let proxy = Proxy::start(&endpoint, some_fail(0.1, 13));
    let passed = cases(&["failures::a_model_goes_in_and_out", "--ignored"], |child| {
        let store = format!("s3://mvl-test/models-{}", std::process::id());
        child.env("AWS_ENDPOINT_URL", proxy.endpoint(&endpoint)).env(STORE, store);
    });
    let (requests, failed) = proxy.requests();
    println!("models in a failing store: {failed} of {requests} requests failed");
    assert!(passed == 1 && failed >= 1, "{failed} of {requests}");
}

/// The child of the test above.
#[test]
#[ignore = "another test runs it in a process of its own"]
fn a_model_goes_in_and_out() {
    let Ok(store) = std::env::var(STORE) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let content: Vec<u8> =
        (0..40_u32 << 18).flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()).collect();
    let model = folder.path().join("model");
    std::fs::create_dir(&model).expect("writable");
    for number in 0..20_usize {
        std::fs::write(model.join(format!("{number}.bin")), &content[number..number + 10_000]).expect("writable");
    }
    std::fs::write(model.join("weights.bpk"), &content).expect("writable"); // more than goes in one request
    let open = |cache: &str| {
        let here = WorkspaceConfig::folder(folder.path());
        let config = WorkspaceConfig { artifacts: store.clone(), cache: folder.path().join(cache), ..here };
        mvl_store::wait_for(async move { Workspace::open(&config).await }).expect("threads").expect("opened")
    };
    let (workspace, from) = (open("cache"), model.clone());
    let new = NewModel { name: "shoes".to_owned(), ..NewModel::default() };
    let registered = mvl_store::wait_for(async move { workspace.register_model(new, &from, |_| {}).await });
    registered.expect("threads").expect("registered");
    let other = open("other cache");
    let loaded = mvl_store::wait_for(async move {
        let loaded = other.load_model("models:/shoes/1", &SignaturePolicy::ChecksumsOnly).await?;
        other.verify_model(&loaded.version, &SignaturePolicy::ChecksumsOnly).await?;
        Ok::<_, TrackError>(loaded)
    });
    let folder = loaded.expect("threads").expect("loaded").folder;
    assert!(std::fs::read(folder.join("weights.bpk")).expect("there") == content);
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 21);
}

/// A schema of its own, and the address that leads there.
async fn schema(server: &str, name: &str) -> String {
    sqlx::any::install_default_drivers();
    let schema = format!("{name}_{}", std::process::id());
    let pool = sqlx::AnyPool::connect(server).await.expect("the test's server");
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
    sqlx::query(create).execute(&pool).await.expect("a schema");
    pool.close().await;
    let mark = if server.contains('?') { '&' } else { '?' };
    format!("{server}{mark}options[search_path]={schema}")
}

async fn tracker(uri: &str, folder: &std::path::Path) -> Tracker {
    let root = StoreUrl::parse(folder.to_str().expect("a plain path")).expect("a path");
    let database = Database::open(uri).await.unwrap_or_else(|error| panic!("{uri}: {error}"));
    Tracker::new(database, "mlflow-artifacts:/").with_blobs(Blobs::open(&root).expect("a folder"))
}

/// What an operation that did not reach the database must say.
fn is_honest(error: &TrackError) {
    assert_eq!(error.code, ErrorCode::TemporarilyUnavailable, "{error}");
    assert!(error.hint.is_some(), "{error}");
}

#[test]
fn what_is_acknowledged_over_a_bad_line_is_there_once_and_whole() {
    const WRITERS: i64 = 4;
    const BATCHES: i64 = 40;
    let Some(server) = server() else { return };
    let proxy = CuttingProxy::start(&server, 1.0 / 40.0, 14);
    let folder = tempfile::tempdir().expect("a folder");
    block_on(async {
        let direct = schema(&server, "bad_line").await;
        let bad = proxy.before(&direct);
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let tracker = tracker(&bad, folder.path()).await;
            tasks.push(tokio::spawn(async move {
                let (mut acknowledged, mut failed) = (Vec::new(), 0);
                let run = loop {
                    match tracker.create_run(NewRun::of("0").named(format!("run {writer}"))).await {
                        Ok(run) => break run.info.run_id,
                        Err(error) => is_honest(&error),
                    }
                };
                for step in 0..BATCHES {
                    let metrics = (0..20).map(|key| Metric::new(format!("m{key}"), step as f64, step, step)).collect();
                    let params = vec![Param::new(format!("p{step}"), step.to_string())];
                    let tags = vec![Tag::new(format!("t{step}"), "1")];
                    match tracker.log_batch(&run, &Batch { metrics, params, tags }).await {
                        Ok(()) => acknowledged.push(step),
                        Err(error) => {
                            is_honest(&error);
                            failed += 1;
                        }
                    }
                }
                (run, acknowledged, failed)
            }));
        }
        let (mut acknowledged, mut failed) = (0, 0);
        let good = tracker(&direct, folder.path()).await;
        for task in tasks {
            let (run, steps, errors) = task.await.expect("no panic");
            let data = good.get_run(&run).await.expect("there").data;
            let params: BTreeSet<i64> = data.params.iter().map(|param| param.value.parse().expect("a step")).collect();
            let tags: BTreeSet<i64> =
                data.tags.iter().filter_map(|tag| tag.key.strip_prefix('t')?.parse().ok()).collect();
            assert!(steps.iter().all(|step| params.contains(step)), "told of {steps:?}, there are {params:?}");
            for key in ["m0", "m19"] {
                let history = good.metric_history(&run, key, None, None).await.expect("read").items;
                let there: BTreeSet<i64> = history.iter().map(|point| point.step).collect();
                assert_eq!((&there, &tags), (&params, &params), "a batch is there by half");
                assert_eq!(history.len(), there.len(), "a point is there twice");
            }
            acknowledged += steps.len();
            failed += errors;
        }
        let runs = good.search_runs(&mvl_track::RunSearch::of(["0".to_owned()])).await.expect("found").items;
        assert_eq!(runs.len() as i64, WRITERS, "a run whose answer was lost is there once");
        let (pieces, cuts) = proxy.counts();
        println!("a bad line: {acknowledged} batches acknowledged, {failed} failed, {cuts} cuts in {pieces} pieces");
        assert!(cuts >= 20 && acknowledged as i64 >= WRITERS * BATCHES / 2, "{cuts} cuts, {acknowledged} batches");
    });
}

#[test]
fn a_line_that_never_holds_is_an_error_that_says_so() {
    let Some(server) = server() else { return };
    let proxy = CuttingProxy::start(&server, 1.0, 15);
    let begun = Instant::now();
    let opened = block_on(async { Database::open(&proxy.before(&server)).await.map(drop) });
    is_honest(&opened.expect_err("every piece meets with a cut"));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
