//! [`AllowedSources`]: which sources a request may name, so that whoever may manage models cannot open any file of the machine.

use std::path::{Path, PathBuf};

use crate::upstream::UpstreamModels;
use crate::{ServiceError, Trouble};

/// How an address in the registry begins.
const REGISTRY: &str = "models:/";

/// Which sources a request may name. Whatever it says, a model's own source is allowed, other versions of the same registered model, and
/// what lies in its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedSources(Vec<String>);

impl AllowedSources {
    /// Beginnings of addresses (`models:/`, `s3://bucket/models/`, `identity:`), folders, or names as they are. A beginning ends where a
    /// part of the address does: `models:/shoes` allows `models:/shoes@champion` and not `models:/shoes2/1`.
    pub fn new<S: Into<String>>(beginnings: impl IntoIterator<Item = S>) -> Self {
        Self(beginnings.into_iter().map(Into::into).collect())
    }

    /// Refuses a source that lies under none of them, nor under what is served already.
    ///
    /// # Errors
    /// [`Trouble::Forbidden`].
    pub fn check<'a>(&self, source: &str, served: impl IntoIterator<Item = &'a str>) -> Result<(), ServiceError> {
        let served: Vec<String> = served.into_iter().flat_map(parts).collect();
        let is_allowed = |part: String| {
            let served = served.iter().map(|known| same(known));
            self.0.iter().map(String::as_str).chain(served).any(|beginning| covers(beginning, &part))
        };
        // Control characters vanish where addresses are read, so that others would be read than were checked.
        if !source.contains(char::is_control) && parts(source).into_iter().all(is_allowed) {
            return Ok(());
        }
        let shown: String = source.chars().take(200).collect();
        let message =
            format!("requests may not name the source {shown:?}; the server's allowed_sources say which they may");
        Err(ServiceError::new(Trouble::Forbidden, message))
    }
}

/// The addresses in a source: other servers may stand in a list.
fn parts(source: &str) -> Vec<String> {
    let scheme = UpstreamModels::SCHEME;
    match source.strip_prefix(scheme) {
        Some(list) => list.split(',').map(|part| format!("{scheme}{}", part.trim())).collect(),
        None => vec![source.to_owned()],
    }
}

/// What stands for all versions of what a source is a version of.
fn same(source: &str) -> &str {
    match source.strip_prefix(REGISTRY) {
        Some(rest) => {
            let name = rest.find(['@', '/']).unwrap_or(rest.len());
            &source[..REGISTRY.len() + name]
        }
        None => source,
    }
}

fn covers(beginning: &str, source: &str) -> bool {
    if source == beginning {
        return true;
    }
    if is_address(beginning) || is_address(source) {
        let ends_a_part = |end: char| matches!(end, '/' | ':' | '@');
        let whole = beginning.ends_with(ends_a_part);
        let rest = source.strip_prefix(beginning);
        return rest.is_some_and(|rest| whole || rest.starts_with(ends_a_part))
            && is_address(beginning)
            && !source.split(['/', '\\']).any(|part| part == "..")
            && !source.contains('%');
    }
    // Folders are compared as they are once links are followed; what is not there is no folder.
    match (resolved(beginning), resolved(source)) {
        (Some(folder), Some(path)) => path.starts_with(folder),
        _ => false,
    }
}

/// Whether it is an address rather than a path: a scheme of at least two letters, then a colon.
fn is_address(source: &str) -> bool {
    source.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn resolved(path: &str) -> Option<PathBuf> {
    (!path.is_empty()).then(|| Path::new(path).canonicalize().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_lie_under_what_is_allowed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
        for name in ["models/a", "models-2", "elsewhere"] {
            std::fs::create_dir_all(path(name)).expect("made");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(path("elsewhere"), path("models/link")).expect("a link");
        let allowed = AllowedSources::new([
            path("models"),
            "models:/shoes".to_owned(),
            "s3://bucket/good/".to_owned(),
            "identity:".to_owned(),
            "resnet50".to_owned(),
        ]);
        let served = ["models:/cats@champion", "oip:http://gpu1:8000/shoes,http://gpu2:8000/shoes"];
        for (source, fine) in [
            (path("models"), true),
            (path("models/a"), true),
            (path("models/../models/a"), true),
            (path("models/../elsewhere"), false),
            (path("models/link"), cfg!(not(unix))),
            (path("models-2"), false),
            (path("models/not there"), false),
            ("/etc/passwd".to_owned(), false),
            (format!("file://{}", path("models/a")), false),
            ("models:/shoes".to_owned(), true),
            ("models:/shoes/3".to_owned(), true),
            ("models:/shoes@new".to_owned(), true),
            ("models:/shoes2/1".to_owned(), false),
            ("models:/cats/7".to_owned(), true),
            ("models:/cats@other".to_owned(), true),
            ("models:/catsup/7".to_owned(), false),
            ("s3://bucket/good/x".to_owned(), true),
            ("s3://bucket/good".to_owned(), false),
            ("s3://bucket/good/../bad".to_owned(), false),
            ("s3://bucket/good/%2e%2e/bad".to_owned(), false),
            ("s3://bucket/good/.\t./bad".to_owned(), false),
            ("s3://bucket/goodness".to_owned(), false),
            ("oip:http://gpu1:8000/shoes".to_owned(), true),
            ("oip:http://gpu2:8000/shoes/versions/3, http://gpu1:8000/shoes".to_owned(), true),
            ("oip:http://gpu1:8000/shoes,http://gpu1:8000/secret".to_owned(), false),
            ("http://gpu1:8000/shoes".to_owned(), false),
            ("identity:FP32".to_owned(), true),
            ("resnet50".to_owned(), true),
            ("resnet101".to_owned(), false),
            (String::new(), false),
        ] {
            let came = allowed.check(&source, served);
            assert_eq!(came.is_ok(), fine, "{source}: {came:?}");
        }
        let refused = AllowedSources::default().check("/etc", []).expect_err("nothing is allowed");
        assert_eq!(refused.trouble, Trouble::Forbidden);
    }
}
