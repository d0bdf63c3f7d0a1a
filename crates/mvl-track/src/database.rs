//! [`Database`]: one SQLite file or one Postgres server, opened once and shared.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor};

use crate::again::{Attempts, again};
use crate::error::{is_busy, is_lost};
use crate::sql::{Answer, Sql};
use crate::{ErrorCode, Result, TrackError, migrate};

/// What statements run on.
pub(crate) type Connection = sqlx::AnyConnection;

/// How long a writer waits for another program to end its transaction.
const BUSY: Duration = Duration::from_secs(60);
/// How long a caller waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(90);
/// Readers of a SQLite file; one connection writes.
const SQLITE_READERS: u32 = 8;
/// Connections to a Postgres server.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a server is asked, and how often, what became of a transaction whose connection was lost.
const ASKING: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// What SQLite is told on every connection. `FULL` brings every commit down to the disk.
const PRAGMAS: &str = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA case_sensitive_like = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; \
     PRAGMA mmap_size = 1073741824";

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A file of SQLite's.
    Sqlite,
    /// A Postgres server.
    Postgres,
}

/// One SQLite file or one Postgres server, with its tables brought up to date. Cheap to clone.
///
/// Several programs may open the same one. SQLite takes one writer at a time; the others wait up to a minute.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    dialect: Dialect,
    shown: String,
    writer: AnyPool,
    reader: AnyPool,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", self.inner.shown)
    }
}

impl Database {
    /// Opens `sqlite:///relative.db`, `sqlite:////absolute.db` (as MLflow writes them) or `postgres://…`, and makes or
    /// updates the tables. A SQLite file and its folder are made when they are missing.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for other addresses,
    /// [`InvalidState`](crate::ErrorCode::InvalidState) for a database of a newer version or of another program.
    pub async fn open(uri: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
        let database = match scheme {
            "sqlite" => Self::open_file(&sqlite_path(uri)?).await?,
            "postgres" | "postgresql" => Self::open_server(uri).await?,
            _ => {
                return Err(TrackError::invalid(format!(
                    "expected sqlite:///PATH or postgres://…, got {:?}",
                    shown(uri)
                ))
                .with_hint("a path alone is written sqlite:///PATH"));
            }
        };
        again!(database, { migrate::bring_up_to_date(&database).await })?;
        Ok(database)
    }

    /// Opens a SQLite file, as [`open`](Self::open) does, whatever its path holds.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_path(path: &Path) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let database = Self::open_file(path).await?;
        migrate::bring_up_to_date(&database).await?;
        Ok(database)
    }

    async fn open_file(path: &Path) -> Result<Self> {
        let failed = |what: &str, error: &dyn fmt::Display| {
            TrackError::invalid(format!("cannot {what} {}: {error}", path.display()))
        };
        let path = std::path::absolute(path).map_err(|error| failed("find", &error))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed("make the folder of", &error))?;
        }
        let text = path.to_str().ok_or_else(|| failed("open", &"the path is not UTF-8"))?;
        let address = format!("sqlite://{}?mode=rwc", percent_encoded(text));
        let pool = |connections| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        let started = Instant::now();
                        // Turning a new file to WAL does not wait for others who do the same.
                        while let Err(error) = connection.execute(sqlx::raw_sql(PRAGMAS)).await {
                            if !is_busy(&error) || started.elapsed() > BUSY {
                                return Err(error);
                            }
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        Ok(())
                    })
                })
        };
        let writer = pool(1).connect(&address).await?;
        let reader = pool(SQLITE_READERS).connect_lazy(&address)?;
        let inner = Inner { dialect: Dialect::Sqlite, shown: path.display().to_string(), writer, reader };
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn open_server(uri: &str) -> Result<Self> {
        let connect = || async {
            let options = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE);
            options.connect(uri).await.map_err(|error| match error {
                sqlx::Error::Configuration(_) => {
                    TrackError::invalid(format!("{:?} is no address of Postgres", shown(uri)))
                }
                error => error.into(),
            })
        };
        let mut attempts = Attempts::on(Dialect::Postgres);
        let pool = loop {
            match connect().await {
                Err(error) if attempts.once_more(&error).await => {}
                connected => break connected?,
            }
        };
        let inner = Inner { dialect: Dialect::Postgres, shown: shown(uri), writer: pool.clone(), reader: pool };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// Closes all connections, after what is under way. Clones can no longer be used.
    pub async fn close(&self) {
        self.inner.reader.close().await;
        self.inner.writer.close().await;
    }

    /// A transaction that writes. It is undone unless it is committed.
    pub(crate) fn write(&self) -> Answer<'_, Transaction> {
        Box::pin(async move {
            let begun = match self.inner.dialect {
                Dialect::Sqlite => self.inner.writer.begin_with("BEGIN IMMEDIATE").await,
                Dialect::Postgres => self.inner.writer.begin().await,
            };
            Ok(Transaction { inner: begun?, server: (self.inner.dialect == Dialect::Postgres).then(|| self.clone()) })
        })
    }

    /// A transaction that reads; all that it reads is of one moment.
    pub(crate) fn read(&self) -> Answer<'_, Transaction> {
        Box::pin(async move {
            let begun = match self.inner.dialect {
                Dialect::Sqlite => self.inner.reader.begin().await,
                Dialect::Postgres => {
                    self.inner.reader.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
                }
            };
            Ok(Transaction { inner: begun?, server: None })
        })
    }

    /// What became of a transaction on a server, which may still be at it.
    async fn fate(&self, number: i64) -> Result<Fate> {
        let mut select = Sql::new("SELECT txid_status(");
        let row = select.bind(number).push(")").fetch_optional(&mut *self.read().await?).await?;
        Ok(match row.map(|row| row.text_or_none(0)).transpose()?.flatten().as_deref() {
            Some("committed") => Fate::Committed,
            Some("aborted") => Fate::Undone,
            Some(_) => Fate::Open,
            None => Fate::Forgotten,
        })
    }

    /// What a `SELECT` ends with that keeps its rows as they are until the transaction ends. SQLite has one writer.
    pub(crate) fn for_update(&self) -> &'static str {
        match self.inner.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        }
    }

    /// As [`for_update`](Self::for_update), for many readers of one row, none of which changes it.
    pub(crate) fn for_share(&self) -> &'static str {
        match self.inner.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR SHARE",
        }
    }

    /// What `LIKE` ends with so that a backslash is a backslash.
    pub(crate) fn like_end(&self) -> &'static str {
        match self.inner.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => " ESCAPE ''",
        }
    }

    /// Runs statements that take no values.
    pub(crate) async fn run_script(connection: &mut Connection, script: String) -> Result<(), sqlx::Error> {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(script))).await.map(drop)
    }
}

