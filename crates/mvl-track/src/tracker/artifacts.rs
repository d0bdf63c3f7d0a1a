//! Files of runs and logged models: rows here, content among the blobs.

use mvl_store::Digest;

use super::{Tracker, version_files};
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::filter::{offset_of, page_of};
use crate::sql::{Row, Sql};
use crate::{ErrorCode, Page, Result, TrackError, names};

/// Files and folders on one page.
const PAGE: i64 = 10_000;

/// Whose file it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ArtifactOwner {
    /// A run, by id.
    Run(String),
    /// A logged model, by id.
    LoggedModel(String),
    /// A registered version's, by the digest of its manifest. They never change.
    Version(Digest),
    /// Nobody's: a place below the artifact root.
    Place,
}

impl ArtifactOwner {
    /// Whose file a path below the artifact root is, and its path below its owner: `0/RUN/artifacts/a.txt` is the run's `a.txt`,
    /// `0/models/MODEL/artifacts/a.txt` the model's, `models/DIGEST/a.txt` the registered version's.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a path that would lead out. An empty path is the root.
    pub fn of_path(path: &str) -> Result<(Self, String)> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Ok((Self::Place, String::new()));
        }
        names::artifact_path(path)?;
        let parts: Vec<_> = path.split('/').collect();
        let is_number = |text: &str| text.chars().all(|char| char.is_ascii_digit());
        let is_id = |text: &str| text.len() == 32 && text.chars().all(|char| char.is_ascii_hexdigit());
        Ok(match parts.as_slice() {
            [experiment, run, "artifacts", rest @ ..] if is_number(experiment) && is_id(run) => {
                (Self::Run((*run).to_owned()), rest.join("/"))
            }
            [experiment, "models", model, "artifacts", rest @ ..]
                if is_number(experiment) && model.strip_prefix("m-").is_some_and(is_id) =>
            {
                (Self::LoggedModel((*model).to_owned()), rest.join("/"))
            }
            ["models", manifest, rest @ ..] => match version_files::digest_in(manifest) {
                Some(manifest) => (Self::Version(manifest), rest.join("/")),
                None => (Self::Place, path.to_owned()),
            },
            _ => (Self::Place, path.to_owned()),
        })
    }
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path below its owner.
    pub path: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its size; 0 for folders.
    pub bytes: u64,
    /// Its content's name among the blobs; `None` for folders.
    pub digest: Option<Digest>,
    /// When it was written; 0 for folders.
    pub modified: i64,
}

impl Artifact {
    /// A file whose content lies among the blobs.
    pub fn file(path: impl Into<String>, digest: Digest, bytes: u64) -> Self {
        Self { path: path.into(), is_dir: false, bytes, digest: Some(digest), modified: now_ms() }
    }
}

impl Tracker {
    /// Notes files whose content lies among the blobs already, all in one transaction; one with the same path takes the old one's
    /// place.
    ///
    /// # Errors
    /// When the owner is missing, deleted or a registered version, a path would lead out, or it would be a file and a folder.
    pub async fn put_artifact_rows(&self, owner: &ArtifactOwner, files: &[Artifact]) -> Result<()> {
        again!(self.database, {
            for file in files {
                names::artifact_path(&file.path)?;
            }
            let mut write = self.database.write().await?;
            match owner {
                ArtifactOwner::Run(run_id) => self.active_run(&mut write, run_id).await.map(|_| ())?,
                ArtifactOwner::LoggedModel(model_id) => self.lock_model(&mut write, model_id).await.map(|_| ())?,
                ArtifactOwner::Version(_) => return Err(unchangeable()),
                ArtifactOwner::Place => {}
            }
            let (kind, id) = owner.key();
            for file in files {
                refuse_file_and_folder(&mut write, owner, &file.path).await?;
                let digest = file.digest.ok_or_else(|| TrackError::invalid(format!("{:?} is no file", file.path)))?;
                let bytes = i64::try_from(file.bytes).map_err(|_| TrackError::invalid("a file is too large"))?;
                let mut insert =
                    Sql::new("INSERT INTO artifacts (owner_kind, owner, path, digest, bytes, modified) VALUES (");
                insert.bind(kind).push(", ").bind(id).push(", ").bind(&*file.path).push(", ").bind(digest.to_string());
                insert.push(", ").bind(bytes).push(", ").bind(file.modified).push(
                    ") ON CONFLICT (owner_kind, owner, path) DO UPDATE SET digest = excluded.digest, bytes = excluded.bytes, \
                     modified = excluded.modified",
                );
                insert.execute(&mut write).await?;
            }
            write.commit().await
        })
    }

