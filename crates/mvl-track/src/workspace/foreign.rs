//! Versions that clients of MLflow registered: they have no manifest, but their files may hold a saved model all the same.

use std::collections::BTreeMap;

use mvl_core::{MODEL_FILE, WEIGHTS_FILE};

use super::Workspace;
use crate::manifest::{Lineage, ModelFile, ModelManifest};
use crate::{Artifact, ArtifactOwner, ErrorCode, ModelVersion, Result, TrackError};

/// Files that an error names at most.
const NAMED: usize = 8;
/// Where MLflow's clients send files, when they name the server too.
const ROUTE: &str = "/api/2.0/mlflow-artifacts/artifacts/";

impl Workspace {
    /// The saved model among a version's files, as a manifest of just that: the one folder that holds a model's description and its
    /// weights. Other files beside it, which MLflow's flavours bring, are left out.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidState`] when there is none, there are several, or the files lie elsewhere.
    pub(super) async fn saved_model_of(&self, version: &ModelVersion) -> Result<ModelManifest> {
        let ModelVersion { name, version: number, .. } = version;
        let refused = |what: String| {
            let hint = format!(
                "it was registered by a client of MLflow's; save the model with mvl and register its folder: `mvl registry register \
                 {name} FOLDER`"
            );
            TrackError::new(ErrorCode::InvalidState, format!("version {number} of {name:?} {what}")).with_hint(hint)
        };
        let location = self.registry.version_download_uri(name, *number).await?;
        let Some((owner, folder)) = place_of(&location)? else {
            return Err(refused(format!("lies at {location:?}, which is not in this workspace")));
        };
        let files = self.artifacts_below(&owner, &folder).await?;
        let below = |file: &Artifact| match folder.as_str() {
            "" => Some(file.path.clone()),
            folder => file.path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned),
        };
        let files: BTreeMap<String, Artifact> =
            files.into_iter().filter_map(|file| Some((below(&file)?, file))).collect();
        let models: Vec<&str> = files
            .keys()
            .filter_map(|path| path.strip_suffix(MODEL_FILE))
            .filter(|folder| files.contains_key(&format!("{folder}{WEIGHTS_FILE}")))
            .collect();
        let wanted = format!("expected {MODEL_FILE} and {WEIGHTS_FILE} in one folder");
        let folder = match models.as_slice() {
            [folder] => (*folder).to_owned(),
            [] if files.is_empty() => return Err(refused(format!("has no files at {location:?}: {wanted}"))),
            [] => {
                let more = files.len().saturating_sub(NAMED);
                let named: Vec<&str> = files.keys().take(NAMED).map(String::as_str).collect();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                return Err(refused(format!("holds no saved model: {wanted}, got {}{more}", named.join(", "))));
            }
            several => {
                let named: Vec<String> = several.iter().map(|folder| format!("{folder}{MODEL_FILE}")).collect();
                return Err(refused(format!("holds several saved models: expected one, got {}", named.join(", "))));
            }
        };
        let mut manifest = ModelManifest {
            lineage: Lineage { run_id: version.run_id.clone(), ..Lineage::default() },
            ..ModelManifest::default()
        };
        for path in [MODEL_FILE, WEIGHTS_FILE] {
            let file = files.get(&format!("{folder}{path}"));
            let digest = file.and_then(|file| file.digest).ok_or_else(|| refused(format!("lost its {path}")))?;
            let bytes = file.map_or(0, |file| file.bytes);
            manifest.files.insert(path.to_owned(), ModelFile { digest, bytes });
        }
        Ok(manifest)
    }
}

/// Whose files lie at an address, and in which folder of theirs; `None` when they lie elsewhere.
///
/// # Errors
/// When the address leads out.
fn place_of(location: &str) -> Result<Option<(ArtifactOwner, String)>> {
    let path = if let Some(rest) = location.strip_prefix("mlflow-artifacts:") {
        match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map(|(_host, path)| path),
            None => Some(rest),
        }
    } else if let Some(rest) = location.strip_prefix("runs:/") {
        let rest = rest.trim_matches('/');
        let (run, folder) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok(Some((ArtifactOwner::Run(run.to_owned()), folder.to_owned())));
    } else if location.starts_with("http://") || location.starts_with("https://") {
        location.split_once(ROUTE).map(|(_server, path)| path)
    } else {
        None
    };
    path.map(|path| ArtifactOwner::of_path(path.trim_start_matches('/'))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_this_workspace_are_told_from_others() {
        let run = "0123456789abcdef0123456789abcdef";
        for location in [
            format!("mlflow-artifacts:/7/{run}/artifacts/model"),
            format!("mlflow-artifacts://host:5000/7/{run}/artifacts/model"),
            format!("http://host:5000/api/2.0/mlflow-artifacts/artifacts/7/{run}/artifacts/model"),
            format!("runs:/{run}/model"),
        ] {
            let (owner, folder) = place_of(&location).expect(&location).expect("here");
            assert_eq!((owner, folder.as_str()), (ArtifactOwner::Run(run.to_owned()), "model"), "{location}");
        }
        for location in ["s3://bucket/model", "file:///etc", "/etc", "", "http://host/elsewhere"] {
            assert_eq!(place_of(location).expect(location), None);
        }
        place_of("mlflow-artifacts:/../etc").expect_err("it leads out");
    }
}
