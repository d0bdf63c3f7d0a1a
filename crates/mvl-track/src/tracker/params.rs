//! Parameters, which never change.

use std::collections::{BTreeMap, HashSet};

use super::Tracker;
use crate::again::again;
use crate::database::Connection;
use crate::sql::Sql;
use crate::{Param, Result, TrackError, names};

impl Tracker {
    /// Logs a parameter. Logging the same value again does nothing.
    ///
    /// # Errors
    /// When the run is missing or deleted, or the parameter has another value already.
    pub async fn log_param(&self, run_id: &str, param: &Param) -> Result<()> {
        again!(self.database, {
            let params = checked([param], |_| String::new())?;
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            put_params(&mut write, run.id, run_id, &params).await?;
            write.commit().await
        })
    }
}

/// Parameters with values cut to what is kept.
pub(super) fn checked<'a>(
    params: impl IntoIterator<Item = &'a Param>,
    path: impl Fn(usize) -> String,
) -> Result<Vec<Param>> {
    let mut seen = HashSet::new();
    let mut doubled = Vec::new();
    let mut checked = Vec::new();
    for (index, param) in params.into_iter().enumerate() {
        if !seen.insert(&*param.key) {
            doubled.push(&*param.key);
        }
        checked.push(Param::new(&*param.key, names::param(&path(index), param)?));
    }
    if !doubled.is_empty() {
        return Err(TrackError::invalid(format!(
            "Duplicate parameter keys have been submitted: {doubled:?}. Please ensure the request contains only one param value per param key."
        )));
    }
    Ok(checked)
}

/// Writes checked parameters about a locked run.
pub(super) async fn put_params(write: &mut Connection, run: i64, run_id: &str, params: &[Param]) -> Result<()> {
    if params.is_empty() {
        return Ok(());
    }
    let mut select = Sql::new("SELECT key, value FROM params WHERE run_id = ");
    select.bind(run).push(" AND key IN ").values(params.iter().map(|param| &*param.key));
    let mut there = BTreeMap::new();
    for row in select.fetch_all(write).await? {
        there.insert(row.text(0)?, row.text(1)?);
    }
    if let Some((param, old)) =
        params.iter().find_map(|param| there.get(&param.key).filter(|old| **old != param.value).map(|old| (param, old)))
    {
        return Err(TrackError::invalid(format!(
            "Changing param values is not allowed. Param with key='{}' was already logged with value='{old}' for run \
             ID='{run_id}'. Attempted logging new value '{}'.",
            param.key, param.value
        )));
    }
    let new: Vec<_> = params.iter().filter(|param| !there.contains_key(&param.key)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut insert = Sql::new("INSERT INTO params (run_id, key, value) VALUES ");
    insert.list(new, |sql, param| {
        sql.push("(").bind(run).push(", ").bind(&*param.key).push(", ").bind(&*param.value).push(")");
    });
    insert.execute(write).await?;
    Ok(())
}
