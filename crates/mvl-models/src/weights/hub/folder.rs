//! Where weights files are kept.

use std::env;
use std::path::PathBuf;

/// Where weights files are kept and looked for: `weights` in `$MVL_CACHE` (or its older name `$MVL_HOME`), or else in `mvl` in the
/// user's cache folder.
#[must_use]
pub fn weights_folder() -> PathBuf {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || named("XDG_CACHE_HOME").or_else(|| Some(env::home_dir()?.join(".cache")));
    let root = named("MVL_CACHE").or_else(|| named("MVL_HOME")).or_else(|| Some(cache()?.join("mvl")));
    root.unwrap_or_else(|| PathBuf::from(".mvl")).join("weights")
}