    /// The files and folders right below a folder (`""` is the owner's root), by path, at most 10,000 on a page. Nothing is below what
    /// is missing or a file.
    ///
    /// # Errors
    /// When a path would lead out or the token is none of ours.
    pub async fn list_artifacts(
        &self,
        owner: &ArtifactOwner,
        folder: &str,
        page_token: Option<&str>,
    ) -> Result<Page<Artifact>> {
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            names::artifact_path(folder)?;
        }
        let offset = offset_of(page_token, 0)?;
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut children: Vec<Artifact> = Vec::new();
        for found in self.files_below(owner, folder).await? {
            let Some(below) = found.path.strip_prefix(&prefix) else { continue };
            if let Some((name, _)) = below.split_once('/') {
                let path = format!("{prefix}{name}");
                if children.last().is_none_or(|last| last.path != path) {
                    children.push(Artifact { path, is_dir: true, bytes: 0, digest: None, modified: 0 });
                }
            } else {
                children.push(found);
            }
        }
        children.sort_by(|a, b| a.path.cmp(&b.path));
        children.dedup_by(|a, b| a.path == b.path);
        let rest = children.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX)).collect();
        Ok(page_of(rest, PAGE, offset, 0))
    }

    /// All files of an owner below a folder, however deep, by path.
    async fn files_below(&self, owner: &ArtifactOwner, folder: &str) -> Result<Vec<Artifact>> {
        again!(self.database, {
            if let ArtifactOwner::Version(manifest) = owner {
                return self.version_files(*manifest).await;
            }
            let (kind, id) = owner.key();
            let mut select = Sql::new("SELECT path, bytes, digest, modified FROM artifacts WHERE owner_kind = ");
            select.bind(kind).push(" AND owner = ").bind(id);
            if !folder.is_empty() {
                push_below(&mut select, folder);
            }
            let rows = select.push(" ORDER BY path").fetch_all(&mut *self.database.read().await?).await?;
            rows.iter().map(file).collect()
        })
    }

    /// One file.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<Artifact> {
        again!(self.database, {
            names::artifact_path(path)?;
            let missing = || TrackError::missing(format!("No such artifact: '{path}'"));
            if let ArtifactOwner::Version(manifest) = owner {
                let files = self.version_files(*manifest).await?;
                return files.into_iter().find(|file| file.path == path).ok_or_else(missing);
            }
            let (kind, id) = owner.key();
            let mut select = Sql::new("SELECT path, bytes, digest, modified FROM artifacts WHERE owner_kind = ");
            select.bind(kind).push(" AND owner = ").bind(id).push(" AND path = ").bind(path);
            let row = select.fetch_optional(&mut *self.database.read().await?).await?;
            file(&row.ok_or_else(missing)?)
        })
    }

    /// Removes a file, or a folder with all below it; `""` removes all. Answers how many files that were. Their content stays until the
    /// blobs' garbage is collected.
    ///
    /// # Errors
    /// When a path would lead out, and for a registered version.
    pub async fn delete_artifacts(&self, owner: &ArtifactOwner, path: &str) -> Result<u64> {
        again!(self.database, {
            let path = path.trim_end_matches('/');
            if matches!(owner, ArtifactOwner::Version(_)) {
                return Err(unchangeable());
            }
            let (kind, id) = owner.key();
            let mut write = self.database.write().await?;
            let mut delete = Sql::new("DELETE FROM artifacts WHERE owner_kind = ");
            delete.bind(kind).push(" AND owner = ").bind(id);
            let mut removed = 0;
            if !path.is_empty() {
                names::artifact_path(path)?;
                let mut one = Sql::new("DELETE FROM artifacts WHERE owner_kind = ");
                one.bind(kind).push(" AND owner = ").bind(id).push(" AND path = ").bind(path);
                removed += one.execute(&mut write).await?;
                push_below(&mut delete, path);
            }
            removed += delete.execute(&mut write).await?;
            write.commit().await?;
            Ok(removed)
        })
    }
}

