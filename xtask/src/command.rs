//! Runs cargo and `mvl` in the workspace's root, with the profile that everything shares.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The variables of this process by which `cargo run` tells a program of its package.
pub(crate) fn variables_of_a_package() -> Vec<OsString> {
    let of_a_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR";
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_str().is_some_and(of_a_package)).collect()
}

/// Runs this program again without these variables. The build script of ring depends on them: for a cargo that inherits them it
/// is out of date, and with it everything above it, which is the whole workspace.
pub(crate) fn again_without(variables: &[OsString], arguments: &[String]) -> Result<ExitCode> {
    let mut command = Command::new(std::env::current_exe().context("where is this program?")?);
    command.args(arguments);
    for name in variables {
        command.env_remove(name);
    }
    let status = command.status().context("cannot run this program again")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.with_context(|| format!("ended by {status}"))?))
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Where the real weights and photos are looked for.
pub(crate) const SHARED_ASSETS: &str = "the real weights and photos in ../shared/assets or $MVL_ASSETS";

/// The assets that stand beside the project on some machines, or in `$MVL_ASSETS`: real weights, photos.
pub(crate) fn shared_assets() -> Option<PathBuf> {
    let named = std::env::var_os("MVL_ASSETS").map(PathBuf::from);
    let assets = named.or_else(|| Some(root().parent()?.join("shared/assets")))?;
    assets.is_dir().then_some(assets)
}

/// Runs cargo, its output shown.
pub(crate) fn cargo(arguments: &[&str]) -> Result<bool> {
    let status = Command::new("cargo").args(arguments).current_dir(root()).status().context("cannot run cargo")?;
    Ok(status.success())
}

/// Runs `mvl`, progress shown, and gives what it printed.
pub(crate) fn mvl(arguments: &[&str]) -> Result<Output> {
    let mut all = vec!["run", "--release", "--quiet", "--"];
    all.extend(arguments);
    let command = Command::new("cargo").args(all).current_dir(root()).stderr(Stdio::inherit()).output();
    command.context("cannot run mvl")
}

/// Runs `mvl … --json` and reads its answer.
pub(crate) fn mvl_json(arguments: &[&str]) -> Result<Value> {
    let mut all = arguments.to_vec();
    all.push("--json");
    let output = mvl(&all)?;
    ensure!(output.status.success(), "mvl {} ended with {}", arguments.join(" "), output.status);
    serde_json::from_slice(&output.stdout).context("mvl --json printed something else than JSON")
}

/// Builds one example with the features that everything shares, and runs it; whether it ended well.
pub(crate) fn run_example(name: &str, arguments: &[&str]) -> Result<bool> {
    let program = build("--example", name, "release/examples")?;
    let status = Command::new(&program).args(arguments).current_dir(root()).status();
    Ok(status.with_context(|| format!("cannot run {}", program.display()))?.success())
}

/// Builds one program with the features that everything shares, and says where it is.
pub(crate) fn build_program(name: &str) -> Result<PathBuf> {
    build("--bin", name, "release")
}

fn build(kind: &str, name: &str, folder: &str) -> Result<PathBuf> {
    ensure!(cargo(&["build", "--release", "--quiet", "--workspace", kind, name])?, "{name} does not build");
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout).context("cargo metadata printed no JSON")?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    Ok(Path::new(target).join(folder).join(name))
}
