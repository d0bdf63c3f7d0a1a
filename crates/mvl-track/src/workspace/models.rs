//! Registered models: folders in, folders out, and a manifest that says what they must be in between.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use mvl_store::Digest;

use super::Workspace;
use crate::harm;
use crate::manifest::{
    MAX_MANIFEST_BYTES, ModelFile, ModelManifest, Signature, SignaturePolicy, SigningKey, Statement, check_path,
};
use crate::{ErrorCode, ModelVersion, NewVersion, Result, Tag, TrackError};

/// The tag of a version that holds its signature.
const SIGNATURE_TAG: &str = "mvl.signature";

/// A version to register.
#[derive(Debug, Clone, Default)]
pub struct NewModel {
    /// The registered model, which is made if there is none.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Notes.
    pub tags: Vec<Tag>,
    /// Everything but the files.
    pub manifest: ModelManifest,
}

/// A version whose files are here.
#[derive(Debug, Clone)]
pub struct LoadedModel {
    /// The version.
    pub version: ModelVersion,
    /// What it is made of.
    pub manifest: ModelManifest,
    /// A folder with its files, verified; not to be written to.
    pub folder: PathBuf,
}

impl Workspace {
    /// Registers the files of a folder as the next version of a model; `progress` hears how many of all bytes have arrived.
    ///
    /// A crash on the way leaves no version. Symbolic links and other things that are no plain files are refused, and so are pickles that
    /// ask to run a program, and zip archives that burst or lead out of their folder.
    ///
    /// # Errors
    /// When the folder cannot be read, has no files or one that is refused, the name is not allowed, or the store does not take them.
    pub async fn register_model(
        &self,
        new: NewModel,
        folder: &Path,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<ModelVersion> {
        let mut files = BTreeMap::new();
        let mut arrived = 0;
        let found = files_of(folder)?;
        for (path, file) in &found {
            harmless(file, path)?;
        }
        for (path, file) in found {
            let (digest, bytes) = self.blobs.put_file(&file, |bytes| progress(arrived + bytes)).await?;
            arrived += bytes;
            progress(arrived);
            files.insert(path, ModelFile { digest, bytes });
        }
        let NewModel { name, description, tags, mut manifest } = new;
        manifest.files = files;
        let run_id = manifest.lineage.run_id.clone();
        let digest = self.blobs.put(Bytes::from(manifest.to_bytes()?)).await?;
        match self.registry.create_model(&name, &[], None).await {
            Err(error) if error.code == ErrorCode::ResourceAlreadyExists => {}
            made => drop(made?),
        }
        let source = format!("mlflow-artifacts:/models/{}", digest.to_hex());
        let manifest = Some(digest.to_string());
        self.registry
            .create_version(&NewVersion { name, source, run_id, description, manifest, tags, ..NewVersion::default() })
            .await
    }

    /// What a version is made of.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidState`] when the version has no manifest, as one that a client of MLflow's registered.
    pub async fn manifest(&self, version: &ModelVersion) -> Result<ModelManifest> {
        let bytes = self.blobs.read(manifest_digest(version)?, MAX_MANIFEST_BYTES).await?;
        ModelManifest::from_bytes(&bytes)
    }

    /// Signs a version. A signature that it has is replaced.
    ///
    /// # Errors
    /// When the version is missing or has no manifest.
    pub async fn sign_model(&self, name: &str, version: u64, key: &SigningKey) -> Result<Signature> {
        let known = self.registry.get_version(name, version).await?;
        let signature = Statement { name, version, manifest: manifest_digest(&known)? }.sign(key);
        let text = serde_json::to_string(&signature).map_err(|error| TrackError::internal(error.to_string()))?;
        self.registry.set_version_tag(name, version, &Tag::new(SIGNATURE_TAG, text)).await?;
        Ok(signature)
    }

    /// Reads every byte of a version where it is stored, and holds it against its checksums and the policy.
    ///
    /// # Errors
    /// [`ErrorCode::PermissionDenied`] by the policy, [`ErrorCode::DataLoss`] when a file is missing or damaged,
    /// [`ErrorCode::InvalidParameterValue`] when one could harm whoever opens it.
    pub async fn verify_model(&self, version: &ModelVersion, policy: &SignaturePolicy) -> Result<ModelManifest> {
        check_signature(version, policy)?;
        let (_, manifest) = self.contents(version).await?;
        for (path, file) in &manifest.files {
            let damaged = |error| lost(version, path, &error);
            self.blobs.verify(file.digest).await.map_err(damaged)?;
            if harm::may_harm(&self.head(file).await.map_err(damaged)?) {
                harmless(&self.blobs.fetch(file.digest).await.map_err(damaged)?, path)?;
            }
        }
        Ok(manifest)
    }

    /// What a version is made of, and the digest that stands for all of it.
    async fn contents(&self, version: &ModelVersion) -> Result<(Digest, ModelManifest)> {
        if version.manifest.is_some() {
            return Ok((manifest_digest(version)?, self.manifest(version).await?));
        }
        let manifest = self.saved_model_of(version).await?;
        Ok((Digest::of(&manifest.to_bytes()?), manifest))
    }

    /// The first bytes of a file.
    async fn head(&self, file: &ModelFile) -> Result<Vec<u8>, mvl_core::DataError> {
        let mut head = Vec::new();
        if file.bytes > 0 {
            let mut stream = self.blobs.stream(file.digest, Some(0..file.bytes.min(harm::HEAD_BYTES))).await?;
            while let Some(piece) = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
                head.extend_from_slice(&piece?);
            }
        }
        Ok(head)
    }