impl ArtifactOwner {
    /// Its kind and id in the database.
    fn key(&self) -> (&'static str, &str) {
        match self {
            Self::Run(id) => ("run", id),
            Self::LoggedModel(id) => ("model", id),
            Self::Version(_) => ("version", ""), // has no rows: its manifest lists its files
            Self::Place => ("place", ""),
        }
    }
}

fn unchangeable() -> TrackError {
    TrackError::invalid("the files of a registered version never change")
        .with_hint("register a new version, or delete this one from its model")
}

/// Only what lies below a folder. Paths are sorted by bytes, and `0` comes after `/`.
fn push_below(sql: &mut Sql, folder: &str) {
    sql.push(" AND path > ").bind(format!("{folder}/")).push(" AND path < ").bind(format!("{folder}0"));
}

async fn refuse_file_and_folder(write: &mut Connection, owner: &ArtifactOwner, path: &str) -> Result<()> {
    let (kind, id) = owner.key();
    let mut select = Sql::new("SELECT path FROM artifacts WHERE owner_kind = ");
    select.bind(kind).push(" AND owner = ").bind(id);
    let above: Vec<_> = path.match_indices('/').filter_map(|(end, _)| path.get(..end)).collect();
    let mut found = None;
    if !above.is_empty() {
        let mut files = Sql::new("SELECT path FROM artifacts WHERE owner_kind = ");
        files.bind(kind).push(" AND owner = ").bind(id).push(" AND path IN ").values(above);
        found = files.push(" LIMIT 1").fetch_optional(write).await?;
    }
    if found.is_none() {
        push_below(&mut select, path);
        found = select.push(" LIMIT 1").fetch_optional(write).await?;
    }
    match found {
        Some(row) => Err(TrackError::invalid(format!("{path:?} cannot be stored beside {:?}", row.text(0)?))
            .with_hint("a name is a file or a folder, not both")),
        None => Ok(()),
    }
}

fn file(row: &Row) -> Result<Artifact> {
    let digest: Digest = row.text(2)?.parse().map_err(|_| {
        TrackError::new(ErrorCode::DataLoss, "the database holds a digest that is none")
            .with_hint("restore it from a backup")
    })?;
    let bytes = u64::try_from(row.int(1)?).unwrap_or_default();
    Ok(Artifact { path: row.text(0)?, is_dir: false, bytes, digest: Some(digest), modified: row.int(3)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_whose_file_it_is() {
        let (run, model) = ("0123456789abcdef0123456789abcdef", "m-0123456789abcdef0123456789abcdef");
        let hex = Digest::of(b"m").to_hex();
        for (path, owner, below) in [
            (format!("7/{run}/artifacts/a/b.txt"), ArtifactOwner::Run(run.to_owned()), "a/b.txt"),
            (format!("7/{run}/artifacts/"), ArtifactOwner::Run(run.to_owned()), ""),
            (format!("7/models/{model}/artifacts/a/b/c/d"), ArtifactOwner::LoggedModel(model.to_owned()), "a/b/c/d"),
            (format!("models/{hex}/deep/w.bpk"), ArtifactOwner::Version(Digest::of(b"m")), "deep/w.bpk"),
            ("models/no-digest/w.bpk".to_owned(), ArtifactOwner::Place, "models/no-digest/w.bpk"),
            ("x/y.txt".to_owned(), ArtifactOwner::Place, "x/y.txt"),
            (String::new(), ArtifactOwner::Place, ""),
        ] {
            assert_eq!(ArtifactOwner::of_path(&path).expect(&path), (owner, below.to_owned()), "{path}");
        }
        for bad in ["../x", "/etc/passwd", "a/../../x", "a\\b", "7//x"] {
            ArtifactOwner::of_path(bad).expect_err(bad);
        }
    }
}
