//! Pages, and lists of files.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A page: a list under a name, unless it is empty, and the token of the next page.
pub(crate) struct Listed<T> {
    pub(super) name: &'static str,
    pub(super) items: Vec<T>,
    pub(super) next_page_token: Option<String>,
}

impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.items.is_empty() {
            map.serialize_entry(self.name, &self.items)?;
        }
        if let Some(token) = &self.next_page_token {
            map.serialize_entry("next_page_token", token)?;
        }
        map.end()
    }
}

/// Files and folders, and where they lie.
#[derive(serde::Serialize)]
pub(crate) struct Files {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<File>,
}

/// A file or a folder.
#[derive(serde::Serialize)]
pub(crate) struct File {
    path: String,
    is_dir: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

impl File {
    pub(crate) fn new(path: String, artifact: &mvl_track::Artifact) -> Self {
        // MLflow leaves the size of an empty file out, as of a folder.
        let file_size = (artifact.bytes > 0 && !artifact.is_dir).then_some(artifact.bytes);
        Self { path, is_dir: artifact.is_dir, file_size }
    }
}