    /// Brings the files of `models:/name@alias` or `models:/name/3` into a local folder, after the policy was held against them.
    /// Whoever asks for the same version again gets the same folder.
    ///
    /// A version that a client of MLflow registered is loaded where its files hold one saved model: its description and its weights.
    ///
    /// # Errors
    /// As for [`verify_model`](Self::verify_model), when the address means nothing, and [`ErrorCode::InvalidState`] when a client of MLflow
    /// registered something else than a saved model.
    pub async fn load_model(&self, uri: &str, policy: &SignaturePolicy) -> Result<LoadedModel> {
        let version = self.registry.resolve(uri).await?;
        check_signature(&version, policy)?;
        let (digest, manifest) = self.contents(&version).await?;
        let models = self.cache.join("models");
        let folder = models.join(digest.to_hex());
        if !folder.is_dir() {
            fs::create_dir_all(&models).map_err(|error| unwritable(&models, &error))?;
            let making = tempfile::tempdir_in(&models).map_err(|error| unwritable(&models, &error))?;
            for (path, file) in &manifest.files {
                check_path(path)?;
                let place = making.path().join(path);
                let source = self.blobs.fetch(file.digest).await.map_err(|error| lost(&version, path, &error))?;
                harmless(&source, path)?;
                copy(&source, &place, file.bytes).map_err(|error| unwritable(&place, &error))?;
            }
            // Whoever is first has it; both have the same files.
            match fs::rename(making.path(), &folder) {
                Ok(()) => drop(making.keep()),
                Err(_) if folder.is_dir() => {}
                Err(error) => return Err(unwritable(&folder, &error)),
            }
        } else {
            for (path, file) in &manifest.files {
                let place = folder.join(path);
                recheck(&place, file, &version, path)?;
                harmless(&place, path)?;
            }
        }
        Ok(LoadedModel { version, manifest, folder })
    }
}

fn check_signature(version: &ModelVersion, policy: &SignaturePolicy) -> Result<()> {
    let SignaturePolicy::Signed(_) = policy else { return Ok(()) };
    if version.manifest.is_none() {
        let ModelVersion { name, version, .. } = version;
        let what =
            format!("model {name:?}, version {version}, is not loaded: it has no manifest, which is what is signed");
        return Err(TrackError::new(ErrorCode::PermissionDenied, what).with_hint(format!(
            "it was registered by a client of MLflow's; register its files with `mvl registry register {name} FOLDER` and sign that"
        )));
    }
    let tag = version.tags.iter().find(|tag| tag.key == SIGNATURE_TAG);
    let signature: Option<Signature> = tag.and_then(|tag| serde_json::from_str(&tag.value).ok());
    let statement = Statement { name: &version.name, version: version.version, manifest: manifest_digest(version)? };
    policy.check(&statement, signature.as_ref())
}

fn manifest_digest(version: &ModelVersion) -> Result<Digest> {
    let ModelVersion { name, version: number, manifest, .. } = version;
    let Some(digest) = manifest else {
        let what = format!("version {number} of {name:?} has no manifest");
        let hint = "it was registered by a client of MLflow's; register its files with `mvl registry register`";
        return Err(TrackError::new(ErrorCode::InvalidState, what).with_hint(hint));
    };
    digest.parse().map_err(|_| TrackError::new(ErrorCode::DataLoss, format!("{digest:?} is no manifest's digest")))
}

/// Refuses a file that could harm whoever opens it.
fn harmless(file: &Path, path: &str) -> Result<()> {
    match harm::look(file) {
        Ok(None) => Ok(()),
        Ok(Some(harm)) => Err(harm.refused(path)),
        Err(error) => Err(TrackError::internal(format!("cannot look into {}: {error}", file.display()))),
    }
}

/// The plain files below a folder, by their paths in it.
fn files_of(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        TrackError::invalid(format!("cannot read the model in {}: {error}", path.display()))
    };
    let (mut folders, mut files) = (vec![(String::new(), folder.to_owned())], Vec::new());
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| unreadable(&entry.path(), &"the name is not Unicode"))?;
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), &error))?;
            match () {
                () if kind.is_dir() => folders.push((format!("{path}/"), entry.path())),
                () if kind.is_file() => {
                    check_path(&path)?;
                    files.push((path, entry.path()));
                }
                () => return Err(unreadable(&entry.path(), &"it is no plain file")),
            }
        }
    }
    if files.is_empty() {
        return Err(unreadable(folder, &"there are no files in it"));
    }
    files.sort();
    Ok(files)
}

/// Copies a verified file, whose size cannot have changed.
fn copy(source: &Path, place: &Path, bytes: u64) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    let copied = fs::copy(source, place)?;
    if copied == bytes { Ok(()) } else { Err(io::Error::other(format!("expected {bytes} bytes, got {copied}"))) }
}

/// A local copy must still be what it was.
fn recheck(place: &Path, file: &ModelFile, version: &ModelVersion, path: &str) -> Result<()> {
    let opened = fs::File::open(place).and_then(Digest::of_reader);
    match opened {
        Ok((digest, bytes)) if (digest, bytes) == (file.digest, file.bytes) => Ok(()),
        Ok(_) => Err(lost(version, path, &format!("{} was changed; remove its folder", place.display()))),
        Err(error) => Err(lost(version, path, &error)),
    }
}

fn lost(version: &ModelVersion, path: &str, error: &dyn std::fmt::Display) -> TrackError {
    let ModelVersion { name, version, .. } = version;
    TrackError::new(
        ErrorCode::DataLoss,
        format!("{path:?} of model {name:?}, version {version}, is not what was registered: {error}"),
    )
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> TrackError {
    TrackError::internal(format!("cannot write {}: {error}", path.display()))
}
