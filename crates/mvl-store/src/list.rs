//! What lies under a prefix, in the order in which a folder on a disk would be listed.

use std::future::{Future, poll_fn};
use std::path::PathBuf;

use mvl_core::DataError;
use object_store::list::PaginatedListOptions;
use object_store::path::Path as Key;
use object_store::{ListResult, ObjectMeta};

use crate::failure::Cause;
use crate::retry::{fresh_jitter, retrying};
use crate::store::{Store, store_of};
use crate::{Failure, RetryPolicy, StoreUrl, wait_for};

/// The most objects that are listed.
const MAX_OBJECTS: usize = 50_000_000;

/// What lies right under a prefix, as addresses; hidden names are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Prefixes of others.
    pub folders: Vec<PathBuf>,
    /// Objects.
    pub files: Vec<PathBuf>,
}

/// The visible objects and prefixes right under a prefix, as addresses.
///
/// # Errors
/// [`DataError::Io`] when the store cannot be listed.
pub fn list(url: &StoreUrl) -> Result<Listing, DataError> {
    let found = wait_for(gather(url.clone(), true))??;
    let addresses = |keys: Vec<Key>| -> Vec<PathBuf> {
        let visible = keys.iter().filter(|key| names_below(key, url).is_some_and(|names| is_visible(&names)));
        let mut addresses: Vec<PathBuf> = visible.map(|key| url.with_key(key).into()).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    };
    let files = found.objects.into_iter().map(|object| object.location).collect();
    Ok(Listing { folders: addresses(found.common_prefixes), files: addresses(files) })
}

/// All visible objects below a prefix, as addresses: each folder's files before those of its folders.
///
/// # Errors
/// [`DataError::Io`] when the store cannot be listed.
pub fn files_below(url: &StoreUrl) -> Result<Vec<PathBuf>, DataError> {
    let found = wait_for(gather(url.clone(), false))??;
    let visible = |object: &ObjectMeta| names_below(&object.location, url).filter(|names| is_visible(names));
    let mut files: Vec<(Vec<(bool, String)>, Key)> = found
        .objects
        .into_iter()
        .filter_map(|object| Some((folders_last(visible(&object)?), object.location)))
        .collect();
    files.sort();
    Ok(files.into_iter().map(|(_, key)| url.with_key(&key).into()).collect())
}

/// The names on the way from a prefix down to a key; `None` for the prefix itself and what is not below it.
fn names_below(key: &Key, url: &StoreUrl) -> Option<Vec<String>> {
    let names: Vec<String> = key.prefix_match(&url.key)?.map(|part| part.as_ref().to_owned()).collect();
    Some(names).filter(|names| !names.is_empty())
}

fn is_visible(names: &[String]) -> bool {
    names.iter().all(|name| !name.starts_with('.'))
}

/// Names by which files sort before the folders beside them.
fn folders_last(names: Vec<String>) -> Vec<(bool, String)> {
    let last = names.len() - 1; // never empty
    names.into_iter().enumerate().map(|(depth, name)| (depth < last, name)).collect()
}

/// All that is under a prefix: the first level, or all of them.
pub(crate) async fn gather(url: StoreUrl, one_level: bool) -> Result<ListResult, DataError> {
    let store = store_of(&url)?;
    let mut all = ListResult { common_prefixes: Vec::new(), objects: Vec::new(), extensions: Default::default() };
    let mut token = None;
    loop {
        let page = asked(&url, || page(&store, &url, one_level, token.clone())).await?;
        all.common_prefixes.extend(page.0.common_prefixes);
        all.objects.extend(page.0.objects);
        if all.objects.len() > MAX_OBJECTS {
            return Err(url.format_error(format!("expected at most {MAX_OBJECTS} objects, got more")));
        }
        token = page.1;
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn asked<T, A: Future<Output = Result<T, Failure>>>(
    url: &StoreUrl,
    attempt: impl FnMut() -> A,
) -> Result<T, DataError> {
    let answer = retrying(&RetryPolicy::OPENING, fresh_jitter(), attempt).await;
    answer.map_err(|failure| failure.at(url, "listing"))
}

/// One page, and where the next begins. A store without pages gives all at once.
async fn page(
    store: &Store,
    url: &StoreUrl,
    one_level: bool,
    page_token: Option<String>,
) -> Result<(ListResult, Option<String>), Failure> {
    let _permit = store.requests.acquire().await.map_err(|error| Failure::new(Cause::Permanent, error.to_string()))?;
    let Some(pages) = &store.pages else { return Ok((all_at_once(store, url, one_level).await?, None)) };
    let prefix = (url.key != Key::ROOT).then(|| format!("{}/", url.key));
    let delimiter = one_level.then(|| "/".into());
    let options = PaginatedListOptions { delimiter, page_token, ..Default::default() };
    let page = pages.list_paginated(prefix.as_deref(), options).await?;
    Ok((page.result, page.page_token))
}

async fn all_at_once(store: &Store, url: &StoreUrl, one_level: bool) -> Result<ListResult, Failure> {
    let prefix = (url.key != Key::ROOT).then_some(&url.key);
    if one_level {
        return Ok(store.objects.list_with_delimiter(prefix).await?);
    }
    let mut objects = Vec::new();
    let mut listed = store.objects.list(prefix);
    while let Some(object) = poll_fn(|context| listed.as_mut().poll_next(context)).await {
        objects.push(object?);
    }
    Ok(ListResult { common_prefixes: Vec::new(), objects, extensions: Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folders_files_come_before_those_of_its_folders() {
        let names = |key: &str| folders_last(key.split('/').map(str::to_owned).collect());
        let mut keys = ["b/1", "a/x/2", "c", "a/z", "a/x/1", "b/1/0"];
        keys.sort_by_key(|key| names(key));
        assert_eq!(keys, ["c", "a/z", "a/x/1", "a/x/2", "b/1", "b/1/0"]);
    }

    #[test]
    fn hidden_names_and_the_prefix_itself_are_left_out() {
        let url = StoreUrl::parse("s3://bucket/data").expect("a good address");
        let shown = |key: &str| {
            names_below(&Key::parse(key).expect("a good key"), &url).is_some_and(|names| is_visible(&names))
        };
        assert!(shown("data/a.jpg") && shown("data/a/b.jpg"));
        assert!(!shown("data") && !shown("data/.a") && !shown("data/.a/b.jpg") && !shown("database/a.jpg"));
    }
}
