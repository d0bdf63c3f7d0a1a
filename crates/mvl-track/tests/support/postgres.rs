//! A schema of a test's own on the server that `MVL_TEST_POSTGRES_URL` names.

/// The address of a new schema, for this process alone; `None`, after saying so, where there is no server.
pub(crate) async fn new_schema(name: &str) -> Option<String> {
    let Ok(server) = std::env::var("MVL_TEST_POSTGRES_URL") else {
        println!("skipped: MVL_TEST_POSTGRES_URL names no server (scripts/with_postgres.sh starts one)");
        return None;
    };
    let schema = format!("{name}_{}", std::process::id());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&server).await.expect("the test's server");
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
    sqlx::query(create).execute(&pool).await.expect("a schema");
    pool.close().await;
    let mark = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{mark}options[search_path]={schema}&application_name={schema}"))
}
