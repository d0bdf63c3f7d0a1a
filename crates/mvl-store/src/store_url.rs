//! An address in an object store: which store, and the key in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mvl_core::DataError;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use url::Url;

/// The root of files on a disk, which are read in the same way as objects.
pub(crate) const DISK: &str = "file://";

/// An object or prefix, and the store that it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl {
    /// As it was written, for messages.
    text: Arc<str>,
    /// What one connection serves: `s3://bucket`, `https://host:port`, or [`DISK`].
    root: Arc<str>,
    pub(crate) key: Key,
}

impl StoreUrl {
    /// Takes an address apart; without a scheme it is a path.
    ///
    /// # Errors
    /// [`DataError::Format`] with what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let wrong = |what: String| DataError::Format { path: text.into(), what };
        let Some((scheme, rest)) = text.split_once("://") else { return Self::on_disk(text, Path::new(text)) };
        let (root, key) = match scheme {
            "s3" | "s3a" | "gs" | "az" | "azure" | "adl" | "abfs" | "abfss" => {
                let (place, key) = rest.split_once('/').unwrap_or((rest, ""));
                if place.is_empty() {
                    return Err(wrong(format!("expected a bucket or container after {scheme}://, got none")));
                }
                (format!("{scheme}://{place}"), Key::parse(key))
            }
            "http" | "https" => {
                let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
                if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
                    return Err(wrong("expected an address without user, password and query".to_owned()));
                }
                (url[..url::Position::BeforePath].to_owned(), Key::from_url_path(url.path()))
            }
            "file" => {
                let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
                let path = path.ok_or_else(|| wrong("expected file:// and an absolute path".to_owned()))?;
                return Self::on_disk(text, &path);
            }
            _ => {
                return Err(wrong(format!(
                    "expected s3, gs, az, abfs, http, https or file as the scheme, got {scheme:?}"
                )));
            }
        };
        let key = key.map_err(|error| wrong(format!("not a key that object stores can hold: {error}")))?;
        Ok(Self { text: text.into(), root: root.into(), key })
    }

    fn on_disk(text: &str, path: &Path) -> Result<Self, DataError> {
        let wrong = |what: String| DataError::Format { path: text.into(), what };
        let path = std::path::absolute(path).map_err(|error| wrong(error.to_string()))?;
        let key = Key::from_absolute_path(path).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { text: text.into(), root: DISK.into(), key })
    }

    /// What one connection serves.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// `s3`, `http` …
    pub(crate) fn scheme(&self) -> &str {
        self.root.split("://").next().unwrap_or_default()
    }

    /// The address of another key of the same store, such that [`Self::parse`] finds it.
    pub(crate) fn with_key(&self, key: &Key) -> String {
        let encoded = |root: &str| {
            let mut url = Url::parse(root).ok()?;
            url.path_segments_mut().ok()?.clear().extend(key.parts().map(|part| part.as_ref().to_owned()));
            Some(url.to_string())
        };
        let plain = || format!("{}/{key}", self.root);
        if self.scheme().starts_with("http") { encoded(&self.root).unwrap_or_else(plain) } else { plain() }
    }

    /// The address of what lies below this one, at names that need no encoding.
    pub(crate) fn below(&self, path: &str) -> Self {
        let key = Key::from_iter(self.key.parts().chain(path.split('/').map(|part| part.to_owned().into())));
        let text = format!("{}/{path}", self.text.trim_end_matches('/'));
        Self { text: text.into(), root: self.root.clone(), key }
    }

    /// Where on this machine's disk it lies; `None` in other stores.
    pub(crate) fn local_path(&self) -> Option<PathBuf> {
        (*self.root == *DISK).then(|| LocalFileSystem::new().path_to_filesystem(&self.key).ok())?
    }

    /// The path of `file://…`.
    pub fn disk_path(&self) -> Option<PathBuf> {
        Url::parse(&self.text).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok())
    }

    /// What lies here is not as it should be.
    pub(crate) fn format_error(&self, what: impl Into<String>) -> DataError {
        DataError::Format { path: self.as_path(), what: what.into() }
    }

    /// As a path, which is how data sets name their places.
    pub(crate) fn as_path(&self) -> PathBuf {
        PathBuf::from(&*self.text)
    }
}

/// As it was written.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let url = StoreUrl::parse(text).expect("a good address");
        (url.root().to_owned(), url.key.to_string())
    }

    fn problem(text: &str) -> String {
        StoreUrl::parse(text).expect_err("a bad address").to_string()
    }

    #[test]
    fn store_and_key_are_told_apart() {
        for (text, root, key) in [
            ("s3://bucket", "s3://bucket", ""),
            ("s3://bucket/", "s3://bucket", ""),
            ("s3://bucket/a b/100%.jpg", "s3://bucket", "a b/100%.jpg"),
            ("az://container/x/", "az://container", "x"),
            ("abfss://container@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net", "x"),
            ("https://host:8080/a%20b/c.tar", "https://host:8080", "a b/c.tar"),
            ("file:///data/x.csv", "file://", "data/x.csv"),
            ("/data/x.csv", "file://", "data/x.csv"),
        ] {
            assert_eq!(parts(text), (root.to_owned(), key.to_owned()), "{text}");
        }
    }

    #[test]
    fn an_address_made_of_a_key_leads_back_to_it() {
        for root in ["s3://bucket", "https://host:8080"] {
            let url = StoreUrl::parse(root).expect("a good address");
            for key in ["a/b.jpg", "a b/ü.jpg", "100%/25%20.jpg", "a?b#c"] {
                let key = Key::parse(key).expect("a good key");
                let made = StoreUrl::parse(&url.with_key(&key)).expect("a good address");
                assert_eq!((made.root(), &made.key), (root, &key));
            }
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        assert_eq!(problem("s3:///key"), "expected a bucket or container after s3://, got none; s3:///key");
        assert_eq!(
            problem("ftp://host/x"),
            "expected s3, gs, az, abfs, http, https or file as the scheme, got \"ftp\"; ftp://host/x"
        );
        assert!(problem("s3://bucket/a//b").starts_with("not a key that object stores can hold"));
        assert!(problem("https://me:secret@host/x").starts_with("expected an address without user"));
    }
}
