//! A database of its own for every test.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};

use mvl_store::{Blobs, StoreUrl};
use mvl_track::{Database, ErrorCode, Registry, Result, Tracker};
use tempfile::TempDir;

/// Names a place for files other than a test's own folder.
pub(crate) const STORE: &str = "MVL_TRACK_TEST_STORE";
/// Names the Postgres server without what stands between it and the tests, for what the tests themselves do there.
pub(crate) const DIRECT: &str = "MVL_TRACK_TEST_DIRECT";

/// Where a test's database lies.
pub(crate) struct Place {
    uri: String,
    folder: TempDir,
}

impl Place {
    /// Connections of their own, as another process has.
    pub(crate) async fn database(&self) -> Database {
        Database::open(&self.uri).await.unwrap_or_else(|error| panic!("{}: {error}", self.uri))
    }

    pub(crate) async fn tracker(&self) -> Tracker {
        let blobs = Blobs::open(&self.store()).expect("a folder");
        Tracker::new(self.database().await, "mlflow-artifacts:/").with_blobs(blobs)
    }

    pub(crate) async fn registry(&self) -> Registry {
        Registry::new(self.database().await)
    }

    /// Where its files lie: in its folder, or below what [`STORE`] names.
    fn store(&self) -> StoreUrl {
        let own = self.folder.path().join("store");
        let address = match std::env::var(STORE) {
            Ok(store) => format!("{store}/{}", self.folder.path().file_name().expect("a name").display()),
            Err(_) => own.to_str().expect("a plain path").to_owned(),
        };
        StoreUrl::parse(&address).expect("an address")
    }

    /// The folder of its files, where they lie on this disk.
    pub(crate) fn files(&self) -> Option<std::path::PathBuf> {
        std::env::var_os(STORE).is_none().then(|| self.folder.path().join("store"))
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Runs a statement of the test's own.
    pub(crate) async fn execute(&self, statement: &'static str) {
        let uri = match self.uri.strip_prefix("sqlite:///") {
            Some(path) => format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")),
            None => match (std::env::var(DIRECT), std::env::var("MVL_TEST_POSTGRES_URL")) {
                (Ok(direct), Ok(server)) => self.uri.replace(&server, &direct),
                _ => self.uri.clone(),
            },
        };
        let pool = sqlx::AnyPool::connect(&uri).await.expect("the test's database");
        sqlx::query(statement).execute(&pool).await.expect(statement);
        pool.close().await;
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// In a box, so that the runtime's code is compiled once for all tests.
type Test = Pin<Box<dyn Future<Output = ()>>>;

fn block_on(test: Test) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test);
}

pub(crate) fn on_sqlite(test: fn(Place) -> Test) {
    let folder = tempfile::tempdir().expect("a folder");
    let uri = format!("sqlite:///{}/a ?%#folder/track.db", folder.path().display());
    block_on(test(Place { uri, folder }));
}

pub(crate) fn on_postgres(name: &str, test: fn(Place) -> Test) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("MVL_TEST_POSTGRES_URL") else {
        println!("skipped: MVL_TEST_POSTGRES_URL names no server (scripts/with_postgres.sh starts one)");
        return;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let schema = format!("t{}_{number}_{name}", std::process::id()).chars().take(60).collect::<String>();
    block_on(Box::pin(async move {
        sqlx::any::install_default_drivers();
        let direct = std::env::var(DIRECT).unwrap_or_else(|_| server.clone());
        let pool = sqlx::AnyPool::connect(&direct).await.expect("the test's server");
        let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
        sqlx::query(create).execute(&pool).await.expect("a schema");
        pool.close().await;
        let mark = if server.contains('?') { '&' } else { '?' };
        let uri = format!("{server}{mark}options[search_path]={schema}");
        test(Place { uri, folder: tempfile::tempdir().expect("a folder") }).await;
    }));
}

/// The code of what must be an error.
pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T>) -> ErrorCode {
    answer.expect_err("it must fail").code
}
