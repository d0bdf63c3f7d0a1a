//! [`Files`]: artifacts in and out. Rows are the tracker's; content is among the blobs, verified as it is sent.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mvl_track::{Artifact, ErrorCode, Tracker};

use super::answer;
use super::error::{Answer, ApiError};
use super::media_type::media_type;
use super::paths::{joined, last_name};
use super::places::Place;
use super::ranges::{Asked, asked};
use super::upload;

/// Artifacts in and out. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Files {
    tracker: Tracker,
    spool: Arc<PathBuf>,
}

impl Files {
    pub(super) fn new(tracker: Tracker, spool: PathBuf) -> Self {
        Self { tracker, spool: Arc::new(spool) }
    }

    /// Takes a file in. Its content is stored first; then one transaction makes it visible.
    pub(super) async fn receive(&self, place: &Place, headers: &HeaderMap, body: Body, limit: u64) -> Answer<()> {
        let (owner, path) = place.owner()?;
        if path.is_empty() {
            return Err(ApiError::invalid(format!(
                "expected the path of a file, got that of a folder, {:?}",
                place.path()
            )));
        }
        let (digest, bytes) = upload::store(self.tracker.blobs()?, &self.spool, (headers, body), limit).await?;
        let file = Artifact::file(path, digest, bytes);
        Ok(self.tracker.put_artifact_rows(&owner, &[file]).await?)
    }

    /// Sends a file, or the part of it that is asked for.
    pub(super) async fn send(&self, place: &Place, headers: &HeaderMap) -> Answer {
        let file = self.find(place).await?;
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(digest) = file.digest else { return Err(is_folder(place)) };
        let tag = format!("\"{digest}\"");
        let mut sent = headers_of(place.path(), &tag)?;
        if text(header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
            return Ok((StatusCode::NOT_MODIFIED, sent).into_response());
        }
        let (status, range) = match asked(text(header::RANGE), file.bytes) {
            Asked::All => (StatusCode::OK, None),
            Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
            Asked::Outside => {
                let range = [(header::CONTENT_RANGE, format!("bytes */{}", file.bytes))];
                return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
            }
        };
        let bytes = range.as_ref().map_or(file.bytes, |range| range.end - range.start);
        sent.insert(header::CONTENT_LENGTH, bytes.into());
        if let Some(range) = &range {
            let told = format!("bytes {}-{}/{}", range.start, range.end - 1, file.bytes);
            sent.insert(header::CONTENT_RANGE, value_of(&told)?);
        }
        let stream = self.tracker.blobs()?.stream(digest, range).await?;
        Ok((status, sent, Body::from_stream(stream)).into_response())
    }

    async fn find(&self, place: &Place) -> Answer<Artifact> {
        let (owner, path) = place.owner()?;
        let nothing = || ApiError::missing(format!("No such artifact: '{}'", place.path()));
        if path.is_empty() {
            return Err(is_folder(place));
        }
        match self.tracker.get_artifact(&owner, &path).await {
            Ok(file) if file.is_dir => Err(is_folder(place)),
            Ok(file) => Ok(file),
            Err(error) if error.code == ErrorCode::ResourceDoesNotExist => {
                match self.tracker.list_artifacts(&owner, &path, None).await {
                    Ok(page) if !page.items.is_empty() => Err(is_folder(place)),
                    _ => Err(nothing()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The files and folders right below a folder of a run or a model, by their paths there.
    pub(super) async fn list_below(&self, root: &Place, folder: &str, root_uri: &str) -> Answer {
        let found = self.list(&root.below(folder)).await?;
        let files = found.iter().map(|file| answer::File::new(joined(folder, last_name(&file.path)), file));
        let files = files.collect();
        Ok(Json(answer::Files { root_uri: Some(root_uri.to_owned()), files }).into_response())
    }

    /// The files and folders right below a folder, by name.
    pub(super) async fn list_names(&self, folder: &Place) -> Answer {
        let found = self.list(folder).await?;
        let files = found.iter().map(|file| answer::File::new(last_name(&file.path).to_owned(), file)).collect();
        Ok(Json(answer::Files { root_uri: None, files }).into_response())
    }

    /// All of a folder: MLflow's client does not ask for a second page of files.
    async fn list(&self, folder: &Place) -> Answer<Vec<Artifact>> {
        let (owner, path) = folder.owner()?;
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let page = match self.tracker.list_artifacts(&owner, &path, token.as_deref()).await {
                Ok(page) => page,
                // A folder of a run that is not there is as empty as any other.
                Err(error) if error.code == ErrorCode::ResourceDoesNotExist => return Ok(found),
                Err(error) => return Err(error.into()),
            };
            found.extend(page.items);
            token = page.next_page_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Removes a file, or a folder with all below it; what is not there is gone already.
    pub(super) async fn remove(&self, place: &Place) -> Answer<()> {
        let (owner, path) = place.owner()?;
        match self.tracker.delete_artifacts(&owner, &path).await {
            Err(error) if error.code != ErrorCode::ResourceDoesNotExist => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn is_folder(place: &Place) -> ApiError {
    ApiError::invalid(format!("Artifact path refers to a directory, not a file: '{}'", place.path()))
}

/// Files are always sent as attachments: a page among them must not run as one of this server's.
fn headers_of(path: &str, tag: &str) -> Answer<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CONTENT_DISPOSITION, value_of(&attachment(last_name(path)))?);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, value_of(tag)?);
    Ok(headers)
}

fn value_of(text: &str) -> Answer<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| ApiError::internal("cannot send the file's headers", error))
}

/// RFC 6266: the name in quotes, and in percent codes when it is more than ASCII.
fn attachment(name: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "._-+ ()".contains(char);
    let quoted: String = name.chars().map(|char| if plain(char) { char } else { '_' }).collect();
    if name.chars().all(plain) {
        return format!("attachment; filename=\"{quoted}\"");
    }
    let encoded = name.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("attachment; filename=\"{quoted}\"; filename*=UTF-8''{}", encoded.collect::<String>())
}

/// An answer without a body.
pub(super) fn done() -> Response {
    Json(serde_json::Map::new()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(attachment("a b.txt"), "attachment; filename=\"a b.txt\"");
        assert_eq!(attachment("ü\".txt"), "attachment; filename=\"__.txt\"; filename*=UTF-8''%C3%BC%22.txt");
    }
}
