//! What the tracker and the registry promise, on SQLite and, where `MVL_TEST_POSTGRES_URL` names a server
//! (`scripts/with_postgres.sh`), on Postgres.

/// Makes each function a test on both databases.
macro_rules! on_every_database {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::support::on_sqlite(|place| Box::pin(super::$name(place))); })*
        }
        mod postgres {
            $(#[test] fn $name() { crate::support::on_postgres(stringify!($name), |place| Box::pin(super::$name(place))); })*
        }
    };
}

mod aliases;
mod artifacts;
mod concurrency;
mod cutting_proxy;
mod experiments;
mod failures;
mod garbage;
mod history;
mod inputs;
mod logged_models;
mod logging;
#[path = "../../../mvl-store/tests/blobs/proxy.rs"]
mod proxy;
mod registry;
mod runs;
mod search_runs;
mod support;
