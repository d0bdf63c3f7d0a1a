//! [`Database`]: one SQLite file or one Postgres server, opened once and shared.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor};

use crate::error::is_busy;
use crate::sql::Answer;
use crate::{Result, TrackError, migrate};

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
        migrate::bring_up_to_date(&database).await?;
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
                        let started = std::time::Instant::now();
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
        let options = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE);
        let pool = options.connect(uri).await.map_err(|error| match error {
            sqlx::Error::Configuration(_) => TrackError::invalid(format!("{:?} is no address of Postgres", shown(uri))),
            error => error.into(),
        })?;
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
            Ok(Transaction(begun?))
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
            Ok(Transaction(begun?))
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
pub(crate) struct Transaction(sqlx::Transaction<'static, Any>);

impl Transaction {
    pub(crate) fn commit(self) -> Answer<'static, ()> {
        Box::pin(async move { Ok(self.0.commit().await?) })
    }
}

impl std::ops::Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
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
