//! Tags of runs.

use std::collections::BTreeMap;

use super::Tracker;
use super::runs::RUN_NAME_TAG;
use crate::again::again;
use crate::database::Connection;
use crate::limits::LIST_VALUES;
use crate::sql::Sql;
use crate::{Result, Tag, TrackError, names};

impl Tracker {
    /// Sets a tag of an active run. `mlflow.runName` also names the run.
    ///
    /// # Errors
    /// When the run is missing or deleted, or the key is not allowed.
    pub async fn set_tag(&self, run_id: &str, tag: &Tag) -> Result<()> {
        again!(self.database, {
            names::tag("", tag)?;
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            put_tags(&mut write, run.id, std::slice::from_ref(tag)).await?;
            write.commit().await
        })
    }

    /// Sets a tag of an active run to what is made of the value that it has, in one transaction: MLflow keeps lists in tags, and of
    /// several writers that add to one, in whatever processes, none undoes what another has added. `change` may be called again.
    ///
    /// # Errors
    /// As for [`set_tag`](Self::set_tag).
    pub async fn change_tag(
        &self,
        run_id: &str,
        key: &str,
        change: impl Fn(Option<&str>) -> String + Send + Sync,
    ) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?; // which keeps other writers about it waiting
            let mut select = Sql::new("SELECT value FROM run_tags WHERE run_id = ");
            let row = select.bind(run.id).push(" AND key = ").bind(key).fetch_optional(&mut write).await?;
            let before = row.map(|row| row.text(0)).transpose()?;
            put_tags(&mut write, run.id, &[Tag::new(key, change(before.as_deref()))]).await?;
            write.commit().await
        })
    }

    /// Removes a tag of an active run.
    ///
    /// # Errors
    /// When the run or the tag is missing, or the run is deleted.
    pub async fn delete_tag(&self, run_id: &str, key: &str) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            let mut delete = Sql::new("DELETE FROM run_tags WHERE run_id = ");
            if delete.bind(run.id).push(" AND key = ").bind(key).execute(&mut write).await? == 0 {
                return Err(TrackError::missing(format!("No tag with name: {key} in run with id {run_id}")));
            }
            write.commit().await
        })
    }
}

/// Checks and writes tags about a locked run; of the same key, the last.
pub(super) async fn put_tags(write: &mut Connection, run: i64, tags: &[Tag]) -> Result<()> {
    let mut last = BTreeMap::new();
    for (index, tag) in tags.iter().enumerate() {
        last.insert(&*tag.key, names::tag(&format!("tags[{index}]"), tag)?);
    }
    if let Some(name) = last.get(RUN_NAME_TAG) {
        let mut rename = Sql::new("UPDATE runs SET name = ");
        rename.bind(&**name).push(" WHERE id = ").bind(run).execute(write).await?;
    }
    let tags: Vec<_> = last.into_iter().collect();
    for tags in tags.chunks(LIST_VALUES) {
        let mut insert = Sql::new("INSERT INTO run_tags (run_id, key, value) VALUES ");
        insert.list(tags, |sql, (key, value)| {
            sql.push("(").bind(run).push(", ").bind(*key).push(", ").bind(&**value).push(")");
        });
        insert.push(" ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value").execute(write).await?;
    }
    Ok(())
}