/// A transaction; it is undone unless it is committed.
pub(crate) struct Transaction {
    inner: sqlx::Transaction<'static, Any>,
    /// The server that a transaction that writes is on.
    server: Option<Database>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Undone,
    Open,
    Forgotten,
}

impl Transaction {
    /// Keeps what was written. Where the connection to a server is lost before the answer comes, the server is asked what became of the
    /// transaction: so `Ok` always means that it was kept, and an error almost always that it was undone. (Idea: idempotent commits
    /// by transaction status, as in Oracle's Transaction Guard; Postgres answers since version 10.)
    ///
    /// # Errors
    /// When it was undone, and, with a message that says so, when nobody could be asked for half a minute.
    pub(crate) fn commit(mut self) -> Answer<'static, ()> {
        Box::pin(async move {
            let Some(server) = self.server.take() else { return Ok(self.inner.commit().await?) };
            let row = Sql::new("SELECT txid_current()").fetch_optional(&mut self).await?;
            let number = row.map_or(Ok(0), |row| row.int(0))?;
            let Err(lost) = self.inner.commit().await else { return Ok(()) };
            if !is_lost(&lost) {
                return Err(lost.into());
            }
            let begun = Instant::now();
            while begun.elapsed() < ASKING {
                match server.fate(number).await {
                    Ok(Fate::Committed) => return Ok(()),
                    Ok(Fate::Undone) => return Err(lost.into()),
                    Ok(Fate::Forgotten) => break,
                    Ok(Fate::Open) | Err(_) => tokio::time::sleep(ASK_AGAIN).await,
                }
            }
            let what = format!(
                "the database was lost while it kept what was written, and does not say whether it did: {lost}"
            );
            Err(TrackError::new(ErrorCode::TemporarilyUnavailable, what)
                .with_hint("look whether it is there before you write it again"))
        })
    }
}

impl std::ops::Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.inner
    }
}

impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.inner
    }
}

/// The path in `sqlite:///path`.
fn sqlite_path(uri: &str) -> Result<PathBuf> {
    let path = uri.strip_prefix("sqlite:///").filter(|path| !path.is_empty() && *path != ":memory:");
    let path = path.ok_or_else(|| {
        TrackError::invalid(format!("expected sqlite:///PATH, got {uri:?}"))
            .with_hint("an absolute path has four slashes; a database in memory is not offered")
    })?;
    Ok(PathBuf::from(path))
}

fn percent_encoded(path: &str) -> String {
    path.chars().fold(String::with_capacity(path.len()), |mut text, char| {
        match char {
            '%' => text.push_str("%25"),
            '?' => text.push_str("%3F"),
            '#' => text.push_str("%23"),
            '\\' => text.push_str("%5C"),
            char => text.push(char),
        }
        text
    })
}

/// An address without its password.
fn shown(uri: &str) -> String {
    let Some((start, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let path = path.split('?').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{start}://{user}@{host}{path}")
        }
        None => format!("{start}://{authority}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_files() {
        assert_eq!(sqlite_path("sqlite:///a b/c.db").expect("relative"), Path::new("a b/c.db"));
        assert_eq!(sqlite_path("sqlite:////tmp/c.db").expect("absolute"), Path::new("/tmp/c.db"));
        for bad in ["sqlite:", "sqlite://", "sqlite:///", "sqlite://x.db", "sqlite:///:memory:"] {
            sqlite_path(bad).expect_err(bad);
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("postgres://me:secret@host:5/db?password=x"), "postgres://me@host:5/db");
        assert_eq!(shown("postgres://host/db"), "postgres://host/db");
    }
}
