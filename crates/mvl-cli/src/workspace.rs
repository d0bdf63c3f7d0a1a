//! The workspace of this program's runs: `.mvl`, or what the environment names.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context;
use mvl::core::{BoxError, ModelSource};
use mvl::track::manifest::{SignaturePolicy, TrustedKeys};
use mvl::track::{TrackError, Workspace, WorkspaceConfig};

/// Set to `off`, nothing is recorded.
const SWITCH_VARIABLE: &str = "MVL_TRACKING";
/// Names a file of public keys; without a signature by one of them, no registered model is loaded.
pub(crate) const TRUSTED_KEYS_VARIABLE: &str = "MVL_TRUSTED_KEYS";

/// Whether the environment lets runs be recorded.
pub(crate) fn recording_allowed() -> bool {
    !std::env::var(SWITCH_VARIABLE).is_ok_and(|value| value == "off")
}

/// The workspace, made where it is missing.
///
/// # Errors
/// When its database or the place of its files cannot be opened.
pub(crate) fn open() -> anyhow::Result<Workspace> {
    static OPENED: OnceLock<Workspace> = OnceLock::new();
    if let Some(workspace) = OPENED.get() {
        return Ok(workspace.clone());
    }
    let config = WorkspaceConfig::from_environment();
    let opening = config.clone();
    let workspace = block(async move { Workspace::open(&opening).await })
        .with_context(|| format!("cannot open the workspace; {}", shown(&config)))?;
    Ok(OPENED.get_or_init(|| workspace).clone())
}

/// The workspace, which must be there.
///
/// # Errors
/// When nothing was ever recorded here, and as for [`open`].
pub(crate) fn existing() -> anyhow::Result<Workspace> {
    let config = WorkspaceConfig::from_environment();
    let file = config.database.strip_prefix("sqlite:///").map(Path::new);
    if let Some(file) = file.filter(|file| !file.exists()) {
        anyhow::bail!(
            "nothing is recorded here yet: expected {}; train something, or name another workspace by {}",
            file.display(),
            mvl::track::DATABASE_VARIABLE
        );
    }
    open()
}

/// The database without its password.
fn shown(config: &WorkspaceConfig) -> String {
    match config.database.rsplit_once('@') {
        Some((_, place)) => format!("postgres://…@{place}"),
        None => config.database.clone(),
    }
}

/// Waits for some work with the workspace.
///
/// # Errors
/// What the work says.
pub(crate) fn block<T: Send + 'static>(
    work: impl Future<Output = Result<T, TrackError>> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(mvl::store::wait_for(work)??)
}

/// What registered models must show before they are loaded.
///
/// # Errors
/// When the file of trusted keys cannot be read.
pub(crate) fn policy() -> anyhow::Result<SignaturePolicy> {
    match std::env::var_os(TRUSTED_KEYS_VARIABLE).filter(|value| !value.is_empty()) {
        Some(file) => Ok(SignaturePolicy::Signed(TrustedKeys::read(Path::new(&file))?)),
        None => Ok(SignaturePolicy::ChecksumsOnly),
    }
}

/// Registered models, by `models:/name@alias` and `models:/name/3`.
pub(crate) struct RegisteredModels;

impl ModelSource for RegisteredModels {
    fn scheme(&self) -> &str {
        "models"
    }

    fn fetch(&self, address: &str) -> Result<PathBuf, BoxError> {
        let (workspace, policy, address) = (existing()?, policy()?, address.to_owned());
        let loaded = block(async move { workspace.load_model(&address, &policy).await })?;
        Ok(loaded.folder)
    }
}
