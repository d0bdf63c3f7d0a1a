//! A move of an alias is taken back.

use super::Registry;
use super::aliases::set;
use super::read::{number, touch, version_by_number};
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::sql::Sql;
use crate::{ErrorCode, ModelVersion, Result, TrackError, names};

impl Registry {
    /// Lets an alias stand for the version that it stood for before its last move, which is forgotten: doing it once more goes one
    /// move further back. Versions that were deleted since are passed over.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](ErrorCode::ResourceDoesNotExist) when the model or its alias is missing,
    /// [`InvalidState`](ErrorCode::InvalidState) when the alias stood for nothing else before.
    pub async fn rollback(&self, name: &str, alias: &str) -> Result<ModelVersion> {
        again!(self.database, {
            names::alias(alias)?;
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            let mut select = Sql::new("SELECT version FROM model_aliases WHERE model_id = ");
            let row = select.bind(model).push(" AND alias = ").bind(alias).fetch_optional(&mut write).await?;
            let Some(current) = row.map(|row| row.int(0)).transpose()? else {
                return Err(TrackError::missing(format!("the model {name:?} has no alias {alias:?}")));
            };
            let mut select = Sql::new("SELECT move, version FROM alias_moves WHERE model_id = ");
            select.bind(model).push(" AND alias = ").bind(alias).push(" AND version <> ").bind(current);
            let row = select.push(" ORDER BY move DESC LIMIT 1").fetch_optional(&mut write).await?;
            let Some(row) = row else {
                let message = format!("the alias {alias:?} of {name:?} stood for nothing but version {current} so far");
                return Err(TrackError::new(ErrorCode::InvalidState, message));
            };
            let (kept, before) = (row.int(0)?, row.int(1)?);
            let mut forget = Sql::new("DELETE FROM alias_moves WHERE model_id = ");
            forget
                .bind(model)
                .push(" AND alias = ")
                .bind(alias)
                .push(" AND move > ")
                .bind(kept)
                .execute(&mut write)
                .await?;
            set(&mut write, model, alias, before).await?;
            touch(&mut write, model, now_ms()).await?;
            let version = version_by_number(&mut write, name, number(before)).await?;
            write.commit().await?;
            Ok(version)
        })
    }
}

/// Takes note of a move.
pub(super) async fn note(write: &mut Connection, model: i64, alias: &str, version: i64) -> Result<()> {
    let mut insert = Sql::new("INSERT INTO alias_moves (model_id, alias, move, version, time) SELECT ");
    insert
        .bind(model)
        .push(", ")
        .bind(alias)
        .push(", coalesce(max(move), 0) + 1, ")
        .bind(version)
        .push(", ")
        .bind(now_ms());
    insert.push(" FROM alias_moves WHERE model_id = ").bind(model).push(" AND alias = ").bind(alias);
    insert.execute(write).await?;
    Ok(())
}

/// Forgets all moves of an alias.
pub(super) async fn forget(write: &mut Connection, model: i64, alias: &str) -> Result<()> {
    let mut delete = Sql::new("DELETE FROM alias_moves WHERE model_id = ");
    delete.bind(model).push(" AND alias = ").bind(alias).execute(write).await?;
    Ok(())
}
