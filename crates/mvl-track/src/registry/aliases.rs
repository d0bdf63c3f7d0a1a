//! Aliases: names for versions, moved by compare-and-set.

use super::read::{DELETED, no_model, number, touch, version_by_number};
use super::{Registry, rollback};
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::sql::Sql;
use crate::{ErrorCode, ModelVersion, Result, Stage, TrackError, names};

impl Registry {
    /// Lets an alias stand for a version, whatever it stood for.
    ///
    /// # Errors
    /// When the version is missing, or the alias is not allowed.
    pub async fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<()> {
        again!(self.database, {
            names::new_alias(alias)?;
            let mut write = self.database.write().await?;
            let (model, number) = self.lock_version(&mut write, name, version).await?;
            put_alias(&mut write, model, alias, number).await?;
            write.commit().await
        })
    }

    /// Lets an alias stand for a version if it still stands for `expected` (`None`: if there is no such alias). Of several programs
    /// that expect the same, one succeeds.
    ///
    /// # Errors
    /// [`ResourceConflict`](crate::ErrorCode::ResourceConflict) when the alias stands for something else.
    pub async fn promote(&self, name: &str, alias: &str, version: u64, expected: Option<u64>) -> Result<ModelVersion> {
        again!(self.database, {
            names::new_alias(alias)?;
            let mut write = self.database.write().await?;
            let (model, version_number) = self.lock_version(&mut write, name, version).await?;
            // The model is locked, so nobody comes between this look and the change.
            let mut select = Sql::new("SELECT version FROM model_aliases WHERE model_id = ");
            let row = select.bind(model).push(" AND alias = ").bind(alias).fetch_optional(&mut write).await?;
            let current = row.map(|row| row.int(0)).transpose()?.map(number);
            if current != expected {
                let shown = |version: Option<u64>| {
                    version.map_or("no version".to_owned(), |version| format!("version {version}"))
                };
                let (expected, current) = (shown(expected), shown(current));
                let message = format!(
                    "the alias {alias:?} of {name:?} was expected to stand for {expected}, but stands for {current}"
                );
                return Err(TrackError::new(ErrorCode::ResourceConflict, message)
                    .with_hint("somebody else moved it; look again and decide anew"));
            }
            put_alias(&mut write, model, alias, version_number).await?;
            touch(&mut write, model, now_ms()).await?;
            let promoted = version_by_number(&mut write, name, version).await?;
            write.commit().await?;
            Ok(promoted)
        })
    }

    /// Removes an alias; one that is not there is no error.
    ///
    /// # Errors
    /// When the model is missing.
    pub async fn delete_alias(&self, name: &str, alias: &str) -> Result<()> {
        again!(self.database, {
            names::alias(alias)?;
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            let mut delete = Sql::new("DELETE FROM model_aliases WHERE model_id = ");
            delete.bind(model).push(" AND alias = ").bind(alias).execute(&mut write).await?;
            rollback::forget(&mut write, model, alias).await?;
            write.commit().await
        })
    }

    /// The version that an alias stands for. `latest` is the highest number.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist) when the model is missing,
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue), as MLflow answers, when the alias is.
    pub async fn version_by_alias(&self, name: &str, alias: &str) -> Result<ModelVersion> {
        again!(self.database, {
            names::model_name(name)?;
            names::alias(alias)?;
            let reference = if alias.eq_ignore_ascii_case("latest") {
                Reference { name: name.to_owned(), which: Which::Latest }
            } else {
                Reference { name: name.to_owned(), which: Which::Alias(alias.to_owned()) }
            };
            let mut read = self.database.read().await?;
            let (name, version) = reference.number(&mut read).await?;
            version_by_number(&mut read, &name, version).await
        })
    }

    /// The version that `models:/name/3`, `models:/name@champion`, `models:/name/Production` or `models:/name/latest` means.
    ///
    /// # Errors
    /// When the address is none, or means nothing.
    pub async fn resolve(&self, uri: &str) -> Result<ModelVersion> {
        again!(self.database, {
            let reference = Reference::parse(uri)?;
            let mut read = self.database.read().await?;
            let (name, version) = reference.number(&mut read).await?;
            version_by_number(&mut read, &name, version).await
        })
    }
}

async fn put_alias(write: &mut Connection, model: i64, alias: &str, version: i64) -> Result<()> {
    rollback::note(write, model, alias, version).await?;
    set(write, model, alias, version).await
}

/// Sets an alias without taking note of it.
pub(super) async fn set(write: &mut Connection, model: i64, alias: &str, version: i64) -> Result<()> {
    let mut insert = Sql::new("INSERT INTO model_aliases (model_id, alias, version) VALUES (");
    insert.bind(model).push(", ").bind(alias).push(", ").bind(version);
    insert.push(") ON CONFLICT (model_id, alias) DO UPDATE SET version = excluded.version").execute(write).await?;
    Ok(())
}

/// What an address `models:/…` means.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    name: String,
    which: Which,
}

#[derive(Debug, Clone, PartialEq)]
enum Which {
    Version(u64),
    Alias(String),
    Stage(Stage),
    Latest,
}

impl Reference {
    /// Reads `models:/name/3`, `models:/name@champion`, `models:/name/Production`, `models:/name/latest`.
    pub(super) fn parse(uri: &str) -> Result<Self> {
        let invalid = || {
            TrackError::invalid(format!("Invalid model URI: {uri:?}"))
                .with_hint("it is models:/NAME/VERSION, models:/NAME@ALIAS, models:/NAME/STAGE or models:/NAME/latest")
        };
        let rest = uri.strip_prefix("models:/").ok_or_else(invalid)?;
        let (name, which) = match (rest.rsplit_once('/'), rest.rsplit_once('@')) {
            (Some((name, suffix)), _) => {
                let which = if suffix.eq_ignore_ascii_case("latest") {
                    Which::Latest
                } else if let Ok(version) = suffix.parse() {
                    Which::Version(version)
                } else {
                    Which::Stage(suffix.parse().map_err(|_| invalid())?)
                };
                (name, which)
            }
            (None, Some((name, alias))) => {
                names::alias(alias)?;
                (name, Which::Alias(alias.to_owned()))
            }
            (None, None) => return Err(invalid()),
        };
        names::model_name(name)?;
        Ok(Self { name: name.to_owned(), which })
    }

    /// The model and the number of the version that it means now.
    pub(super) async fn number(self, read: &mut Connection) -> Result<(String, u64)> {
        let name = self.name;
        let mut select = Sql::new("SELECT id FROM registered_models WHERE name = ");
        let row = select.bind(&*name).fetch_optional(read).await?.ok_or_else(|| no_model(&name))?;
        let model = row.int(0)?;
        let row = match &self.which {
            Which::Version(version) => return Ok((name, *version)),
            Which::Alias(alias) => {
                let mut select = Sql::new("SELECT version FROM model_aliases WHERE model_id = ");
                let row = select.bind(model).push(" AND alias = ").bind(&**alias).fetch_optional(read).await?;
                row.ok_or_else(|| TrackError::invalid(format!("Registered model alias {alias} not found.")))?
            }
            Which::Stage(stage) => {
                let mut select = Sql::new("SELECT version FROM model_versions WHERE model_id = ");
                select.bind(model).push(" AND stage = ").bind(stage.as_str()).push(" ORDER BY version DESC LIMIT 1");
                select.fetch_optional(read).await?.ok_or_else(|| {
                    TrackError::missing(format!("No version of {name:?} is in stage {}", stage.as_str()))
                })?
            }
            Which::Latest => {
                let mut select = Sql::new("SELECT version FROM model_versions WHERE model_id = ");
                select.bind(model).push(" AND stage <> ").bind(DELETED).push(" ORDER BY version DESC LIMIT 1");
                let row = select.fetch_optional(read).await?;
                row.ok_or_else(|| TrackError::missing(format!("Latest version not found for model {name}.")))?
            }
        };
        Ok((name, number(row.int(0)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (uri, which) in [
            ("models:/shoes/3", Which::Version(3)),
            ("models:/shoes@champion", Which::Alias("champion".to_owned())),
            ("models:/shoes/production", Which::Stage(Stage::Production)),
            ("models:/shoes/latest", Which::Latest),
        ] {
            assert_eq!(Reference::parse(uri).expect(uri), Reference { name: "shoes".to_owned(), which });
        }
        for bad in [
            "",
            "shoes",
            "models:/",
            "models:/shoes",
            "models:/shoes/",
            "models:/shoes/-1",
            "models:/a/b/3",
            "models://h/shoes/3",
            "models:/shoes@",
            "models:/@champion",
            "models:/../3",
            "models:/shoes@a b",
            "models:/shoes/nowhere",
        ] {
            Reference::parse(bad).expect_err(bad);
        }
    }
}
